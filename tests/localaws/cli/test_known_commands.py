"""Which commands are passed to the Pulumi CLI, and which are refused before anything starts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localaws.cli import main as cli
from localaws.cli.arguments import OWN
from localaws.cli.known_commands import OF_PULUMI, UnknownCommand, asks_for_help, check

if TYPE_CHECKING:
    from collections.abc import Sequence

PULUMI = Path(sys.executable).with_name("pulumi")


@pytest.mark.slow  # starts the Pulumi CLI
@pytest.mark.parametrize(
    ("command", "similar"),
    [
        ("stat", "; similar: state, status, stack"),
        ("upp", "; similar: up"),
        ("xyz", ""),
    ],
)
def test_an_unknown_command_is_refused_with_similar_ones_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    similar: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "ensure", lambda *_: pytest.fail("the local AWS was started"))
    monkeypatch.setattr(sys, "argv", ["pulumi-local", command, "--help"])
    with pytest.raises(SystemExit, match="2"):
        cli.entry_point()
    assert capsys.readouterr().err == (
        f"pulumi-local: {command}: there is no such command{similar}. `pulumi-local --help` lists "
        "the commands of the local AWS, `pulumi-local help` those of Pulumi\n"
    )


@pytest.mark.slow  # starts the Pulumi CLI
def test_a_command_that_is_not_in_the_list_but_in_the_cli_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("localaws.cli.known_commands.OF_PULUMI", frozenset())
    for command in ("view-trace", "state", "down"):
        check(command)
    with pytest.raises(UnknownCommand):
        check("stat")


@pytest.mark.slow  # starts the Pulumi CLI
def test_the_list_has_the_commands_of_this_cli() -> None:
    shown = subprocess.run(
        [PULUMI, "__complete", ""], capture_output=True, text=True, check=True, timeout=60
    )
    commands = set(re.findall(r"^([a-z-]+)\t", shown.stdout, re.MULTILINE))
    assert {"up", "stack", "whoami"} <= commands <= OF_PULUMI
    assert not OF_PULUMI & set(OWN) - {"logs"}, "only `logs` hides a command of the CLI"


@pytest.mark.parametrize(
    ("arguments", "shows_help"),
    [
        (("up", "--help"), True),
        (("stack", "init", "-h"), True),
        (("-C", "x", "up", "-h"), True),
        (("help", "up"), True),
        (("up",), False),
        (("up", "-m", "-h"), False),
        (("up", "--yes", "--help"), False),
        (("config", "set", "x", "--", "-h"), False),
    ],
)
def test_help_is_known_from_a_value_that_looks_like_it(
    arguments: Sequence[str], *, shows_help: bool
) -> None:
    command = cli._command(arguments)
    assert command is not None
    assert asks_for_help(command, arguments) is shows_help


@pytest.mark.slow  # starts the Pulumi CLI
@pytest.mark.parametrize("arguments", [("up", "--help"), ("help", "up")])
def test_the_help_of_a_command_of_the_cli_needs_no_project_and_starts_nothing(
    tmp_path: Path, arguments: Sequence[str]
) -> None:
    shown = subprocess.run(
        [PULUMI.with_name("pulumi-local"), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\n  pulumi up [template|url] [flags]\n" in shown.stdout
    assert not list(tmp_path.iterdir())
