"""Scale the number of a service's tasks with its load, and by schedules.

The desired count then belongs to Application Auto Scaling: the program's number is the one that the
service begins with, and no run sets it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import pulumi
import pulumi_aws as aws

from infra.outputs import of_created

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE: Final = "ecs"
_DIMENSION: Final = "ecs:service:DesiredCount"


@dataclass(kw_only=True)
class ScheduledBounds:
    """Bounds that hold from certain moments on."""

    schedule: str
    """`cron(…)`, `rate(…)` or `at(…)`."""

    timezone: str
    """IANA name."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(kw_only=True)
class Scaling:
    """The bounds of the number of tasks, and what it follows within them."""

    minimum: int
    maximum: int
    cpu_percent: int = 0
    """Average CPU of the tasks to keep, in percent of what they reserve; 0 for none."""

    memory_percent: int = 0
    """Average memory of the tasks to keep, in percent of what they reserve; 0 for none."""

    requests_per_minute: int = 0
    """Requests per task and minute to keep; 0 for none."""

    scale_in_cooldown_seconds: int
    """Time after a change in which no task is taken away."""

    scale_out_cooldown_seconds: int
    """Time after tasks were added before others are."""

    schedules: Mapping[str, ScheduledBounds]
    """Changes of the bounds by time, by name."""


class _Metric(NamedTuple):
    """A metric that the number of tasks follows."""

    policy: str
    """Name of the scaling policy."""

    type: str
    """Application Auto Scaling's name of the metric."""

    goal: int
    """The value to keep; 0 for none."""

    label: pulumi.Input[str] | None = None
    """Load balancer and target group that the metric is about; None for one about the service."""


def register(
    name: str,
    scaling: Scaling,
    *,
    cluster_arn: pulumi.Input[str],
    service_name: pulumi.Input[str],
    request_label: pulumi.Input[str] | None,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> None:
    """Register the scalable target of a service, its policies and its schedules.

    Args:
        name: Name of the resources.
        scaling: What to register.
        cluster_arn: Cluster of the service.
        service_name: Name of the ECS service.
        request_label: Names load balancer and target group whose requests are counted; None where
            there are none.
        tags: Tags of the target.
        parent: Component that they belong to.
    """
    resource_id = of_created(
        pulumi.Output.all(cluster_arn, service_name),
        lambda both: f"service/{both[0].rpartition('/')[2]}/{both[1]}",
    )
    target = aws.appautoscaling.Target(
        name,
        service_namespace=_NAMESPACE,
        scalable_dimension=_DIMENSION,
        resource_id=resource_id,
        min_capacity=scaling.minimum,
        max_capacity=scaling.maximum,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    metrics = [
        _Metric("cpu", "ECSServiceAverageCPUUtilization", scaling.cpu_percent),
        _Metric("memory", "ECSServiceAverageMemoryUtilization", scaling.memory_percent),
        _Metric("requests", "ALBRequestCountPerTarget", scaling.requests_per_minute, request_label),
    ]
    for metric in metrics:
        if metric.goal:
            _follow(name, metric, scaling, target, parent)
    for action, bounds in scaling.schedules.items():
        aws.appautoscaling.ScheduledAction(
            f"{name}-{action}",
            name=action,
            service_namespace=_NAMESPACE,
            scalable_dimension=_DIMENSION,
            resource_id=target.resource_id,
            schedule=bounds.schedule,
            timezone=bounds.timezone,
            scalable_target_action={
                "min_capacity": bounds.minimum,
                "max_capacity": bounds.maximum,
            },
            opts=pulumi.ResourceOptions(parent=parent),
        )


def _follow(
    name: str,
    metric: _Metric,
    scaling: Scaling,
    target: aws.appautoscaling.Target,
    parent: pulumi.Resource,
) -> None:
    """Register the policy that keeps a metric at its goal."""
    aws.appautoscaling.Policy(
        f"{name}-{metric.policy}",
        name=metric.policy,
        policy_type="TargetTrackingScaling",
        service_namespace=_NAMESPACE,
        scalable_dimension=_DIMENSION,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {
                "predefined_metric_type": metric.type,
                "resource_label": metric.label,
            },
            "target_value": metric.goal,
            "scale_in_cooldown": scaling.scale_in_cooldown_seconds,
            "scale_out_cooldown": scaling.scale_out_cooldown_seconds,
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )
