"""What a security review would ask of every stack, asked by machines on every change; docs/gate.md says how."""
