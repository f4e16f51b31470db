"""Where a service's tasks run: on Fargate, which always has room, or elsewhere. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from localaws.ecs.scheduler import placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localaws.ecs.scheduler.model import Deployment, ServiceRevision, StrategyItem, Task, Zone

FARGATE_SPOT = "FARGATE_SPOT"
"""The capacity provider whose tasks AWS may interrupt."""


@dataclass(frozen=True)
class Placed:
    """Where a task may start."""

    zone: Zone
    instance: str = ""
    """The id of its EC2 instance; nothing on Fargate."""


@dataclass(frozen=True)
class NotPlaced:
    """Why a task can't start yet, as ECS's event continues."""

    reason: str


class Occupant(NamedTuple):
    """A task of the service that takes room."""

    task: Task
    revision: ServiceRevision
    """What it runs."""


class Capacity(Protocol):
    """What a service's tasks run on, as it is now."""

    @property
    def strategy(self) -> tuple[StrategyItem, ...]:
        """The service's capacity provider strategy; empty for a launch type."""

    def place(
        self, deployment: Deployment, provider: str, occupants: Sequence[Occupant]
    ) -> Placed | NotPlaced:
        """Find where a task may start.

        Args:
            deployment: What it belongs to.
            provider: Its capacity provider; empty for a launch type.
            occupants: The service's tasks that take room now.
        """

    def drains(self, task: Task) -> bool:
        """Return whether a task's instance drains: it takes no more tasks and loses its own."""


@dataclass(frozen=True)
class Fargate:
    """Fargate: it has room for every task, in the zone with the fewest of the deployment."""

    strategy: tuple[StrategyItem, ...] = ()

    def place(
        self,
        deployment: Deployment,
        provider: str,  # noqa: ARG002 — all of Fargate's have room
        occupants: Sequence[Occupant],
    ) -> Placed:
        """Return the zone and subnet with the fewest tasks of the deployment."""
        active = [each.task for each in occupants if each.task.active]
        siblings = [task for task in active if task.deployment == deployment.id]
        return Placed(placement.emptiest(deployment.revision.zones, siblings))

    def drains(self, task: Task) -> bool:  # noqa: ARG002 — no task's
        """Return False: Fargate moves no task."""
        return False


def next_provider(strategy: Sequence[StrategyItem], tasks: Iterable[Task]) -> str:
    """Return the capacity provider of a service's next task; empty without a strategy.

    The one with a base gets that many tasks first. The others are shared out by weight, as
    evenly as whole tasks allow.

    Source: `CapacityProviderStrategyItem` in ECS's API reference.
    """
    count = Counter(task.capacity_provider for task in tasks)
    for item in strategy:
        if count[item.provider] < item.base:
            return item.provider

    def fullness(item: StrategyItem) -> float:
        return (count[item.provider] - item.base + 1) / item.weight

    weighted = [item for item in strategy if item.weight]
    return min(weighted, key=fullness).provider if weighted else ""
