"""The policies of the principals that deploy and preview a stack."""
