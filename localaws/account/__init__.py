"""An AWS account: the resources in it, what creating, changing and looking them up does."""
