"""The metrics of AWS that alarms and the dashboard use, and their dimensions. Pure.

Sources: "CloudWatch metrics for your Application Load Balancer", Elastic Load Balancing User Guide;
"Amazon ECS CloudWatch metrics", ECS Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BALANCER: Final = "AWS/ApplicationELB"
ECS: Final = "AWS/ECS"
INSIGHTS: Final = "ECS/ContainerInsights"

REQUESTS: Final = "RequestCount"
TARGET_ERRORS: Final = "HTTPCode_Target_5XX_Count"
"""Answers of tasks from 500 on; reported only in minutes that have one."""

BALANCER_ERRORS: Final = "HTTPCode_ELB_5XX_Count"
"""Answers of the load balancer itself, such as 502 for a task that closes the connection. This
metric is the load balancer's alone: it isn't reported by target group.
"""

LATENCY: Final = "TargetResponseTime"
HEALTHY_HOSTS: Final = "HealthyHostCount"
CPU: Final = "CPUUtilization"
MEMORY: Final = "MemoryUtilization"

MINUTE: Final = 60


@dataclass(kw_only=True)
class Targets:
    """A load balancer and a target group of it, as metrics name them."""

    load_balancer: str
    """`app/NAME/ID`."""

    target_group: str
    """`targetgroup/NAME/ID`."""

    @classmethod
    def of(cls, label: str) -> Targets:
        """Read the suffixes of both ARNs, one after the other."""
        load_balancer, _, target_group = label.partition("/targetgroup/")
        return cls(load_balancer=load_balancer, target_group=f"targetgroup/{target_group}")

    @property
    def balancer_dimensions(self) -> dict[str, str]:
        """The dimensions of what the load balancer does by itself."""
        return {"LoadBalancer": self.load_balancer}

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of what the target group does."""
        return {"LoadBalancer": self.load_balancer, "TargetGroup": self.target_group}


def failed_share(*, requests: str, failed: list[str], refused: str | None) -> str:
    """Return the metric math for the share of failed requests, in percent; 0 without requests.

    A metric without a value in a minute counts as 0, since errors are only reported where there are
    any. The load balancer's own answers aren't all among the requests, which are those for which it
    chose a target, so they are added to both.

    Args:
        requests: Id of the requests.
        failed: Ids of the targets' errors.
        refused: Id of the load balancer's errors; None where they don't count.
    """
    all_requests = f"FILL({requests}, 0)"
    errors = [f"FILL({each}, 0)" for each in failed]
    if refused:
        all_requests += f" + FILL({refused}, 0)"
        errors.append(f"FILL({refused}, 0)")
    share = f"100 * ({' + '.join(errors)}) / ({all_requests})"
    return f"IF({all_requests} > 0, {share}, 0)"
