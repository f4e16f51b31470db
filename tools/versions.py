"""Versions: those that executables print, which are kept in a file, and those that go.mod pins."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SECONDS = 20
"""How long `pulumi version` may take; it takes 0.4 s on an idle machine."""

Version = tuple[int, int, int]


class NotUsableError(Exception):
    """An executable isn't the tool that this project can use; the text has the reason."""


def text(version: Version) -> str:
    """Return a version as people and Pulumi's installer write it, like 3.255.0."""
    return ".".join(map(str, version))


def parse(output: str) -> Version | None:
    """Return the first x.y.z in a tool's output, if there is one; a missing z is 0."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", output)
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)


def from_go_mod(go_module: Path, pattern: str) -> Version:
    """Return the version in the line of a folder's go.mod that matches."""
    found = re.search(pattern, (go_module / "go.mod").read_text(), re.MULTILINE)
    version = parse(found[1]) if found else None
    assert version, f"{go_module}/go.mod has no line like {pattern}"
    return version


def go_needed(go_module: Path) -> Version:
    """Return the oldest Go that builds a folder's Go module."""
    return from_go_mod(go_module, r"^go (\S+)")


class Fingerprint(NamedTuple):
    """Metadata that changes when an executable is replaced or truncated, and is cheap to read."""

    size: int
    modified_ns: int
    inode: int


class KnownVersions:
    """Executables' versions in a file, so that set-up needn't start the executables every time."""

    def __init__(self, memory: Path) -> None:
        """Use this JSON file. It is created when needed, and may be deleted at any time."""
        self._memory = memory

    def of(self, executable: Path) -> Version:
        """Return the version of an executable.

        Raises:
            NotUsableError: It can't be run, hangs or prints no version.
        """
        known = self._read()
        try:
            status = executable.stat()
        except OSError as error:
            raise NotUsableError(f"{executable}: {error.strerror}") from error
        entry = {"is": list(Fingerprint(status.st_size, status.st_mtime_ns, status.st_ino))}
        remembered = known.get(str(executable), {})
        if remembered.get("is") == entry["is"]:
            version = parse(str(remembered.get("version")))
            if version:
                return version
        version = ask(executable)
        self._write(known | {str(executable): entry | {"version": text(version)}})
        return version

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            known = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {path: entry for path, entry in known.items() if isinstance(entry, dict)}

    def _write(self, known: dict[str, dict[str, object]]) -> None:
        with contextlib.suppress(OSError):  # without a memory set-up is only slower
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
            fresh.write_text(json.dumps(known, indent=1))
            fresh.replace(self._memory)


def ask(executable: Path) -> Version:
    """Run an executable's `version` and return what it prints.

    Raises:
        NotUsableError: It can't be run, hangs or prints no version.
    """
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(  # noqa: S603 - what PATH or the cache offers as pulumi
            [executable, "version"],
            env=quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotUsableError(
            f"{executable}: `{executable.name} version` did not answer within {ANSWER_SECONDS} s"
        ) from None
    except OSError as error:
        raise NotUsableError(f"{executable}: {error.strerror}") from error
    version = parse(answer.stdout.decode(errors="replace"))
    if answer.returncode != 0 or version is None:
        raise NotUsableError(
            f"{executable}: `{executable.name} version` failed (exit code {answer.returncode})"
        )
    return version
