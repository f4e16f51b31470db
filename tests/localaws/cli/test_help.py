"""The help of the command and of its subcommands."""

from __future__ import annotations

import pytest

from localaws.cli.main import main

OWN = ("alarm", "cost", "exec", "fail", "internet", "interrupt", "logs", "route", "status", "stop")


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", OWN)
def test_the_help_of_a_command_begins_with_what_it_does(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    usage, description = help_of(capsys, command).split("\n\n")[:2]
    assert usage.startswith(f"usage: pulumi-local {command}")
    assert description[0].isupper()
    assert description.endswith(".")


@pytest.mark.parametrize(("command", "form"), [("exec", "-- COMMAND"), ("internet", "COMMAND")])
def test_the_help_of_a_command_that_runs_a_program_shows_where_it_goes(
    command: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = " ".join(help_of(capsys, command).split("\n\n")[0].split())
    assert usage.endswith(f"{form} [ARGUMENT]...")
