"""IAM: roles, users, policies."""
