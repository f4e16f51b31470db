"""Gets the Pulumi CLI: the user's own, Pulumi's release, or a build from Go modules."""
