"""Each own command: its help, wrong arguments, and what it says where nothing runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from localaws.cli.arguments import OWN
from localaws.cli.main import entry_point
from tests.second_user import ANOTHER_USER, AS_ANOTHER_USER, as_user

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = {"route": ("route", "explain")}
"""Commands whose help is that of a subcommand."""

STOPPED = "the local AWS is not running; `pulumi-local up` starts it\n"


@pytest.fixture
def project(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without anything deployed, for which no local AWS runs."""
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)
    (open_folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (open_folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(open_folder)
    return open_folder


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
        (("-s", "dev", "status"), "status: error: status takes no --stack, as a local AWS has all"),
        (("logs", "--stack=dev"), "logs: error: logs takes no --stack, as a local AWS has all"),
        (("exec", "-sdev", "--", "sh"), "exec: error: exec takes no --stack, as a local AWS has"),
        (
            ("fail", "-s", "dev"),
            "fail: error: fail takes no --stack, as a local AWS has all stacks",
        ),
        (("status", "--stacks"), "status: error: unrecognized arguments: --stacks"),
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
    command = f"pulumi-local {error.partition(':')[0]}"
    assert printed.err.startswith(f"usage: {command} ")
    assert f"\npulumi-local {error}" in printed.err
    assert printed.err.endswith(f"; `{command} --help` describes the arguments\n")


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("exec", "name the stack's service, as `status` lists it"),
        ("logs", "`pulumi-local logs NAME` chooses the log groups whose names contain the stack's"),
        ("status", "`pulumi-local stack --stack NAME` lists the resources of one stack"),
        ("stop", "`pulumi-local destroy --stack NAME` deletes what one stack has"),
    ],
)
def test_a_command_about_all_stacks_names_what_concerns_one(
    command: str, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, command, "--stack", "dev") == 2
    assert f"all stacks of the project; {hint}; `pulumi-local" in capsys.readouterr().err


def test_an_option_may_stand_before_its_command(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, "--no-follow", "-C", str(project), "logs") == 0
    assert capsys.readouterr().err == "no log streams yet\n"


def test_an_option_of_a_command_of_pulumi_needs_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, "up", "--stack") == 2
    assert capsys.readouterr().err == (
        "usage: pulumi-local [-C FOLDER] COMMAND [-s STACK] [ARGUMENT]...\n"
        "pulumi-local: error: argument -s/--stack: expected one argument\n"
    )


def test_stop_makes_no_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code_of(monkeypatch, "stop")
    assert not (project / ".local").exists()


def test_a_state_directory_that_is_a_file_is_none_until_it_must_be_made(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALAWS_HOME", str(project / "Pulumi.yaml"))
    assert code_of(monkeypatch, "status") == 3
    assert code_of(monkeypatch, "stop") == 0
    capsys.readouterr()
    assert code_of(monkeypatch, "stack", "ls") == 1
    assert capsys.readouterr().err == (
        f"pulumi-local: {project}/Pulumi.yaml, the folder for the local AWS's files, can't be "
        "made: File exists. Set LOCALAWS_HOME to a folder that this user can write to\n"
    )


AS_COMMANDS = """
printed = {{}}
for command in {commands!r}:
    sys.argv = ["pulumi-local", "-C", {folder!r}, *command.split()]
    sys.stdout = sys.stderr = io.StringIO()
    try:
        main.entry_point()
    except SystemExit as ended:
        printed[command] = [ended.code, sys.stdout.getvalue()]
print(json.dumps(printed), file=sys.__stdout__)
"""
IMPORTS = (
    "import io, json, os, sys, grpc, yaml, localaws.cli.cost, localaws.cli.disturbances, "
    "localaws.cli.logs, localaws.cli.run_command, localaws.cli.status, "
    "localaws.daemon.command_socket; from localaws.cli import main"
)


def printed_to_another_user(project: Path, commands: Sequence[str]) -> dict[str, list[object]]:
    """Return each command's exit code and text; one process runs them all, as its start is slow."""
    script = AS_COMMANDS.format(folder=str(project), commands=commands)
    return dict(json.loads(as_user(ANOTHER_USER, script, imports=IMPORTS)))


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
def test_a_command_of_another_user_names_the_owner_of_the_state(project: Path) -> None:
    commands = ["status", "logs --no-follow", "exec -- sh", "internet true", "stop", "interrupt x"]
    (project / ".local").mkdir(mode=0o700)
    printed = printed_to_another_user(project, commands)
    message = (
        f"pulumi-local: {project}/.local belongs to the user root, and this runs as nobody: run it "
        "as that user, or set LOCALAWS_HOME to another folder for the local AWS's files\n"
    )
    assert printed == {command: [1, message] for command in commands}


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
def test_a_project_of_another_user_is_named_with_its_owner(project: Path) -> None:
    commands = ["status", "stop"]
    project.chmod(0o700)
    printed = printed_to_another_user(project, commands)
    message = (
        f"pulumi-local: {project} belongs to the user root, and this runs as nobody: run it as "
        "that user\n"
    )
    assert printed == {command: [1, message] for command in commands}


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
