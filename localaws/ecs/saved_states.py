"""Services' states as JSON in a file, so that they survive the daemon.

Holds no secret: revisions only name them.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localaws.ecs.scheduler.model import (
    Binding,
    Deployment,
    Event,
    Revision,
    Rollout,
    ServiceState,
    Status,
    StopCode,
    Task,
    Zone,
)
from localaws.machine.files import read_what_can_be_made_anew, set_aside
from localaws.machine.journal import Journal, WrongVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

_VERSION = 1
_BEGIN_ANEW = "services begin anew, without their past deployments and events"


class SavedStates:
    """The file `services.jsonl`; writing a state costs what that one holds, however many there are."""

    def __init__(self, home: Path) -> None:
        self._file = home / "services.jsonl"
        self._former = home / "services.json"
        """What earlier versions wrote: one JSON object."""
        self._journal = Journal(self._file, version=_VERSION)
        self._written: dict[str, ServiceState | None] = {}
        """What the file holds, by ARN: the state that it is, or None for one that it held before
        this process.
        """

    def load(self) -> dict[str, Any]:
        """The states by ARN, as JSON: one of another version is no reason not to read the others.

        A damaged file is set aside, with a warning, and there are none.
        """
        if not self._file.exists():
            return read_what_can_be_made_anew(
                self._former, lambda found: {**found}, otherwise={}, then=_BEGIN_ANEW
            )
        try:
            documents = self._journal.read()
        except (ValueError, WrongVersion) as damage:
            log.warning(
                "%s was damaged (%s) and is at %s: %s",
                self._file,
                damage,
                set_aside(self._file),
                _BEGIN_ANEW,
            )
            return {}
        self._written = dict.fromkeys(documents)
        return documents

    def save(self, states: Mapping[str, ServiceState]) -> None:
        """Write those that aren't the ones written last, and forget those that are gone.

        Raises:
            OSError: They can't be written.
        """
        changed = {
            arn: to_json(state)
            for arn, state in states.items()
            if state is not self._written.get(arn)
        }
        gone = dict.fromkeys(self._written.keys() - states.keys())
        if changed or gone:
            self._journal.write({**changed, **gone})
            self._written = dict(states)
        self._former.unlink(missing_ok=True)  # only now, so that a crash loses nothing


def to_json(state: ServiceState) -> dict[str, Any]:
    """The state as plain values."""
    return asdict(state)


def from_json(saved: dict[str, Any]) -> ServiceState:
    """What `to_json` made, read back."""
    asked, completed = saved["asked"], saved["completed"]
    return ServiceState(
        asked=_revision(asked) if asked else None,
        completed=_revision(completed) if completed else None,
        deployments=tuple(map(_deployment, saved["deployments"])),
        tasks=tuple(map(_task, saved["tasks"])),
        events=tuple(Event(**each) for each in saved["events"]),
        told=saved.get("told", {}),
        steady_since=saved.get("steady_since"),
    )


def _deployment(saved: dict[str, Any]) -> Deployment:
    return Deployment(
        **{**saved, "revision": _revision(saved["revision"]), "rollout": Rollout(saved["rollout"])}
    )


def _revision(saved: dict[str, Any]) -> Revision:
    return Revision(
        **{
            **saved,
            "zones": tuple(Zone(**each) for each in saved["zones"]),
            "bindings": tuple(Binding(**each) for each in saved["bindings"]),
        }
    )


def _task(saved: dict[str, Any]) -> Task:
    code = saved["stop_code"]
    return Task(
        **{
            **saved,
            "zone": Zone(**saved["zone"]),
            "status": Status(saved["status"]),
            "stop_code": StopCode(code) if code else None,
        }
    )
