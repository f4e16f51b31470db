"""The VPCs of the local AWS, made of network namespaces: routes, gateways and security groups."""
