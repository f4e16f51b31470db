"""The tutorial word for word: its files, its commands and the output that it shows.

The part for AWS is run against the local AWS, with a stub for `aws`. In both parts a stub for
`docker` builds the image.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.engine.images import write_python
from tests.engine.stack import BIN, ROOT, Stack, copy_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUILDER = str(ROOT / "tests" / "localaws" / "ecr" / "fake_builder.py")
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
AWS = """\
#!/bin/bash
printf 'aws %s\\n' "$*" >> "$CALLS"
"""
IDENTITY = ("-c", "user.name=Reader", "-c", "user.email=reader@example.com")
BASE = "public.ecr.aws/docker/library/python:3.13-slim"
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
    """A fenced block of the page, and what is to be done with it."""

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
    programs = tmp_path_factory.mktemp("programs")
    write_python(programs / "python.tar")
    bases = json.dumps({BASE: str(programs / "python.tar")})
    (programs / "docker").write_text(
        "#!/bin/bash\n"
        f"export FAKE_BASES={shlex.quote(bases)} TMPDIR={shlex.quote(str(programs))}\n"
        '[ -z "$CALLS" ] || printf \'docker %s\\n\' "$*" >> "$CALLS"\n'
        f'[ "$1" = version ] || exec {shlex.join([sys.executable, BUILDER])} "$@"\n'
    )
    (programs / "docker").chmod(0o755)
    environment = {
        "LOCALAWS_RUNTIME": "container",
        "LOCALAWS_IMAGES": str(folder / "localaws-images.toml"),
        "PATH": os.pathsep.join((str(BIN), str(programs), os.environ["PATH"])),
    }
    stack = Stack(tmp_path_factory.mktemp("state"), folder, environment, passphrase=True)
    yield stack
    stack.run("stop")


def run(clone: Stack, commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands, of which at most one needs a language host, as a reader of the page does.

    That host is a fork (preloaded_host.py). In the part for AWS it starts as for readers.
    """
    needs = re.findall(r"pulumi-local (up|destroy) ", commands)
    if not needs:
        return clone.shell(commands)
    with clone.with_host(needs) as variables:
        return clone.shell(commands, variables=variables)


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
    assert purposes == {"", "run", "fails", "output", "aws", "fallback", "remove"}
    assert [each.text for each in BLOCKS if not each.purpose] == ["make setup\n"]
    for before, block in pairwise(BLOCKS):
        assert block.purpose != "output" or before.purpose in {"run", "fails", "output"}, block.text


def test_the_local_part_does_what_the_page_shows(clone: Stack) -> None:
    output = ""
    for block in BLOCKS:
        if block.purpose in {"run", "fails"}:
            ended = run(clone, block.text)
            output = ended.stdout + ended.stderr
            assert (ended.returncode != 0) is (block.purpose == "fails"), (
                f"{block.text}\n{output}\n{clone.last_words()}"
            )
        elif block.purpose == "output":
            shown(block.text, output)


@pytest.mark.parametrize("without_an_engine", [True, False])
def test_what_the_page_removes_at_the_end_is_all_that_it_wrote(
    tmp_path: Path, *, without_an_engine: bool
) -> None:
    parameters = tmp_path / "local.parameters.toml"
    before = (ROOT / parameters.name).read_text()
    parameters.write_text(before)
    for command in (["init"], ["add", "."], [*IDENTITY, "commit", "--message", "Clone"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    parameters.write_text('"/shop/greeting" = "Welcome"\n')
    if without_an_engine:
        (tmp_path / "localaws-images.toml").touch()
    (commands,) = [each.text for each in BLOCKS if each.purpose == "remove"]
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, check=True, timeout=60)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".git", "local.parameters.toml"]
    assert parameters.read_text() == before


@pytest.fixture
def calls(clone: Stack, tmp_path: Path) -> Path:
    """Where the stubs write what they were called with; they come first on PATH."""
    for name, text in (("aws", AWS), ("pulumi", PULUMI)):
        stub = tmp_path / name
        stub.write_text(text)
        stub.chmod(0o755)
    return tmp_path / "calls"


def test_the_part_for_aws_deploys_the_image_that_it_builds(clone: Stack, calls: Path) -> None:
    setting = f'export PATH="{calls.parent}:$PATH" CALLS={shlex.quote(str(calls))}\n'
    commands = [each.text for each in BLOCKS if each.purpose == "aws"]
    ended = clone.shell("set -eu\n" + setting + "".join(commands))
    assert ended.returncode == 0, ended.stdout + ended.stderr + clone.last_words()
    called = calls.read_text().splitlines()
    (built,) = [each for each in called if each.startswith("docker build ")]
    assert f"--file {clone.project}/shop/Dockerfile" in built
    assert "--platform linux/amd64" in built
    assert re.search(r"ok +tasks +2 distinct", ended.stdout)
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


def test_without_a_container_engine_a_process_takes_the_images_part(clone: Stack) -> None:
    (fallback,) = [each.text for each in BLOCKS if each.purpose == "fallback"]
    runs = [each.text for each in BLOCKS if each.purpose == "run"]
    check = next(text for text in runs if "verify" in text)
    check = check.replace("/version=1", "/version=2")  # to which the page has changed it meanwhile
    (check_of_ports,) = [text for text in runs if "--closed" in text]
    ended = run(clone, f"set -eu\n{fallback}{check}{check_of_ports}")
    assert ended.returncode == 0, ended.stdout + ended.stderr + clone.last_words()
    assert "tasks run in the runtime `process`" in ended.stderr
    assert re.search(r"ok +tasks +2 distinct", ended.stdout)
    assert ended.stdout.count("ok    json    /greeting=Welcome") == 2, "of both checks"
    assert not re.search(r"^ +\w+ +closed ", ended.stdout, re.MULTILINE), (
        "no task has a public address"
    )
