"""Pulumi's state in its file backend, which is repaired after a full disk or a killed CLI."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from localaws.daemon.file_permissions import explained
from localaws.machine.files import set_aside, write_atomically
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Discard: TypeAlias = "Callable[[Sequence[str], Sequence[str]], None]"
"""Takes the URNs of creations, and the ids of all resources that the state has."""

_META = "version: 1\n"
"""Content of the backend's `meta.yaml`."""


class BadState(UserError):  # noqa: N818 — it is the state that is bad
    """Pulumi's state can't be read and nothing can replace it; the message says what to do."""


@dataclass(frozen=True)
class StackState:
    """The files that hold one stack's state."""

    backend: Path
    project: str
    stack: str

    @property
    def file(self) -> Path:
        """The state."""
        return self._folder("stacks") / f"{self.stack}.json"

    @property
    def locked(self) -> bool:
        """Whether a run is under way, or was killed."""
        return any(self._locks())

    def lock_notices(self) -> Iterator[str]:
        """Yield what to do about each lock of the stack; the CLI names `pulumi cancel`."""
        cancel = f"`pulumi-local cancel --yes --stack {self.stack}` removes the lock"
        for file in self._locks():
            lock = _read(file) or {}
            process = lock.get("pid")
            machine = lock.get("hostname") or "another machine"
            if machine != os.uname().nodename:
                yield f"a run on {machine} has locked the stack; if it was killed, {cancel}"
            elif Path(f"/proc/{process}").exists():
                yield f"process {process} has locked the stack; if it is no run, {cancel}"
            else:
                yield f"a run that was killed has left the stack locked: {cancel}"

    def _locks(self) -> Iterator[Path]:
        """Yield the files by which runs lock the stack."""
        locks = self.backend / ".pulumi" / "locks"
        for project in (locks / self.project, locks / "organization" / self.project):
            yield from (project / self.stack).glob("*.json")

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the deployed stack; empty if it isn't deployed or is damaged.

        Raises:
            UnusableFolder: The state is another user's.
        """
        for resource in self.resources():
            if resource.get("type") == "pulumi:pulumi:Stack":
                return dict(resource.get("outputs") or {})
        return {}

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the deployed stack; none if it isn't deployed."""
        return list(self._latest().get("resources") or ())

    def salt(self) -> str | None:
        """Return the salt that the passphrase encrypts secrets with; None if there is none."""
        provider = self._latest().get("secrets_providers") or {}
        return (provider.get("state") or {}).get("salt")

    def _latest(self) -> dict[str, Any]:
        with explained():
            document = _read(self.file) if self.file.exists() else None
        return _latest_of(document)

    def create(self) -> None:
        """Make the stack, unless it exists, as `pulumi stack init` does before it makes a key.

        The first run of the stack makes the key. `pulumi stack init` itself would take half a
        second of CPU time.
        """
        if self.file.exists():
            return
        meta = self.backend / ".pulumi" / "meta.yaml"
        if not meta.exists():
            write_atomically(meta, _META)
        empty = {"version": 3, "checkpoint": {"stack": f"organization/{self.project}/{self.stack}"}}
        scratch = self.file.with_name(f"{self.file.name}.{os.getpid()}.new")
        write_atomically(scratch, json.dumps(empty))
        try:
            with suppress(FileExistsError):  # another command has made it meanwhile
                os.link(scratch, self.file)
        finally:
            scratch.unlink()

    def repair(self, report: Callable[[str], None], discard: Discard) -> None:
        """Make a damaged state readable again, and remove what a killed run was creating.

        Args:
            report: Called with a message for each repair and its cause.
            discard: Removes what a killed run was creating, where that exists by now.

        Raises:
            BadState: It is damaged, and so is every backup.
        """
        self._restore_meta(report)
        if self.file.exists() and not self.locked:
            self._restore(report)
            self._forget_creations(report, discard)
        elif not self.file.exists() and (self.locked or self._has_history()):
            self._restore_missing(report)

    def runs(self) -> list[dict[str, Any]]:
        """Return what Pulumi has recorded of each run that has ended, the earliest first."""
        files = sorted(self._history.glob("*.history.json"))  # named by their time
        return [document for each in files if (document := _read(each)) is not None]

    @property
    def _history(self) -> Path:
        return self._folder("history") / self.stack

    def _folder(self, kind: str) -> Path:
        return self.backend / ".pulumi" / kind / self.project

    def _has_history(self) -> bool:
        """Whether the stack was ever deployed: `stack rm` deletes the history, not the backup."""
        return any(self._history.glob("*"))

    def _restore_meta(self, report: Callable[[str], None]) -> None:
        meta = self.backend / ".pulumi" / "meta.yaml"
        if meta.exists() and b"version" not in meta.read_bytes():
            write_atomically(meta, _META)
            report(f"{meta} was damaged, and is made anew")
        for attributes in (meta, self.file):
            self._drop_damaged_attributes(attributes)

    def _drop_damaged_attributes(self, of: Path) -> None:
        """Remove damaged attributes of a file, which Pulumi needs whole or not at all."""
        attributes = of.with_name(f"{of.name}.attrs")
        if attributes.exists() and _read(attributes) is None:
            attributes.unlink()

    def _restore(self, report: Callable[[str], None]) -> None:
        """Replace a state that can't be read by its newest backup."""
        if _read(self.file) is not None:
            return
        backup = next(self._backups(), None)
        if backup is None:
            raise BadState(
                f"{self.file}, Pulumi's state, is damaged, and it has no backup. Delete "
                f"{self.backend.parent}, "
                "all that the local AWS has, and run the command again: it starts empty"
            )
        damaged = set_aside(self.file)
        write_atomically(self.file, backup.read_text(encoding="utf-8"))
        report(
            f"Pulumi's state was damaged: it is at {damaged}, and its last backup "
            f"({backup.name}) took its place. "
            "`pulumi-local refresh --yes` makes it agree with what exists"
        )

    def _restore_missing(self, report: Callable[[str], None]) -> None:
        """Bring back a state that is missing.

        A run moves the state to its backup before it writes the new one, and may be killed between.
        """
        backup = self.file.with_name(f"{self.file.name}.bak")
        if backup.exists() and _read(backup) is not None:
            with suppress(FileExistsError):  # a run that is under way has written it meanwhile
                os.link(backup, self.file)
                report(
                    f"Pulumi's state was missing: its last backup ({backup.name}) took its place"
                )

    def _backups(self) -> Iterator[Path]:
        """Yield the readable copies of the state, the newest first."""
        found = [self.file.with_name(f"{self.file.name}.bak")]
        older = [
            *(self._folder("backups") / self.stack).glob("*.json"),
            *self._history.glob("*.checkpoint.json"),
        ]
        found += sorted(older, key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found:
            if path.exists() and _read(path) is not None:
                yield path

    def _forget_creations(self, report: Callable[[str], None], discard: Discard) -> None:
        """Remove what a killed run was creating, in the local AWS and in the state.

        Otherwise Pulumi would warn of it in every run until a user answers its question at a
        terminal. And a `destroy` would wait for a resource that can't be deleted, because another
        one uses it that the state doesn't have.
        """
        document = _read(self.file)
        latest = _latest_of(document)
        pending = latest.get("pending_operations") or []
        kept: list[dict[str, Any]] = []
        created: list[str] = []
        for each in pending:
            if each.get("type") == "creating":
                created.append(each["resource"]["urn"])
            else:
                kept.append(each)
        if not created:
            return
        latest["pending_operations"] = kept
        if not self.locked:
            recorded = [each["id"] for each in latest.get("resources") or () if each.get("id")]
            discard(created, recorded)
            write_atomically(self.file, json.dumps(document, indent=4))
            names = ", ".join(urn.rpartition("::")[2] for urn in created)
            report(
                f"an earlier run was killed while it created {names}: it is removed, and "
                "the next `up` makes it anew"
            )


def _latest_of(document: dict[str, Any] | None) -> dict[str, Any]:
    """Return the last deployment in a state; empty if the stack was never deployed."""
    checkpoint = (document or {}).get("checkpoint") or {}
    return checkpoint.get("latest") or {}


def _read(file: Path) -> dict[str, Any] | None:
    """Return a file's JSON object; None if it holds something else."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
