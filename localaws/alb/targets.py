"""Targets and their health: all that `localaws.ecs` knows of the load balancers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Endpoint:
    """The address and port on which a target, or a listener, accepts connections."""

    address: str
    port: int


class TargetState(StrEnum):
    """Target health, in ELB's words."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True)
class TargetHealth:
    """A target's state and why, as DescribeTargetHealth gives it."""

    state: TargetState
    reason: str = ""
    """ELB's reason code, `Target.ResponseCodeMismatch`."""

    description: str = ""
    """`Health checks failed with these codes: [404]`."""
