"""A service's state as JSON, so that it survives the daemon. Holds no secret: revisions only name them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from localaws.ecs.model import (
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
    return Deployment(**{**saved, "revision": _revision(saved["revision"]), "rollout": Rollout(saved["rollout"])})


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
