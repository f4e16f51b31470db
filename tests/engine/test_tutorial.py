"""The tutorial word for word: its files, its commands and the output that it shows.

The part for AWS is run against the local AWS, with stubs for `aws` and `docker`.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.engine.stack import ROOT, Stack, copy_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUILDER = str(ROOT / "tests" / "localaws" / "ecr" / "fake_builder.py")
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
AWS = """\
#!/bin/bash
printf 'aws %s\\n' "$*" >> "$CALLS"
"""
DOCKER = f"""\
#!/bin/bash
printf 'docker %s\\n' "$*" >> "$CALLS"
[ "$1" = version ] || exec {shlex.join([sys.executable, BUILDER])} "$@"
"""
PULUMI = """\
#!/bin/bash
printf 'pulumi %s\\n' "$*" >> "$CALLS"
case "$1 $2" in
  "login "|"stack init") exit ;;
  "up "*|"destroy "*) exec pulumi-local "$@" --yes ;;
esac
exec pulumi-local "$@"
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what the page wants done with it, and its text."""

    language: str
    purpose: str
    text: str


BLOCKS = [
    Block(*found)
    for found in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]
FILES = {
    each.purpose.removeprefix("file="): each.text
    for each in BLOCKS
    if each.purpose.startswith("file=")
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The reader's clone, with the tutorial's files."""
    folder = tmp_path_factory.mktemp("clone")
    copy_project(folder, "Pulumi.yaml", "__main__.py", "local.parameters.toml")
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    # The page's rows run programs of this machine, which containers don't.
    environment = {
        "LOCALAWS_RUNTIME": "process",
        "LOCALAWS_IMAGES": str(folder / "localaws-images.toml"),
    }
    stack = Stack(tmp_path_factory.mktemp("state"), folder, environment)
    yield stack
    stack.run("stop")


def shown(expected: str, output: str) -> None:
    """Fail unless the output has the page's lines in this order; … stands for any text."""
    at = 0
    for line in expected.splitlines():
        pattern = ".*".join(map(re.escape, line.rstrip().split("…")))
        found = re.compile(rf"^{pattern}\s*$", re.MULTILINE).search(output, at)
        assert found, (
            f"the page shows this line, and the command doesn't print it here:\n{line}\n\n{output}"
        )
        at = found.end()


def test_every_block_has_a_purpose() -> None:
    purposes = {each.purpose for each in BLOCKS if not each.purpose.startswith("file=")}
    assert purposes == {"", "run", "fails", "output", "aws"}
    assert [each.text for each in BLOCKS if not each.purpose] == ["make setup\n"]
    for before, block in pairwise(BLOCKS):
        assert block.purpose != "output" or before.purpose in {"run", "fails", "output"}, block.text


def test_the_local_part_does_what_the_page_shows(clone: Stack) -> None:
    output = ""
    for block in BLOCKS:
        if block.purpose in {"run", "fails"}:
            run = clone.shell(block.text)
            output = run.stdout + run.stderr
            assert (run.returncode != 0) is (block.purpose == "fails"), (
                f"{block.text}\n{output}\n{clone.last_words()}"
            )
        elif block.purpose == "output":
            shown(block.text, output)


@pytest.fixture
def calls(clone: Stack, tmp_path: Path) -> Path:
    """Where the stubs write what they were called with; they come first on PATH."""
    for name, text in (("aws", AWS), ("docker", DOCKER), ("pulumi", PULUMI)):
        stub = tmp_path / name
        stub.write_text(text)
        stub.chmod(0o755)
    # The local AWS, in AWS's place, runs the image by the table too. Its repository has the name of
    # the service.
    table = clone.project / "localaws-images.toml"
    table.write_text(table.read_text().replace('"*/shop@*"', '"*/web-*@*"'))
    return tmp_path / "calls"


def test_the_part_for_aws_deploys_the_image_that_it_builds(clone: Stack, calls: Path) -> None:
    setting = f'export PATH="{calls.parent}:$PATH" CALLS={shlex.quote(str(calls))}\n'
    commands = [each.text for each in BLOCKS if each.purpose == "aws"]
    run = clone.shell("set -eu\n" + setting + "".join(commands))
    assert run.returncode == 0, run.stdout + run.stderr + clone.last_words()
    called = calls.read_text().splitlines()
    (built,) = [each for each in called if each.startswith("docker build ")]
    assert f"--file {clone.project}/shop/Dockerfile" in built
    assert "--platform linux/amd64" in built
    config = yaml.safe_load((clone.project / "Pulumi.shop.yaml").read_text())["config"]
    assert config["fargate-web:build"] == "shop"
    assert "fargate-web:image" not in config
    assert re.search(r"ok +tasks +2 distinct", run.stdout)
    assert not clone.made() or {each.token for each in clone.made()} == {
        "aws:cloudwatch/logGroup:LogGroup"
    }


def test_what_the_page_removes_on_aws_is_what_a_destroy_leaves(clone: Stack) -> None:
    text = "".join(each.text for each in BLOCKS if each.purpose == "aws")
    removed = re.findall(r"delete-log-group --log-group-name (\S+)", text)
    left = [each.id for each in clone.made()]
    assert sorted(removed) == sorted(left)
    for kind, name in re.findall(
        r"(create-repository --repository-name|put-parameter --type \S+ --name) (\S+)", text
    ):
        assert re.search(rf"delete-\w+ --[\w-]*name {name}", text), f"{kind} {name} stays behind"
