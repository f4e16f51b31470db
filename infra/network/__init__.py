"""The network that a stack runs in: its own VPC or an existing one."""
