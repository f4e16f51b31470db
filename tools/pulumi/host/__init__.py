"""The Python language host that stands beside a CLI which came without one; it is copied there, not imported."""
