"""A project's state directory, and the files of a running daemon and of one that ended."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from localaws.daemon.file_permissions import UnusableFolder
from localaws.daemon.state_directory import (
    Address,
    BadLock,
    NoProject,
    StateDirectory,
    fingerprint,
    holder,
    try_lock,
)
from tests.second_user import ANOTHER_USER, AS_ANOTHER_USER, as_user


@pytest.fixture
def directory(tmp_path: Path) -> StateDirectory:
    return directory_of_project(tmp_path)


def directory_of_project(folder: Path) -> StateDirectory:
    (folder / "Pulumi.yaml").write_text("name: p\n")
    return StateDirectory.of(folder, {})


def leave_address(directory: StateDirectory, pid: int) -> None:
    directory.path.mkdir(exist_ok=True)
    directory.ready.write_text(json.dumps({"pid": pid, "aws_port": 1, "awsx_port": 2, "code": "c"}))


def test_the_state_directory_is_beside_pulumi_yaml_for_every_folder_of_the_project(
    directory: StateDirectory,
) -> None:
    inner = directory.project / "a" / "b"
    inner.mkdir(parents=True)
    assert StateDirectory.of(inner, {}) == directory
    assert directory.path == directory.project / ".local"


def test_the_state_directory_can_be_elsewhere(directory: StateDirectory, tmp_path: Path) -> None:
    moved = StateDirectory.of(directory.project, {"LOCALAWS_HOME": str(tmp_path / "elsewhere")})
    assert (moved.project, moved.path) == (directory.project, tmp_path / "elsewhere")


def test_a_folder_outside_any_project_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoProject, match=r"no Pulumi\.yaml .* or use -C FOLDER"):
        StateDirectory.of(tmp_path, {})


def test_an_address_of_a_daemon_that_ended_is_ignored(directory: StateDirectory) -> None:
    leave_address(directory, os.getpid())
    assert holder(directory) is None
    assert Address.read(directory) is None


def test_an_address_is_read_while_its_daemon_holds_the_lock(directory: StateDirectory) -> None:
    lock = try_lock(directory)
    assert lock is not None
    print(4711, file=lock, flush=True)
    leave_address(directory, 4711)
    assert try_lock(directory) is None, "one daemon for each state directory"
    assert Address.read(directory) == Address(4711, 1, 2, "c")
    leave_address(directory, 4712)
    assert Address.read(directory) is None, "another daemon's address, from before"
    lock.close()
    assert holder(directory) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_address_is_ignored(directory: StateDirectory, text: str) -> None:
    directory.path.mkdir()
    directory.ready.write_text(text)
    assert Address.read(directory) is None


@pytest.mark.parametrize("content", ["what\n", "\0\xff", "-7"])
def test_an_overwritten_lock_of_a_running_daemon_is_an_error_with_the_command_that_finds_it(
    directory: StateDirectory, content: str
) -> None:
    lock = try_lock(directory)
    assert lock is not None
    directory.lock.write_text(content, encoding="latin-1")
    with pytest.raises(BadLock, match=r"daemon\.lock is locked .*no process id\. `lsof .*end it"):
        holder(directory)
    lock.close()
    assert holder(directory) is None, "without a running daemon, the content doesn't matter"


@pytest.mark.parametrize("name", ["ecs/task.py", "images.toml", "catalog/data/inputs.json"])
def test_a_change_of_code_or_of_a_table_changes_the_fingerprint(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one")
    before = fingerprint(tmp_path)
    file.with_suffix(".pyc").write_text("byte code")
    assert fingerprint(tmp_path) == before
    file.write_text("other")
    assert fingerprint(tmp_path) != before


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
@pytest.mark.parametrize("function", ["Address.read", "try_lock"])
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_another_users_directory_is_refused_with_its_owner_and_what_to_do(
    open_folder: Path, function: str, mode: int
) -> None:
    directory = directory_of_project(open_folder)
    directory.path.mkdir()
    for file in (directory.ready, directory.lock):
        file.touch(mode=0o600)
    directory.path.chmod(mode)
    attempt = f"""
try:
    {function}(StateDirectory(Path({str(directory.project)!r}), Path({str(directory.path)!r})))
except UserError as error:
    print(error)
"""
    imports = (
        "import os; from pathlib import Path; from localaws.user_error import UserError;"
        "from localaws.daemon.state_directory import Address, StateDirectory, try_lock"
    )
    printed = as_user(ANOTHER_USER, attempt, imports=imports)
    refused = directory.ready if function == "Address.read" else directory.lock
    path = directory.path if mode == 0o700 else refused
    assert printed == (
        f"{path} belongs to the user root, and this runs as nobody: run it as that user, or set "
        "LOCALAWS_HOME to another folder for the local AWS's files\n"
    )


def test_a_directory_that_cannot_be_created_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnusableFolder) as refused:
        try_lock(StateDirectory(tmp_path, Path("/proc/x")))
    assert str(refused.value) == (
        "/proc/x, the folder for the local AWS's files, can't be made: No such file or directory. "
        "Set LOCALAWS_HOME to a folder that this user can write to"
    )
