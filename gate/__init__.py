"""Review every stack as a security reviewer would, on every change; see docs/gate.md."""
