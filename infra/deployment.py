"""ECS's rolling deployment: its arithmetic, and how to read a service's events. Pure."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROLLING_BACK = "rolling back to"
_ROUTINE = re.compile(
    rf"has started \d+ tasks|registered \d+ targets|has begun draining|stopped \d+ \w+ tasks|{_ROLLING_BACK}"
)
_FAILED = "deployment failed"
_COMPLETED = "deployment completed"
_STEADY = "has reached a steady state"


def can_progress(desired: int, minimum_percent: int, maximum_percent: int) -> bool:
    """Whether a deployment can replace a task: there is room to start one more, or one less may run.

    ECS rounds the number that must keep running up, and the number that may exist down.
    """
    must_run = -(-desired * minimum_percent // 100)
    may_exist = desired * maximum_percent // 100
    return desired == 0 or may_exist > desired or must_run < desired


def deletion_minutes(stop_timeout_seconds: int) -> int:
    """How long deleting a service may take: its tasks drain for no longer than they may take to stop, and then stop.

    Ten minutes on top are for what AWS does before and after, which is a guess.
    """
    return 10 - (-2 * stop_timeout_seconds // 60)


def news(events: Sequence[str]) -> list[str]:
    """What a service's events say of what is under way; nothing once it is steady.

    Args:
        events: Messages of the service's events, newest first.

    Returns:
        Messages without routine and without the service's name, newest first, alike ones once.
    """
    return _story(events)


def last_failure(events: Sequence[str]) -> list[str]:
    """What they say of the deployment that failed last, in the same form; nothing if it was made good since."""
    last = next((index for index, event in enumerate(events) if _FAILED in event), len(events))
    since = events[:last]
    # The first deployment that completes after a failure is its rollback, if there is one; another one makes it good.
    made_good = sum(_COMPLETED in event for event in since) > any(_ROLLING_BACK in event for event in since)
    return [] if made_good else _story(events[last:])


def was_given_up(deployment: str, events: Sequence[str]) -> bool:
    """Whether ECS gave up the deployment of that id; what it still shows of such a one has nothing to go back to."""
    return any(f"(deployment {deployment}) {_FAILED}" in event for event in events)


def _story(events: Sequence[str]) -> list[str]:
    """The first telling ones, until the service was steady or a deployment completed."""
    telling = (event for event in events if not _ROUTINE.search(event))
    story = list(takewhile(lambda event: _STEADY not in event and _COMPLETED not in event, telling))
    alike = {re.sub(r"\(task \S+\) ?", "", event): event for event in reversed(story)}
    return [re.sub(r"^\(service [^)]*\) ", "", event) for event in reversed(alike.values())]
