"""The configurations that the gate looks at: every stack file, and one with everything on."""

from __future__ import annotations

import runpy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from gate import graph
from localaws import mocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.mocks import Recording

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Configuration:
    """A stack file, and what is changed in it."""

    file: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the project's, without its name."""


_EVERYTHING: Final = {
    "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + "0" * 64,
    "requireImageDigest": True,
    "command": [],
    "containerPort": 8080,
    "containerInsights": "enhanced",
    "ecsExec": False,
    "logRetentionDays": 365,
    "domain": "shop.example.com",
    "hostedZone": "example.com",
    "accessLogs": True,
    "waf": "block",
}
"""What a stack can switch on for safety, all at once."""

CONFIGURATIONS: Final[Mapping[str, Configuration]] = {
    **{path.name.split(".")[1]: Configuration(path.name.split(".")[1]) for path in sorted(ROOT.glob("Pulumi.*.yaml"))},
    "everything": Configuration("prod", _EVERYTHING),
}
"""By the stack's name."""


@cache
def recording(stack: str) -> Recording:
    """What the program registers with a configuration of the table; nobody may change it.

    Raises:
        AssertionError: AWS would refuse something, as far as the local AWS knows.
    """
    chosen = CONFIGURATIONS[stack]
    return record(stack, mocks.configuration(ROOT, chosen.file, **chosen.changes))


def record(stack: str, config: Mapping[str, str]) -> Recording:
    """What the program registers with a configuration."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"]
    return mocks.run(
        lambda: runpy.run_path(str(ROOT / "__main__.py")), project=project, stack=stack, config=config, cloud=_account()
    )


def _account() -> mocks.Cloud:
    """An account in which there is what the configurations expect to find."""
    return mocks.Cloud(seed=1)


@cache
def graph_of(stack: str) -> graph.Graph:
    """The graph of a configuration of the table."""
    return graph.of(recording(stack))
