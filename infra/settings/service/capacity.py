"""Where a service's tasks run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.settings.kinds import Choice, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.errors import Problem

FARGATE, FARGATE_SPOT, EC2 = CAPACITIES = ("fargate", "fargate-spot", "ec2")

_HIGHEST_BASE: Final = 5000
"""As many as a service may have tasks."""


@dataclass(frozen=True, kw_only=True)
class CapacitySettings(Topic):
    """Fargate, Fargate Spot, or EC2 instances of the stack."""

    capacity: str = key(Choice(CAPACITIES))
    on_demand_base: int = key(Whole(0, _HIGHEST_BASE))

    def problems(self) -> Iterator[Problem]:
        """Check that a base on demand is configured only beside spare capacity."""
        yield from self._base_is_of_spot()

    @relation("capacity")
    def _base_is_of_spot(self) -> Iterator[Problem]:
        if not self.spot:
            yield from self.without_effect(
                "on_demand_base",
                allowed=f"only with capacity {FARGATE_SPOT}, which runs all other tasks on spare "
                "capacity",
            )

    @property
    def on_instances(self) -> bool:
        """Whether tasks run on the stack's EC2 instances."""
        return self.capacity == EC2

    @property
    def spot(self) -> bool:
        """Whether tasks run on Fargate's spare capacity."""
        return self.capacity == FARGATE_SPOT
