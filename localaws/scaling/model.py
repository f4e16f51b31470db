"""The values of the scaler: targets with their policies, what is measured, and the state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from localaws.catalog.schedules import Schedule

OUT_POINTS: Final = 3
"""Minutes in a row above the target after which a policy scales out. Source: what Application Auto
Scaling has CloudWatch watch for a policy.
"""

IN_POINTS: Final = 15
"""Minutes in a row below `IN_SHARE` of the target after which it scales in. Source: the same."""

IN_SHARE: Final = 0.9
DEFAULT_COOLDOWN: Final = 300
"""Source: Application Auto Scaling's API reference, for ECS services."""

REMEMBERED: Final = 20
"""Activities that are kept."""


class Kind(StrEnum):
    """What a metric measures."""

    CPU = "CPU"
    MEMORY = "memory"
    REQUESTS = "requests per task"


@dataclass(frozen=True)
class Metric:
    """A metric of a service."""

    kind: Kind
    target_group: str = ""
    """ARN of the target group whose requests count."""

    @property
    def unit(self) -> str:
        """What follows its number."""
        return "" if self.kind is Kind.REQUESTS else " %"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A target tracking policy; durations in AWS's seconds."""

    name: str
    metric: Metric
    target: float
    scale_in_cooldown: float = DEFAULT_COOLDOWN
    scale_out_cooldown: float = DEFAULT_COOLDOWN
    scales_in: bool = True


@dataclass(frozen=True, kw_only=True)
class ScheduledAction:
    """A change of a target's bounds by the clock."""

    name: str
    schedule: Schedule
    since: datetime
    """When it was made."""

    minimum: int | None = None
    maximum: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Bounds:
    """The least and the most tasks of a service."""

    minimum: int
    maximum: int

    def nearest(self, count: int) -> int:
        """Return the nearest count within the bounds."""
        return min(max(count, self.minimum), self.maximum)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A scalable target: a service whose desired count is scaled."""

    resource_id: str
    service: str
    """ARN of the ECS service."""

    bounds: Bounds
    """As the program sets them."""

    policies: tuple[Policy, ...] = ()
    actions: tuple[ScheduledAction, ...] = ()
    scales_out: bool = True
    scales_in: bool = True
    follows_schedules: bool = True


@dataclass(frozen=True)
class Point:
    """A metric's value in one minute."""

    minute: int
    """Number of the minute since the scaler began; a compressed one."""

    value: float


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A service as it is now: its tasks, its deployments and its metrics."""

    desired: int
    running: int
    deploying: bool
    """Whether a deployment is under way, during which nothing is scaled in."""

    minute: int
    """The last whole minute."""

    points: Mapping[Metric, tuple[Point, ...]] = field(default_factory=dict)
    """The newest last."""


@dataclass(frozen=True)
class Activity:
    """A change of a desired count, or of bounds."""

    at: float
    """Seconds since the epoch."""

    message: str


@dataclass(frozen=True, kw_only=True)
class State:
    """What the scaler knows of a target; it survives a restart."""

    registered: Bounds | None = None
    """The program's bounds, as they were applied last."""

    bounds: Bounds | None = None
    """The bounds that hold: a scheduled action changes them."""

    checked_at: float | None = None
    """When schedules were looked at last."""

    scaled_in_at: float | None = None
    scaled_out_at: float | None = None
    activities: tuple[Activity, ...] = ()
    """The newest first."""

    def note(self, now: float, message: str) -> State:
        """Return the state with one more activity."""
        activities = (Activity(now, message), *self.activities)[:REMEMBERED]
        return replace(self, activities=activities)
