"""Where clients connect: load balancer, certificate, DNS name, firewall, access log."""
