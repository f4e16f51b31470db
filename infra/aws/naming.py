"""Names by which AWS or a person finds a resource, and the tags that name its owner. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SERVICE = 20
"""Characters in a service's name. A target group's name has at most 32, of which `alb-` before the
service's name and Pulumi's `-1234567` after it take 12.
"""

SPOT_SUFFIX, INSTANCES_SUFFIX = "-spot", "-ec2"
"""Suffixes of ECS services by their capacity; those on Fargate have none. A service that changes
its capacity gets another name, so that the old one serves until the new one is steady.
"""

INTERNAL_SUFFIX = "-internal"
"""Suffix of the names of ECS services behind an internal load balancer."""


def cluster(stack: str) -> str:
    """Return the name of a stack's ECS cluster."""
    return f"ecs-cluster-{stack}"


def namespace(stack: str) -> str:
    """Return the name of the Cloud Map namespace in which a stack's services find each other."""
    return cluster(stack)


def service(stack: str, name: str) -> str:
    """Return the name of an ECS service and of its task definition's family."""
    return f"{stack}-{name}"


def service_log_group(stack: str, name: str) -> str:
    """Return the log group that a service's containers write to."""
    return f"/aws/ecs/{cluster(stack)}/{service(stack, name)}"


def alarm(stack: str, service: str, kind: str) -> str:
    """Return the name of a service's alarm; `kind` is what it is about."""
    return f"{stack}-{service}-{kind}"


def balancer_alarm(stack: str) -> str:
    """Return the name of the alarm on the load balancer's own errors; no service's has it."""
    return f"{stack}-load-balancer-5xx"


def dashboard(stack: str, region: str) -> str:
    """Return the name of a stack's dashboard, of which an account has one in all regions."""
    return f"{cluster(stack)}-{region}"


def exec_log_group(stack: str) -> str:
    """Return the log group that records ECS Exec sessions."""
    return f"/aws/ecs/{cluster(stack)}/exec"


def insights_log_group(stack: str) -> str:
    """Return the log group that Container Insights writes to; AWS chose its name."""
    return f"/aws/ecs/containerinsights/{cluster(stack)}/performance"


def firewall(stack: str) -> str:
    """Return the name of a stack's WAF metrics."""
    return f"{cluster(stack)}-waf"


def firewall_log_group(stack: str) -> str:
    """Return the log group of the requests that WAF's rules matched; AWS requires the prefix."""
    return f"aws-waf-logs-{cluster(stack)}"


def flow_log_group(stack: str) -> str:
    """Return the log group of the VPC's flow logs."""
    return f"/aws/ecs/{cluster(stack)}/flow"


def log_groups(stack: str, services: Iterable[str]) -> tuple[str, ...]:
    """Return every log group that a stack with these services may ever write to."""
    return (
        *(service_log_group(stack, name) for name in services),
        exec_log_group(stack),
        insights_log_group(stack),
        firewall_log_group(stack),
        flow_log_group(stack),
    )


def log_group_prefixes(stack: str) -> tuple[str, ...]:
    """Return prefixes of which each log group of a stack has one, and few others do."""
    return f"/aws/ecs/{cluster(stack)}/", insights_log_group(stack), firewall_log_group(stack)


def tags(project: str, stack: str) -> dict[str, str]:
    """Return the tags of everything in a stack; a component adds its name by `of_component`."""
    return {"Project": project, "Stack": stack, "ManagedBy": "Pulumi"}


def of_component(tags: dict[str, str], component: str) -> dict[str, str]:
    """Return a stack's tags, with the name of the component that a resource is part of."""
    return {**tags, "Component": component}
