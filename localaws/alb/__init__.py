"""Application load balancers: a compiler to Envoy's configuration, Envoy, target health."""
