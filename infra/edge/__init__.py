"""What clients meet first: load balancer, certificate, DNS name, firewall, access log."""
