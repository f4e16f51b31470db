"""Pulumi's engine finds every resource of an earlier version's stack in today's program, unchanged.

tests/infra/upgrade shows the same for more stacks under mocks, where aliases are ours to decide.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.engine.stack import ROOT, Stack, operations
from tests.infra.upgrade.deployed import CHECKPOINT, read, versions, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=versions(), ids=lambda folder: folder.name)
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Today's program with the configuration and the engine's state of a recorded stack."""
    recorded: Path = request.param
    project = tmp_path_factory.mktemp("project")
    write_project(project, "local", read(recorded / "local.json").config)
    for name in ("__main__.py", "local.parameters.toml"):
        shutil.copy(ROOT / name, project)
    for name in (".venv", "infra"):
        (project / name).symlink_to(ROOT / name)
    stack = Stack(tmp_path_factory.mktemp("state"), project, passphrase=True)
    try:
        stack.run("stack", "import", "--file", str(recorded / CHECKPOINT))
        yield stack
    finally:
        stack.run("stop")


def test_the_engine_upgrades_a_deployed_stack_without_a_change(upgraded: Stack) -> None:
    deployed = [each for each in upgraded.resources() if not _is_provider(each["type"])]
    output = upgraded.run("preview", "--diff", "--non-interactive", "--expect-no-changes")
    assert operations(output) == {"unchanged": len(deployed)}


def _is_provider(token: str) -> bool:
    return token.startswith("pulumi:providers:")
