"""A local awsx: the components of package `awsx`, made of the same parts as the real ones."""
