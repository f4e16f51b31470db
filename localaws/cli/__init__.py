"""The command `pulumi-local`."""
