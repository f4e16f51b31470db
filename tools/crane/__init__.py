"""crane, which gets container images from registries."""
