"""What `pulumi-local` hands to the CLI; that the CLI then works is shown by the engine tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localaws import pulumi_command
from localaws.cli import _command
from localaws.home import Address, Home

ADDRESS = Address(pid=1, aws_port=11, awsx_port=12, code="c")
FAKE_CLI = """#!/bin/sh
stacks="${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/p"
case "$*" in
*"stack init"*) mkdir -p "$stacks"; touch "$stacks/$5.json" ;;
*) for word; do echo "$word"; done ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return Home.of(tmp_path, {})


@pytest.mark.parametrize(
    ("arguments", "command", "folder"),
    [
        (["up", "--yes"], "up", "."),
        (["-C", "x", "preview"], "preview", "x"),
        (["--cwd=x", "stack", "output"], "stack", "x"),
        (["--color", "never", "logs"], "logs", "."),
        (["--help"], None, "."),
        ([], None, "."),
    ],
)
def test_the_command_is_found_behind_global_options(arguments: list[str], command: str | None, folder: str) -> None:
    assert _command(arguments) == (command, Path(folder))


@pytest.mark.parametrize(
    ("arguments", "value"),
    [(["up", "-s", "a"], "a"), (["up", "--stack=b"], "b"), (["up"], None), (["up", "--stack"], None)],
)
def test_an_options_value_is_found_in_both_spellings(arguments: list[str], value: str | None) -> None:
    assert pulumi_command._option(arguments, "--stack", "-s") == value


def test_the_engine_is_sent_to_the_daemon_and_its_state_stays_here(home: Home) -> None:
    environment = pulumi_command._environment(home, ADDRESS, {"PULUMI_BACKEND_URL": "s3://team", "PATH": "/bin"})
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:11,awsx:12"
    assert environment["PULUMI_BACKEND_URL"] == home.backend.as_uri()
    assert environment["PULUMI_STACK"] == "local"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true", "the real provider is a large download"


def test_the_callers_stack_wins_over_local(home: Home) -> None:
    assert pulumi_command._environment(home, ADDRESS, {"PULUMI_STACK": "dev"})["PULUMI_STACK"] == "dev"


def test_the_configuration_copy_follows_the_file_and_keeps_the_salt_that_the_cli_added(home: Home) -> None:
    source = home.project / "Pulumi.dev.yaml"
    source.write_text("config:\n  p:a: 1\n")
    copy = pulumi_command._config_copy(home, "dev")
    copy.write_text(copy.read_text() + "encryptionsalt: v1:abc\n")
    source.write_text("config:\n  p:a: 2\n")
    assert pulumi_command._config_copy(home, "dev").read_text() == "config:\n  p:a: 2\nencryptionsalt: v1:abc\n"
    assert source.read_text() == "config:\n  p:a: 2\n"


def test_a_salt_of_the_files_own_is_used(home: Home) -> None:
    (home.project / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:own\n")
    pulumi_command._config_copy(home, "dev").write_text("encryptionsalt: v1:old\n")
    assert pulumi_command._config_copy(home, "dev").read_text() == "encryptionsalt: v1:own\n"


def test_a_stack_without_a_file_gets_an_empty_configuration(home: Home) -> None:
    assert pulumi_command._config_copy(home, "mine").read_text() == ""


def test_a_new_stack_is_made_without_touching_the_projects_files(home: Home, tmp_path: Path) -> None:
    cli = tmp_path / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(FAKE_CLI)
    cli.chmod(0o755)
    (home.project / "Pulumi.dev.yaml").write_text("config: {}\n")
    before = sorted(path.name for path in home.project.iterdir())
    code = (
        "from localaws import pulumi_command as c; from localaws.home import Address, Home; from pathlib import Path;"
        f"c._cli = lambda: {str(cli)!r}; home = Home.of(Path({str(home.project)!r}), {{}});"
        "c.run(home, Address(1, 11, 12, 'c'), 'preview', ['preview', '-s', 'dev'])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    copy = home.path / "config" / "Pulumi.dev.yaml"
    assert ran.stdout.splitlines() == ["preview", "-s", "dev", "--config-file", str(copy)]
    assert (home.backend / ".pulumi/stacks/p/dev.json").exists()
    assert sorted(path.name for path in home.project.iterdir()) == sorted([*before, ".local"])


def test_a_misspelt_stack_is_not_made(home: Home) -> None:
    pulumi_command._ensure_stack(home, "no-cli-is-run", {}, "pord")


def test_no_cli_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pulumi_command.NoCli, match="make setup"):
        pulumi_command._cli()
