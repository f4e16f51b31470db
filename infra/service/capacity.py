"""Where an ECS service's tasks run, as far as the service's own resources depend on it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.aws import naming

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Fargate, Fargate Spot, or EC2 instances."""

    service_suffix: str = ""
    """Suffix of the ECS service's name. A service that changes its capacity is another one, so
    that the old one serves until the new one is steady.
    """

    compatibility: str = "FARGATE"
    """What a task definition must be compatible with."""

    network_mode: str = "awsvpc"
    target_type: str = "ip"
    """How a load balancer's target group knows a task."""

    strategy: Sequence[Any] = ()
    """Capacity providers with base and weight; empty for the launch type Fargate."""

    force_new_deployment: bool = False
    """Whether every update of the service replaces its tasks, as a changed strategy requires."""

    prerequisites: Sequence[Any] = ()
    """Resources that must exist before the service and until it is gone."""

    @property
    def on_instances(self) -> bool:
        """Whether tasks share the network of EC2 instances, through host ports."""
        return self.network_mode == "bridge"


ON_FARGATE: Final = Capacity()


def on_spot(*, on_demand_base: int, association: Any) -> Capacity:
    """Return Fargate's spare capacity, with a number of tasks that don't run on it.

    Args:
        on_demand_base: The number of tasks on Fargate itself.
        association: The cluster's association with Fargate's capacity providers.
    """
    strategy: list[Any] = [{"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": 1}]
    if on_demand_base:
        strategy.append({"capacity_provider": "FARGATE", "base": on_demand_base, "weight": 0})
    return Capacity(
        service_suffix=naming.SPOT_SUFFIX,
        strategy=strategy,
        force_new_deployment=True,
        prerequisites=[association],
    )


def on_instances(*, provider: Any, association: Any) -> Capacity:
    """Return the capacity of EC2 instances.

    The strategy is the provider alone, which never changes: its group is never replaced.

    Args:
        provider: Name of the instances' capacity provider.
        association: The cluster's association with it.
    """
    return Capacity(
        service_suffix=naming.INSTANCES_SUFFIX,
        compatibility="EC2",
        network_mode="bridge",
        target_type="instance",
        # The default weight, 0, would start no task.
        strategy=[{"capacity_provider": provider, "base": 0, "weight": 1}],
        prerequisites=[association],
    )
