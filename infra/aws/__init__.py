"""Facts about AWS, and the names and policies of this program, without any Pulumi."""
