"""Where a project's local AWS keeps its files: the `.local` folder beside Pulumi.yaml."""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from localaws.daemon.file_permissions import explained, make_folder, opener
from localaws.machine.files import write_atomically
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIRECTORY_VARIABLE = "LOCALAWS_HOME"
"""Environment variable that names another state directory."""


class NoProject(UserError):  # noqa: N818 — a state of the user's folder
    """There is no Pulumi project here."""


class BadLock(UserError):  # noqa: N818 — it is the file that is bad
    """The file that a daemon locks was overwritten; the message says what to do."""


@dataclass(frozen=True)
class StateDirectory:
    """The files of one local AWS."""

    project: Path
    """Folder that holds Pulumi.yaml."""

    path: Path

    @classmethod
    def of(cls, folder: Path, environment: Mapping[str, str] = os.environ) -> StateDirectory:
        """Return the state directory of the project that contains `folder`.

        Raises:
            NoProject: Neither the folder nor any above it holds a Pulumi.yaml.
        """
        for candidate in (folder.absolute(), *folder.absolute().parents):
            if (candidate / "Pulumi.yaml").is_file():
                chosen = environment.get(DIRECTORY_VARIABLE)
                path = Path(chosen).absolute() if chosen else candidate / ".local"
                return cls(candidate, path)
        raise NoProject(
            f"no Pulumi.yaml in {folder.absolute()} or above: change to a Pulumi "
            "project's folder, or use -C FOLDER"
        )

    @property
    def lock(self) -> Path:
        """Holds the daemon's process id, and is locked as long as it lives, whatever ends it."""
        return self.path / "daemon.lock"

    @property
    def ready(self) -> Path:
        """The `Address` of a daemon that is ready, or about to be."""
        return self.path / "daemon.json"

    @property
    def daemon_log(self) -> Path:
        """What the daemon prints."""
        return self.path / "daemon.log"

    @property
    def resources(self) -> Path:
        """The cloud's resources."""
        return self.path / "cloud.jsonl"

    @property
    def logs(self) -> Path:
        """CloudWatch's log groups, a folder each, a file a stream."""
        return self.path / "logs"

    @property
    def backend(self) -> Path:
        """Pulumi's state."""
        return self.path / "state"

    @property
    def parameters(self) -> Path:
        """The SSM parameters that exist beforehand."""
        return self.project / "local.parameters.toml"

    @property
    def registry(self) -> Path:
        """The images of ECR repositories."""
        return self.path / "registry"

    @property
    def images(self) -> Path:
        """What to run for images that the built-in table doesn't have."""
        return self.project / "localaws-images.toml"


@dataclass(frozen=True)
class Address:
    """How to reach a daemon."""

    pid: int
    aws_port: int
    awsx_port: int
    code: str
    """Fingerprint of the code it runs."""

    runtime: str = ""
    """How it runs tasks, as a sentence."""

    docker_build_port: int = 0
    """0 in the file of a daemon that builds no images yet."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that it read when it started: see `start_settings`."""

    @classmethod
    def read(cls, directory: StateDirectory) -> Address | None:
        """Return the address of the living daemon; None if there is none, or it isn't found yet.

        Raises:
            UnusableFolder: The state directory is another user's.
        """
        try:
            with explained():
                address = cls(**json.loads(directory.ready.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None
        return address if address.pid == holder(directory) else None

    def publish(self, directory: StateDirectory) -> None:
        """Let commands find the daemon."""
        write_atomically(directory.ready, json.dumps(asdict(self)))


_CODE = Path(__file__).parents[1]
"""The folder of the local AWS's code and tables."""

_CODE_SUFFIXES = (".json", ".py", ".toml")


def fingerprint(code: Path = _CODE) -> str:
    """Return what changes whenever the local AWS's code or one of its tables does."""
    found = []
    # Each command waits for this, and a Path for each file would take five times as long.
    for file in _code_files(str(code)):
        stat = file.stat()
        found.append(f"{file.path}:{stat.st_size}:{stat.st_mtime_ns};")
    # Not `hashlib`, which would load OpenSSL.
    return f"{zlib.crc32(''.join(sorted(found)).encode()):08x}"


def _code_files(folder: str) -> Iterator[os.DirEntry[str]]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _code_files(entry.path)
        elif entry.name.endswith(_CODE_SUFFIXES):
            yield entry


def try_lock(directory: StateDirectory) -> TextIO | None:
    """Take the daemon's lock; None if a daemon runs. Closing the file releases it.

    Raises:
        UnusableFolder: The state directory can't be made, or is another user's.
    """
    make_folder(directory.path)
    with explained():
        # a Path's `open` has no opener; it stays open
        file = open(directory.lock, "a", opener=opener)  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def holder(directory: StateDirectory) -> int | None:
    """Return the process id of the running daemon, ready or not; None if there is none.

    Raises:
        BadLock: A daemon lives, and its lock doesn't hold its process id.
        UnusableFolder: The state directory is another user's.
    """
    with explained():
        if not directory.lock.exists():
            return None
    lock = try_lock(directory)
    if lock is not None:
        lock.close()
        return None
    text = directory.lock.read_text(errors="replace").strip()
    if text and not text.isdecimal():
        raise BadLock(
            f"{directory.lock} is locked by a running daemon, but was overwritten: it has "
            f"{text[:20]!r}, no process id. "
            f"`lsof {directory.lock}` shows the daemon's id: end it by `kill`, and run the "
            "command again"
        )
    return int(text or 0) or None
