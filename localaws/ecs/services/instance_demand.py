"""What the services' tasks take of EC2 instances, and which wait for some. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from localaws.ec2.fleet import Demand, Waiting
from localaws.ec2.placement import PlacedTask
from localaws.ecs.scheduler.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from localaws.ecs.services.running_services import RunningService


def demand(services: Iterable[RunningService]) -> Demand:
    """Return which tasks are on instances, and which wait for some."""
    counts: Counter[str] = Counter()
    taken: dict[str, tuple[int, int]] = {}
    waiting: list[Waiting] = []
    for service in services:
        for task in service.state.tasks:
            if task.status is Status.PROVISIONING:
                need = service.need_of(task)
                waiting.append(Waiting(task.capacity_provider, need.cpu, need.memory))
            elif task.instance and task.status is not Status.STOPPED:
                need = service.need_of(task)
                counts[task.instance] += 1
                cpu, memory = taken.get(task.instance, (0, 0))
                taken[task.instance] = cpu + need.cpu, memory + need.memory
    return Demand(tasks=counts, taken=taken, waiting=tuple(waiting))


def tasks_by_instance(services: Iterable[RunningService]) -> Mapping[str, Sequence[PlacedTask]]:
    """Return the tasks that are on each instance, by its id."""
    found: defaultdict[str, list[PlacedTask]] = defaultdict(list)
    for service in services:
        for task in service.state.tasks:
            if task.instance and task.status is not Status.STOPPED:
                placed = PlacedTask(
                    id=task.id, service=service.spec.arn, need=service.need_of(task)
                )
                found[task.instance].append(placed)
    return found
