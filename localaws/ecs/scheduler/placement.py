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


def tasks_by_zone(zones: Sequence[Zone], tasks: Iterable[Task]) -> dict[str, int]:
    """Return how many tasks each zone has, by name."""
    found = {zone.name: 0 for zone in sorted(zones, key=lambda zone: zone.name)}
    for task in tasks:
        if task.zone.name in found:
            found[task.zone.name] += 1
    return found


def is_uneven(zones: Sequence[Zone], tasks: Iterable[Task]) -> bool:
    """Return whether moving a task would even the zones out."""
    counts = tasks_by_zone(zones, tasks).values()
    return max(counts) - min(counts) > 1


def stop_order(tasks: Iterable[Task], is_healthy: Callable[[Task], bool]) -> list[Task]:
    """Return tasks in the order to stop them.

    Unhealthy ones first, then the youngest of the fullest zone, so that zones stay balanced.
    """
    remaining = list(tasks)
    order = []
    in_zone = Counter(task.zone.name for task in remaining)

    def rank(task: Task) -> tuple[bool, int, float, str]:
        return not is_healthy(task), in_zone[task.zone.name], task.created_at, task.id

    while remaining:
        # Each one that leaves makes its zone emptier, so the next may be of another zone.
        chosen = max(remaining, key=rank)
        remaining.remove(chosen)
        in_zone[chosen.zone.name] -= 1
        order.append(chosen)
    return order
