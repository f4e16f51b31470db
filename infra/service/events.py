"""What a service's events report about its deployments. Pure.

ECS lists a service's last hundred events, and most of them don't name the deployment that they
belong to. An earlier failure's reason must not be reported for the latest one, so a deployment's
events are selected by time, by the events that end other deployments, and by the tasks that it
started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

_FAILED = "deployment failed"
_COMPLETED = "deployment completed"
_ROLLING_BACK = "rolling back to"
_STEADY = "has reached a steady state"
_ENDS = (_FAILED, _COMPLETED, _ROLLING_BACK, _STEADY)
"""Texts of events that end a deployment; what is older belongs to an earlier one."""

_ROUTINE = re.compile(
    r"has started \d+ tasks|registered \d+ targets|has begun draining|stopped \d+ \w+ tasks"
    rf"|AZ balanced|{_ROLLING_BACK}"
)
_STARTED = re.compile(r"has started (\d+) tasks")
_TASK = re.compile(r"\(task (\S+)\)")
_DEPLOYMENT = re.compile(r"deployment (ecs-svc/\d+)")


@dataclass(frozen=True)
class Event:
    """One line of a service's event list."""

    id: str
    at: datetime
    """When ECS wrote it. The provider returns whole seconds, so several events share one."""

    message: str


def in_progress(
    events: Sequence[Event], since: datetime | None = None, *, known: Collection[str] = ()
) -> list[str]:
    """Return the events of the deployment in progress; none once the service is steady.

    Args:
        events: The service's events, newest first.
        since: When that deployment was created, if that is known.
        known: Ids of events that were there before it was requested, if that is known.

    Returns:
        Messages without routine ones and without the service's name, newest first; of those that
        differ only in the task, the newest.
    """
    return _notable(_of_newest(events, since, known))


def last_failure(
    events: Sequence[Event],
    created: Mapping[str, datetime] | None = None,
    *,
    known: Collection[str] = (),
) -> list[str]:
    """Return the events of the deployment that failed last; none if a later one succeeded.

    If its rollback failed too, that is one more message: the deployment's own events have the
    reason for the rollback.

    Args:
        events: The service's events, newest first.
        created: When each deployment that ECS still lists was created, by id. The one that failed
            is among them while its tasks run, or when there was nothing to roll back to.
        known: Ids of events that were there before it was requested, if that is known.

    Returns:
        Messages in the form of `in_progress`.
    """
    failures = []
    for index, event in enumerate(events):
        if _FAILED in event.message and event.id not in known:
            failures.append(index)
    if not failures or _succeeded(events[: failures[0]]):
        return []
    failed, rollback = failures[0], []
    if len(failures) > 1 and _is_rollback(events[failed], events[failed : failures[1]]):
        failed, rollback = failures[1], [events[failed]]
    since = (created or {}).get(_deployment(events[failed]))
    own = _of_newest(events[failed + 1 :], since, known)
    # Its last tasks may be reported as unhealthy only when the rollback is under way.
    started, _ = _tasks(own)
    late = _about(started, events[:failed])
    return _notable([*rollback, *late, events[failed], *own])


def has_failed(deployment: str, events: Sequence[Event]) -> bool:
    """Return whether ECS reported that the deployment of this id failed."""
    return any(f"(deployment {deployment}) {_FAILED}" in event.message for event in events)


def has_completed(deployment: str, events: Sequence[Event]) -> bool:
    """Return whether this deployment completed, or the service was steady, by its events.

    A completion that is long ago is no longer listed. ECS repeats every six hours that a service is
    steady.
    """
    completed = f"(deployment {deployment}) {_COMPLETED}"
    return any(completed in event.message or _STEADY in event.message for event in events)


def _of_newest(
    events: Sequence[Event], since: datetime | None, known: Collection[str]
) -> list[Event]:
    """Return the events of the newest deployment, without those of other deployments' tasks."""
    own: list[Event] = []
    for event in events:
        if event.id in known or (since is not None and event.at < since):
            break
        if any(end in event.message for end in _ENDS):
            break
        own.append(event)
    started, all_known = _tasks(own)
    # Where the deployment's first events are no longer listed, neither are the starts of its tasks.
    if not all_known or len(own) == len(events):
        return own
    about_started = _about(started, own)
    return [event for event in own if event in about_started or not _TASK.search(event.message)]


def _about(tasks: Collection[str], events: Sequence[Event]) -> list[Event]:
    """Return the events that name one of these tasks."""
    return [event for event in events if not {*tasks}.isdisjoint(_TASK.findall(event.message))]


def _tasks(events: Sequence[Event]) -> tuple[set[str], bool]:
    """Return the started tasks' ids, and whether each event names as many as it counts."""
    started: set[str] = set()
    all_known = True
    for event in events:
        if count := _STARTED.search(event.message):
            names = _TASK.findall(event.message)
            started.update(names)
            all_known = all_known and len(names) == int(count[1])
    return started, all_known


def _succeeded(since: Sequence[Event]) -> bool:
    """Return whether a deployment completed since a failure that isn't that failure's rollback."""
    rollbacks = {_deployment(event) for event in since if _ROLLING_BACK in event.message}
    return any(
        _COMPLETED in event.message and _deployment(event) not in rollbacks for event in since
    )


def _is_rollback(failure: Event, before: Sequence[Event]) -> bool:
    """Return whether the deployment that failed was a rollback, by the events before it."""
    name = _deployment(failure)
    return name != "" and any(
        _ROLLING_BACK in event.message and _deployment(event) == name for event in before
    )


def _deployment(event: Event) -> str:
    """Return the id of the deployment that an event names, or nothing."""
    found = _DEPLOYMENT.search(event.message)
    return found[1] if found else ""


def _notable(events: Sequence[Event]) -> list[str]:
    """Return the messages that aren't routine; of those that differ in the task, the newest."""
    newest: dict[str, str] = {}
    # Oldest first: a newer message replaces the text of an older one, which keeps its position.
    for event in reversed(events):
        if not _ROUTINE.search(event.message):
            without_task = re.sub(r"\(task \S+\) ?", "", event.message)
            newest[without_task] = re.sub(r"^\(service [^)]*\) ", "", event.message)
    return list(reversed(newest.values()))
