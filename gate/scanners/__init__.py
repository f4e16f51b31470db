"""checkov and cfn-lint, and the formats in which they read a graph."""
