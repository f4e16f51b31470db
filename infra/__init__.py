"""The Pulumi program: what is deployed."""
