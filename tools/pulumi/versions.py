"""Which Pulumi CLI is wanted."""

from __future__ import annotations

from pathlib import Path

from tools.versions import Version, from_go_mod

GO_MODULE = Path(__file__).parent

MINIMUM = (3, 244, 0)
"""The oldest CLI that is taken from PATH. Error hooks, by which a rolled-back deployment says why,
came with 3.217 and work since 3.244 (github.com/pulumi/pulumi/issues/23344)."""


def pinned() -> Version:
    """Return the CLI version that set-up installs where none is found: go.mod's."""
    return from_go_mod(GO_MODULE, r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)")
