"""An AWS account: its resources, and how they are created, changed, deleted and looked up."""
