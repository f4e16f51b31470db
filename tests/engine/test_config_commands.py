"""The manual's `pulumi config set` commands, run: each leaves a value that the program takes."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import yaml

from infra.settings import kinds
from localaws import mocks
from tests.engine.stack import ROOT, Stack, copy_project

if TYPE_CHECKING:
    from collections.abc import Iterator


def _commands() -> list[str]:
    """Return each command of a document that sets a key, without its comment."""
    found: set[str] = set()
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        lines = re.findall(r"^ {4,}(pulumi config set .*)$", document.read_text(), re.MULTILINE)
        found.update(line.partition("  #")[0].strip() for line in lines)
    return sorted(found)


PLACEHOLDERS = {
    "certificate/…": "certificate/00000000-0000-0000-0000-000000000001",
    "sha256:…": "sha256:" + "0" * 64,
}
TOGETHER = (
    "deletionProtection",
    "emptyLogsOnDestroy",
    "waf block",
    "domain",
    "hostedZone",
    "egress",
    "environment",
)
"""What a stack that makes its VPC takes all at once."""

AT_ONCE = [line for line in _commands() if any(key in line for key in TOGETHER)]
ALONE = [line for line in _commands() if line not in AT_ONCE]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A copy of the project whose stack files may change."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(
        folder,
        "Pulumi.yaml",
        "Pulumi.dev.yaml",
        "Pulumi.prod.yaml",
        "__main__.py",
        "local.parameters.toml",
    )
    stack = Stack(tmp_path_factory.mktemp("state"), folder, passphrase=True)
    yield stack
    stack.run("stop")


def check(copy: Stack, line: str) -> None:
    """Run a command of the manual, and check that the program takes the value that it leaves."""
    for placeholder, meant in PLACEHOLDERS.items():
        line = line.replace(placeholder, meant)
    name = re.search(r"--stack (\w+)", line)
    line += "" if name else " --stack dev"
    run = copy.shell(line.replace("pulumi ", "pulumi-local ", 1))
    assert run.returncode == 0, run.stdout + run.stderr
    path, value = [word for word in shlex.split(line)[3:] if not word.startswith("--")][:2]
    key = re.split(r"[.\[]", path)[0]
    stored = mocks.configuration(copy.project, name[1] if name else "dev")[f"fargate-web:{key}"]
    assert value in stored
    kinds()[key].read(stored)


@pytest.mark.parametrize("line", ALONE)
def test_a_command_of_the_manual_sets_what_its_key_takes(copy: Stack, line: str) -> None:
    check(copy, line)


def test_commands_that_a_stack_takes_all_at_once_set_what_is_previewed(copy: Stack) -> None:
    file = copy.project / "Pulumi.prod.yaml"
    file.write_text((ROOT / "Pulumi.prod.yaml").read_text())
    for line in AT_ONCE:
        check(copy, re.sub(r" --stack \w+|$", " --stack prod", line, count=1))
    config = yaml.safe_load(file.read_text())["config"]
    assert {
        "fargate-web:deletionProtection",
        "fargate-web:egress",
        "fargate-web:environment",
    } <= config.keys()
    assert "emptyLogsOnDestroy" in copy.run("config", "--stack", "prod")
    copy.run("preview", "--stack", "prod", "--non-interactive")
