"""The post-deploy check: what a service looks like from outside, through its load balancer."""

VERSION = "0.1.0"
"""The project's, as pyproject.toml has it."""
