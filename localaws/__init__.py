"""An AWS for one machine: what the program meets when it has no account."""
