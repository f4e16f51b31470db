"""Each own command: its help, wrong arguments, and what it says where nothing runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from localaws.cli.arguments import OWN
from localaws.cli.main import entry_point

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"route": ("route", "explain")}
"""Commands whose help is that of a subcommand."""

STOPPED = "the local AWS is not running; `pulumi-local up` starts it\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without anything deployed, for which no local AWS runs."""
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run the command as a shell does, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["pulumi-local", *arguments])
    with pytest.raises(SystemExit) as ended:
        entry_point()
    return ended.value.code


@pytest.mark.parametrize("command", [each for each in OWN if each != "stop"])
def test_the_help_of_a_command_has_examples_and_exit_codes(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = NAMES.get(command, (command,))
    assert code_of(monkeypatch, *words, "--help") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: pulumi-local {' '.join(words)}")
    assert f"\nexamples:\n  pulumi-local {' '.join(words)}" in printed or (
        "\nexamples:\n  pulumi-local status" in printed
    )
    assert "\nexit codes:\n" in printed


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("status", "web"), "status: error: unrecognized arguments: web"),
        (("status", "--json", "--public-tasks"), "status: error: argument --public-tasks: not"),
        (("logs", "web", "api"), "logs: error: unrecognized arguments: api"),
        (("cost", "prod"), "cost: error: unrecognized arguments: prod"),
        (("cost", "--format", "xml"), "cost: error: argument --format: invalid choice: 'xml'"),
        (("route",), "route: error: the following arguments are required: explain"),
        (("route", "explain"), "route explain: error: the following arguments are required: URL"),
        (("route", "explain", "http://a/", "b"), "route explain: error: unrecognized arguments: b"),
        (("alarm",), "alarm: error: the following arguments are required: NAME"),
        (("alarm", "x", "--state", "ON"), "alarm: error: argument --state: invalid choice: 'ON'"),
        (("interrupt",), "interrupt: error: the following arguments are required: TASK"),
        (("fail", "i-1", "i-2"), "fail: error: unrecognized arguments: i-2"),
        (("exec", "web"), "exec: error: name a command, as in -- sh"),
        (("internet",), "internet: error: name a command, as in -- sh"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_wrong_argument_is_an_error_of_its_command(
    arguments: tuple[str, ...],
    error: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"usage: pulumi-local {error.partition(':')[0]} ")
    assert f"\npulumi-local {error}" in printed.err


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (("status",), 3, STOPPED, ""),
        (("status", "--json"), 3, '{\n  "running": false\n}\n', ""),
        (("status", "--public-tasks"), 3, "", STOPPED),
        (("logs", "--no-follow"), 0, "", "no log streams yet\n"),
        (("alarm", "x"), 1, "", f"pulumi-local: {STOPPED}"),
        (("interrupt", "x"), 1, "", f"pulumi-local: {STOPPED}"),
        (("fail", "i-1"), 1, "", f"pulumi-local: {STOPPED}"),
        (("exec", "--", "sh"), 1, "", f"pulumi-local: {STOPPED}"),
        (("internet", "true"), 1, "", f"pulumi-local: {STOPPED}"),
        (("stop",), 0, "no local AWS was running\n", ""),
        (
            ("route", "explain", "http://a.test/", "--deployed", "--stack", "dev"),
            1,
            "",
            "pulumi-local: dev isn't deployed here; `pulumi-local up --stack dev` deploys it\n",
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_command_says_so_where_no_local_aws_runs(  # noqa: PLR0917 — cases and fixtures
    arguments: tuple[str, ...],
    code: int,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of(monkeypatch, *arguments) == code
    assert capsys.readouterr() == (out, err)
