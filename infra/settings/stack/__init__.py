"""Settings that a stack has once."""
