"""The post-deploy check: what a service looks like from outside, through its load balancer."""
