"""Pulumi's provider protocol: the packages `aws` and `awsx` as the engine calls them."""
