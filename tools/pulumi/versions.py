"""The version of the Pulumi CLI that the project needs."""

from __future__ import annotations

from pathlib import Path

from tools.versions import Version, from_go_mod

GO_MODULE = Path(__file__).parent

MINIMUM = (3, 244, 0)
"""The oldest CLI that is used from PATH. Error hooks, which explain a rolled-back deployment, came
with 3.217 and work since 3.244 (github.com/pulumi/pulumi/issues/23344).
"""


def pinned() -> Version:
    """Return go.mod's version of the CLI, which set-up installs where it finds none."""
    return from_go_mod(GO_MODULE, r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)")
