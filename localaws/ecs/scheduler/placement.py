"""Which zone gets the next task, and which loses one. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from localaws.ecs.scheduler.model import Task, Zone


def emptiest(zones: Sequence[Zone], tasks: Iterable[Task]) -> Zone:
    """Return the zone, and the subnet in it, with the fewest of these tasks."""
    in_zone: Counter[str] = Counter()
    in_subnet: Counter[str] = Counter()
    for task in tasks:
        in_zone[task.zone.name] += 1
        in_subnet[task.zone.subnet] += 1
    return min(zones, key=lambda zone: (in_zone[zone.name], in_subnet[zone.subnet]))


def crowds(zones: Sequence[Zone], tasks: Iterable[Task]) -> dict[str, int]:
    """Return how many tasks each zone has, by name."""
    count = Counter(task.zone.name for task in tasks)
    names = sorted({zone.name for zone in zones})
    return {name: count[name] for name in names}


def uneven(zones: Sequence[Zone], tasks: Iterable[Task]) -> bool:
    """Whether moving a task would even the zones out."""
    there = crowds(zones, tasks).values()
    return max(there) - min(there) > 1


def leaving_order(tasks: Iterable[Task], well: Callable[[Task], bool]) -> list[Task]:
    """Return tasks in the order to stop them.

    Unhealthy ones first, then the youngest of the fullest zone, so that zones stay balanced.
    """
    remaining, order = list(tasks), []
    while remaining:
        crowd = Counter(task.zone.name for task in remaining)
        chosen = max(
            remaining,
            key=lambda task: (not well(task), crowd[task.zone.name], task.created_at, task.id),
        )
        remaining.remove(chosen)
        order.append(chosen)
    return order
