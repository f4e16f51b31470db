"""Where a service's tasks run: on Fargate, which always has room, or elsewhere. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from localaws.ecs.scheduler import placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localaws.ecs.scheduler.model import Deployment, ServiceRevision, Share, Task, Zone

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


Holding = tuple["Task", "ServiceRevision"]
"""A task of the service that takes room, and what it runs."""


class Capacity(Protocol):
    """What a service's tasks run on, as it is now."""

    @property
    def shares(self) -> tuple[Share, ...]:
        """The service's capacity provider strategy; none for a launch type."""

    def place(
        self, deployment: Deployment, provider: str, holding: Sequence[Holding]
    ) -> Placed | NotPlaced:
        """Find where a task may start.

        Args:
            deployment: What it belongs to.
            provider: Its capacity provider; empty for a launch type.
            holding: The service's tasks that take room now.
        """

    def drains(self, task: Task) -> bool:
        """Whether what a task runs on takes no more tasks and loses those that it has."""


@dataclass(frozen=True)
class Fargate:
    """Fargate: it has room for every task, in the zone with the fewest of the deployment."""

    shares: tuple[Share, ...] = ()

    def place(
        self,
        deployment: Deployment,
        provider: str,  # noqa: ARG002 — all of Fargate's have room
        holding: Sequence[Holding],
    ) -> Placed:
        """Return the zone and subnet with the fewest tasks of the deployment."""
        same = [task for task, _ in holding if task.active and task.deployment == deployment.id]
        return Placed(placement.emptiest(deployment.revision.zones, same))

    def drains(self, task: Task) -> bool:  # noqa: ARG002 — no task's
        """Return False: Fargate moves no task."""
        return False


def next_provider(shares: Sequence[Share], tasks: Iterable[Task]) -> str:
    """Return the capacity provider of a service's next task; empty without a strategy.

    The one with a base gets that many tasks first. The others are shared out by weight, as
    evenly as whole tasks allow.

    Source: `CapacityProviderStrategyItem` in ECS's API reference.
    """
    count = Counter(task.capacity_provider for task in tasks)
    for share in shares:
        if count[share.provider] < share.base:
            return share.provider

    def fullness(share: Share) -> float:
        return (count[share.provider] - share.base + 1) / share.weight

    weighted = [share for share in shares if share.weight]
    return min(weighted, key=fullness).provider if weighted else ""
