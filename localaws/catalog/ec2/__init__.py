"""EC2: networks, security groups, VPC endpoints, flow logs."""
