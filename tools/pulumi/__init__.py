"""Get the Pulumi CLI: the user's, Pulumi's release, or a build from Go modules."""
