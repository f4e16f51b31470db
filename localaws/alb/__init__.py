"""Application load balancers: a pure compiler to Envoy's configuration, Envoy, and target health."""
