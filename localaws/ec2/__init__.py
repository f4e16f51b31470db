"""EC2 container instances: their types, their fleet, and where ECS puts tasks on them. Pure."""
