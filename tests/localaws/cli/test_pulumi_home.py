"""The folder of the CLI's own files."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from localaws.cli import pulumi_home
from localaws.cli.pulumi_command import executable
from localaws.daemon.state_directory import StateDirectory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDirectory:
    """A state directory of a user with a folder of their own."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    path = tmp_path / "project" / ".local"
    path.mkdir(parents=True)
    return StateDirectory(path.parent, path)


def listed_plugins(home: Path) -> str:
    return subprocess.run(
        [executable(), "plugin", "ls"],
        env={**os.environ, "PULUMI_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.slow  # the CLI
def test_the_cli_finds_the_users_plugins_and_writes_no_log(
    directory: StateDirectory, tmp_path: Path
) -> None:
    home = pulumi_home.prepared(directory)
    plugin = tmp_path / "user/.pulumi/plugins/resource-random-v4.16.0/pulumi-resource-random"
    plugin.parent.mkdir()
    plugin.touch(mode=0o755)
    assert "4.16.0" in listed_plugins(home)
    assert (home / "logs").read_text() == ""


def test_it_stays_when_it_is_prepared_again(directory: StateDirectory, tmp_path: Path) -> None:
    users = tmp_path / "user/.pulumi/plugins"
    for _ in range(2):
        assert (pulumi_home.prepared(directory) / "plugins").readlink() == users
    users.rmdir()
    assert pulumi_home.prepared(directory).joinpath("plugins").is_dir(), "it is made again"


def test_without_a_folder_of_the_user_there_is_no_link(
    directory: StateDirectory, tmp_path: Path
) -> None:
    (tmp_path / "user").touch()
    assert [path.name for path in pulumi_home.prepared(directory).iterdir()] == ["logs"]


def test_plugins_that_the_cli_put_there_itself_stay(directory: StateDirectory) -> None:
    (directory.path / "pulumi" / "plugins").mkdir(parents=True)
    assert not (pulumi_home.prepared(directory) / "plugins").is_symlink()
