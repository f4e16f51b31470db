"""CloudWatch alarms on what really happens, and the notifications that they send."""
