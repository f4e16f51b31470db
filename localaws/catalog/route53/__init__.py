"""Route 53: hosted zones, records, health checks."""
