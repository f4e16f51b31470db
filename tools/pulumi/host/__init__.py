"""The Python language host for a CLI that came without one; it is copied, not imported."""
