"""The ECS cluster."""
