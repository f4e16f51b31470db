"""A service on the cluster, from its container to the requests that it gets."""
