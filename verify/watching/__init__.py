"""A service watched at a constant rate while something changes."""
