"""Save services' states in a file, as JSON, so that they survive the daemon.

They hold no secret: revisions only name them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from localaws.ecs.scheduler.model import (
    Binding,
    Deployment,
    Event,
    Rollout,
    ServiceRevision,
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
_SAVED_STATE = {"requested": "asked", "reported_at": "told"}
_SAVED_DEPLOYMENT = {"requested_at": "asked_at", "rolls_back": "undoes"}
"""Names in the file by the names of fields, where they differ: a name in the file never changes,
so that earlier and later versions read it.
"""

_BEGIN_ANEW = "services begin anew, without their past deployments and events"


class SavedStates:
    """The file `services.jsonl`: writing one service's state doesn't rewrite the others."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "services.jsonl"
        self._former = directory / "services.json"
        """What earlier versions wrote: one JSON object."""
        self._journal = Journal(self._file, version=_VERSION)
        self._written: dict[str, ServiceState | None] = {}
        """The states that the file holds, by ARN; None for those that an earlier process wrote."""

    def load(self) -> dict[str, Any]:
        """Return the states by ARN, as JSON.

        States that another version wrote are among them, unread: one that can't be understood must
        not keep the others from being read. A damaged file is set aside, with a warning, and there
        are none.
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
        """Write the states that have changed, and remove those of services that are gone.

        Raises:
            OSError: They can't be written.
        """
        changed: dict[str, Any] = {}
        for arn, state in states.items():
            # An unchanged state is the same object: to compare contents would cost more.
            if state is not self._written.get(arn):
                changed[arn] = to_json(state)
        gone = dict.fromkeys(self._written.keys() - states.keys())
        if changed or gone:
            self._journal.write({**changed, **gone})
            self._written = dict(states)
        self._former.unlink(missing_ok=True)  # only now, so that a crash loses nothing


def to_json(state: ServiceState) -> dict[str, Any]:
    """Return the state as plain values, under the names that the file has for them.

    They share their parts with the state. `dataclasses.asdict` copies each of them, which takes
    thirty times as long, and a state is saved whenever one of its tasks changes.
    """
    values = {
        **vars(state),
        "requested": state.requested and _revision_to_json(state.requested),
        "completed": state.completed and _revision_to_json(state.completed),
        "deployments": [_deployment_to_json(each) for each in state.deployments],
        "tasks": [{**vars(each), "zone": vars(each.zone)} for each in state.tasks],
        "events": [vars(each) for each in state.events],
    }
    return _renamed(values, _SAVED_STATE)


def _deployment_to_json(deployment: Deployment) -> dict[str, Any]:
    values = {**vars(deployment), "revision": _revision_to_json(deployment.revision)}
    return _renamed(values, _SAVED_DEPLOYMENT)


def _revision_to_json(revision: ServiceRevision) -> dict[str, Any]:
    return {
        **vars(revision),
        "zones": [vars(each) for each in revision.zones],
        "bindings": [vars(each) for each in revision.bindings],
    }


def from_json(saved: dict[str, Any]) -> ServiceState:
    """Return the state that `to_json` returned as plain values."""
    fields = _renamed(saved, _inverse(_SAVED_STATE))
    requested, completed = fields["requested"], fields["completed"]
    return ServiceState(
        requested=_revision(requested) if requested else None,
        completed=_revision(completed) if completed else None,
        deployments=tuple(map(_deployment, fields["deployments"])),
        tasks=tuple(map(_task, fields["tasks"])),
        events=tuple(Event(**each) for each in fields["events"]),
        reported_at=fields.get("reported_at", {}),
        steady_since=fields.get("steady_since"),
    )


def _deployment(saved: dict[str, Any]) -> Deployment:
    fields = _renamed(saved, _inverse(_SAVED_DEPLOYMENT))
    fields["revision"] = _revision(saved["revision"])
    fields["rollout"] = Rollout(saved["rollout"])
    fields["ignored_alarms"] = tuple(saved.get("ignored_alarms", ()))
    return Deployment(**fields)


def _revision(saved: dict[str, Any]) -> ServiceRevision:
    return ServiceRevision(
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


def _inverse(names: Mapping[str, str]) -> dict[str, str]:
    return {saved_name: name for name, saved_name in names.items()}


def _renamed(values: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values with some keys renamed, in the same order."""
    return {names.get(key, key): value for key, value in values.items()}
