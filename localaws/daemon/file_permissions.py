"""Files that only their owner may read: the state holds secrets, the socket gives access to all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.machine.file_errors import refusal
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

UMASK = 0o077
"""Under this no file is anyone's but its owner's."""

_FOLDER = 0o700
_FILE = 0o600

OURS = frozenset(
    {
        *(
            "cloud.jsonl",
            "services.jsonl",
            "services.jsonl.damaged",
            "addresses.json",
            "addresses.json.damaged",
        ),
        # Of earlier versions
        *("cloud.json", "services.json", "services.json.damaged", "init"),
        *("daemon.json", "daemon.lock", "daemon.log", "aws.sock", "awsx.sock"),
        *("commands.sock", "docker-build.sock", "registry.sock"),
        *("certificates", "config", "envoy", "logs", "pulumi", "registry", "state"),
    }
)
"""What a state directory holds. A folder with anything else has other uses too."""


class SharedFolder(UserError):  # noqa: N818 — a state of the user's folder
    """The state directory is writable for other users; the message says what to do."""


class UnusableFolder(UserError):  # noqa: N818 — a state of the user's folder
    """The state directory can't be made or is another user's; the message says what to do."""


def make_folder(path: Path) -> None:
    """Create a state directory if it doesn't exist.

    Raises:
        UnusableFolder: It can't be made.
    """
    try:
        path.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableFolder(
            f"{path}, the folder for the local AWS's files, can't be made: {error.strerror}. Set "
            "LOCALAWS_HOME to a folder that this user can write to"
        ) from None


@contextmanager
def explained() -> Iterator[None]:
    """Name the owner of a file of the state directory that this user can't use.

    Raises:
        UnusableFolder: There is such a file.
    """
    try:
        yield
    except PermissionError as error:
        raise unusable(Path(error.filename)) from None


def unusable(path: Path) -> UnusableFolder:
    """Return the error that this user can't use a path in the state directory."""
    return UnusableFolder(
        f"{refusal(path)}, or set LOCALAWS_HOME to another folder for the local AWS's files"
    )


def opener(path: str, flags: int) -> int:
    """Open a file for `open`, so that a new one is its owner's alone."""
    return os.open(path, flags, _FILE)


def take_from_others(directory: Path) -> None:
    """Withdraw other users' rights to a state directory, which earlier versions granted.

    A folder that holds other files too keeps its own mode: it may be meant for others.

    Raises:
        SharedFolder: Others may write to that one.
    """
    names = {entry.name for entry in os.scandir(directory)}
    if all(name in OURS or name.endswith(".tmp") for name in names):
        _restrict(directory)
    elif directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SharedFolder(
            f"{directory} holds other files than the local AWS's, and other users can write "
            "to it: set LOCALAWS_HOME to a folder that only the local AWS uses"
        )
    for name in names & OURS:
        for path in _all_in(directory / name):
            _restrict(path)


def _all_in(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                yield path / folder / name


def _restrict(path: Path) -> None:
    with suppress(
        FileNotFoundError, PermissionError
    ):  # it has just gone, or is another user's to restrict
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & UMASK:
            path.chmod(stat.S_IMODE(mode) & ~UMASK)
