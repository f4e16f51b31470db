"""Select the events of a service's latest deployment. Pure.

ECS lists a service's last hundred events, and most of them don't name their deployment. An earlier
failure's reason must not be reported for the latest one. So a deployment's events are selected by
time, by the events that end other deployments, and by the tasks that the deployment started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

_FAILED = "deployment failed"
_COMPLETED = "deployment completed"
_ROLLING_BACK = "rolling back to"
_STEADY = "has reached a steady state"
_ENDS = (_FAILED, _COMPLETED, _ROLLING_BACK, _STEADY)
"""Texts of events that end a deployment; older events belong to an earlier one."""

_ROUTINE = (
    r"has started \d+ tasks|registered \d+ targets|has begun draining|stopped \d+ \w+ tasks"
    rf"|AZ balanced|{_ROLLING_BACK}"
)
BY_ALARM = r"deployment failed: alarm detected|because an alarm was detected"
"""The end of ECS's event, or the provider's error."""

_STARTED = r"has started (\d+) tasks"
_TASK = r"\(task (\S+)\)"
_DEPLOYMENT = r"deployment (ecs-svc/\d+)"


@dataclass(frozen=True)
class Event:
    """One line of a service's event list."""

    id: str
    at: datetime
    """When ECS wrote it, in whole seconds: several events may have the same time."""

    message: str


def in_progress(
    events: Sequence[Event], since: datetime | None = None, *, earlier: Collection[str] = ()
) -> list[str]:
    """Return the events of the deployment in progress; none once the service is steady.

    Args:
        events: The service's events, newest first.
        since: When that deployment was created, if this is known.
        earlier: Ids of the events that were listed before the deployment was requested, if they
            are known.

    Returns:
        Messages without the service's name, newest first. Routine messages are left out, and of
        messages that differ only in the task, all but the newest.
    """
    return _notable(_of_newest_deployment(events, since, earlier))


def last_failure(
    events: Sequence[Event],
    created: Mapping[str, datetime] | None = None,
    *,
    earlier: Collection[str] = (),
) -> list[str]:
    """Return the events of the deployment that failed last; none if a later one succeeded.

    If its rollback failed too, the only event of the rollback among them is that failure.

    Args:
        events: The service's events, newest first.
        created: When each deployment that ECS still lists was created, by id. ECS lists the failed
            one while its tasks run, or if there was nothing to roll back to.
        earlier: Ids of the events that were listed before the deployment was requested, if they
            are known.

    Returns:
        Messages in the form of `in_progress`.
    """
    failures = []
    for index, event in enumerate(events):
        if _FAILED in event.message and event.id not in earlier:
            failures.append(index)
    if not failures or _has_later_success(events[: failures[0]]):
        return []
    failed = failures[0]
    failed_rollback = []
    if len(failures) > 1 and _is_rollback(events[failed], events[failed : failures[1]]):
        failed_rollback = [events[failed]]
        failed = failures[1]
    since = (created or {}).get(_deployment_id(events[failed]))
    own = _of_newest_deployment(events[failed + 1 :], since, earlier)
    # Some of its tasks may be reported as unhealthy only after the rollback has begun.
    started, _ = _started_tasks(own)
    late = _naming(started, events[:failed])
    return _notable([*failed_rollback, *late, events[failed], *own])


def failed_by_alarm(messages: Iterable[str]) -> bool:
    """Return whether an alarm that watched the deployment made ECS stop it, by its messages."""
    return any(re.search(BY_ALARM, message) for message in messages)


def has_failed(deployment: str, events: Sequence[Event]) -> bool:
    """Return whether ECS reported that the deployment of this id failed."""
    return any(f"(deployment {deployment}) {_FAILED}" in event.message for event in events)


def has_completed(deployment: str, events: Sequence[Event]) -> bool:
    """Return whether the events show that this deployment completed.

    A service in a steady state counts too: ECS no longer lists a completion from long ago, but
    repeats every six hours that the service is steady.
    """
    completed = f"(deployment {deployment}) {_COMPLETED}"
    return any(completed in event.message or _STEADY in event.message for event in events)


def _of_newest_deployment(
    events: Sequence[Event], since: datetime | None, earlier: Collection[str]
) -> list[Event]:
    """Return the events of the newest deployment, without those of other deployments' tasks."""
    own: list[Event] = []
    for event in events:
        if event.id in earlier or (since is not None and event.at < since):
            break
        if any(end in event.message for end in _ENDS):
            break
        own.append(event)
    started, all_named = _started_tasks(own)
    # If no event ended the loop, the deployment's first events may no longer be listed, and with
    # them the starts of its tasks.
    if not all_named or len(own) == len(events):
        return own
    naming_started = _naming(started, own)
    return [
        event for event in own if event in naming_started or not re.search(_TASK, event.message)
    ]


def _naming(tasks: Collection[str], events: Sequence[Event]) -> list[Event]:
    """Return the events that name one of these tasks."""
    return [
        event for event in events if not set(tasks).isdisjoint(re.findall(_TASK, event.message))
    ]


def _started_tasks(events: Sequence[Event]) -> tuple[set[str], bool]:
    """Return the ids of started tasks, and whether the events name all tasks that they count."""
    started: set[str] = set()
    all_named = True
    for event in events:
        count = re.search(_STARTED, event.message)
        if count:
            ids = re.findall(_TASK, event.message)
            started.update(ids)
            all_named = all_named and len(ids) == int(count[1])
    return started, all_named


def _has_later_success(after: Sequence[Event]) -> bool:
    """Return whether another deployment than the rollback completed after a failure.

    Args:
        after: The events after the failure.
    """
    rollbacks = _rollbacks(after)
    for event in after:
        if _COMPLETED in event.message and _deployment_id(event) not in rollbacks:
            return True
    return False


def _is_rollback(failure: Event, before: Sequence[Event]) -> bool:
    """Return whether the deployment that failed was a rollback that began in `before`."""
    deployment = _deployment_id(failure)
    return deployment != "" and deployment in _rollbacks(before)


def _rollbacks(events: Sequence[Event]) -> set[str]:
    """Return the ids of the deployments that began as rollbacks."""
    return {_deployment_id(event) for event in events if _ROLLING_BACK in event.message}


def _deployment_id(event: Event) -> str:
    """Return the id of the deployment that an event names, or an empty text."""
    found = re.search(_DEPLOYMENT, event.message)
    return found[1] if found else ""


def _notable(events: Sequence[Event]) -> list[str]:
    """Return the messages that aren't routine, once where they differ only in the task."""
    newest: dict[str, str] = {}
    # Oldest first: a newer message replaces the text of an older one, which keeps its position.
    for event in reversed(events):
        if not re.search(_ROUTINE, event.message):
            without_task = re.sub(r"\(task \S+\) ?", "", event.message)
            newest[without_task] = re.sub(r"^\(service [^)]*\) ", "", event.message)
    return list(reversed(newest.values()))
