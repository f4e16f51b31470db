"""The language host that is started before the CLI."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from localaws.cli import early_host
from tools.pulumi.install import LANGUAGE_HOST, OUR_HOST

PATH = os.environ["PATH"]


@pytest.fixture
def cli(tmp_path: Path) -> str:
    """A CLI that comes without a language host."""
    return str(tmp_path / "bin" / "pulumi")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: x\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    )
    (tmp_path / ".venv").symlink_to(Path(".venv").absolute())
    return tmp_path


def with_official_host(folder: Path) -> str:
    """Return a PATH with a language host that isn't this project's."""
    folder.mkdir()
    (folder / LANGUAGE_HOST).write_bytes(b"\x7fELF")
    (folder / LANGUAGE_HOST).chmod(0o755)
    return str(folder)


@pytest.mark.slow  # starts the language host
def test_it_can_be_attached_to_and_ends_when_nothing_has_its_input_open(
    cli: str, project: Path
) -> None:
    early = early_host.start(cli, project, {"PATH": f"{OUR_HOST.absolute()}:{PATH}"})
    assert early is not None
    with early._process as process:
        (variable,) = early.variables().items()
        name, port = variable[1].split(":")
        assert (variable[0], name) == ("PULUMI_DEBUG_LANGUAGES", "python")
        socket.create_connection(("127.0.0.1", int(port))).close()
        assert process.stdin is not None
        assert os.get_inheritable(process.stdin.fileno()), "the CLI keeps it open"
        assert os.getpgid(process.pid) == process.pid, "Ctrl-C is for the CLI"
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.slow  # starts the language host
def test_the_cli_starts_a_host_itself_where_the_projects_python_is_missing(
    cli: str, project: Path
) -> None:
    (project / ".venv").unlink()
    early = early_host.start(cli, project, {"PATH": f"{OUR_HOST.absolute()}:{PATH}"})
    assert early is not None
    with early._process:
        assert early.variables() == {}


def test_none_is_started_where_the_cli_may_choose_pulumis_own(
    cli: str, project: Path, tmp_path: Path
) -> None:
    official, ours = with_official_host(tmp_path / "official"), OUR_HOST.absolute()
    beside = with_official_host(tmp_path / "bin")
    assert early_host.start(cli, project, {"PATH": official}) is None
    assert early_host.start(f"{beside}/pulumi", project, {"PATH": str(ours)}) is None
    assert early_host.start(f"{ours}/pulumi", project, {"PATH": official}) is None


def test_none_is_started_where_there_is_no_host_or_the_cli_attaches_to_another(
    cli: str, project: Path
) -> None:
    assert early_host.start(cli, project, {"PATH": "/nowhere"}) is None
    given = {"PATH": str(OUR_HOST.absolute()), "PULUMI_DEBUG_LANGUAGES": "python:1"}
    assert early_host.start(cli, project, given) is None
