"""How requests reach a service: its target group, and the listener rules that name it.

Traffic moves last. A service's group is attached to the load balancer before the service is made,
by a rule that no request matches, as ECS takes no group without a load balancer. The rule that
sends requests follows once the service is steady. Until then it names the group that served before,
so a service that doesn't work takes no request away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from zlib import crc32

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_PRIORITY: Final = 50_000
"""Priority of the route for everything: every other route's number is lower, and so is tried
before.
"""

ATTACHMENTS: Final = range(40_000, LAST_PRIORITY)
"""Priorities of attachments; a route has another one."""

_PORT: Final = 80
"""For targets that are IP addresses a group's port is only a default: ECS registers each with its
container's port. A constant one spares the group's replacement where that port changes."""

_NO_CLIENT: Final = "192.0.2.0/32"
"""Matches no client: RFC 5737 keeps these addresses for documentation. (ELB refuses
255.255.255.255/32.)
"""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How the load balancer tells which targets can take requests."""

    path: str = "/"
    codes: str = "200-399"
    """HTTP codes of a healthy target, from 200 to 499."""

    interval_seconds: int = 30
    timeout_seconds: int = 5
    """How long a target may take to answer; less than the interval."""

    healthy_threshold: int = 2
    """Good answers in a row after which a failing target is healthy again."""

    unhealthy_threshold: int = 3
    """Bad answers in a row after which a target is unhealthy."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """The requests that go to one service."""

    name: str
    """The service; at most 20 letters, digits and inner hyphens."""

    paths: tuple[str, ...]
    """Path patterns, at most five; `/*` is everything."""

    priority: int
    """Order among the routes, 1 to 39999 or 50000; the lowest number whose pattern matches wins."""

    health_check: HealthCheck = HealthCheck()
    drain_seconds: int = 30
    """How long a leaving target may finish its requests, 0 to 3600 s."""

    def __post_init__(self) -> None:
        """Refuse a priority that an attachment may have.

        Raises:
            ValueError: It is one of those.
        """
        if self.priority in ATTACHMENTS:
            raise ValueError(
                f"priority: {self.priority}; allowed: 1 to {ATTACHMENTS[0] - 1}, or {LAST_PRIORITY}"
            )


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where requests come in: a load balancer, as its routes need it."""

    rules: str
    """Begins the names of listener rules."""

    groups: str
    """Begins the names of target groups."""

    listener_arn: pulumi.Input[str]
    """Listener that sends requests to services."""

    vpc_id: pulumi.Input[str]
    parent: pulumi.Resource
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A service's target group, which belongs to a load balancer but gets no requests yet."""

    group_arn: pulumi.Output[str]
    attachment: pulumi.Resource
    """ECS refuses the group before this is there."""


def attach(entrance: Entrance, route: Route) -> Attached:
    """Make the target group of a route's service, and attach it to the load balancer."""
    check = route.health_check
    group = aws.lb.TargetGroup(
        # Without a fixed physical name a replacement could be made first.
        f"{entrance.groups}-{route.name}",
        target_type="ip",
        protocol="HTTP",
        port=_PORT,
        vpc_id=entrance.vpc_id,
        deregistration_delay=route.drain_seconds,
        health_check={
            "path": check.path,
            "matcher": check.codes,
            "interval": check.interval_seconds,
            "timeout": check.timeout_seconds,
            "healthy_threshold": check.healthy_threshold,
            "unhealthy_threshold": check.unhealthy_threshold,
        },
        tags=entrance.tags,
        # Groups that were made with another port keep it: a change would replace them.
        opts=pulumi.ResourceOptions(parent=entrance.parent, ignore_changes=["port"]),
    )
    attachment = _rule(
        f"{entrance.rules}-{route.name}-attachment",
        entrance,
        priority=attachment_priority(route.name),
        condition={"source_ip": {"values": [_NO_CLIENT]}},
        group_arn=group.arn,
        opts=pulumi.ResourceOptions(parent=entrance.parent),
    )
    return Attached(group_arn=group.arn, attachment=attachment)


def serve(
    entrance: Entrance,
    route: Route,
    attached: Attached,
    *,
    after: Sequence[pulumi.Resource],
    hooks: pulumi.ResourceHookBinding,
) -> pulumi.Resource:
    """Send the route's requests to its service.

    Args:
        entrance: Where they come in.
        route: Which ones.
        attached: The service's target group.
        after: What must be there first: the service itself.
        hooks: What must agree before requests move.

    Returns:
        The rule; with it, the load balancer serves.
    """
    return _rule(
        # Named by its priority, which a listener has once: the route of another service takes the
        # rule over.
        f"{entrance.rules}-{route.priority}",
        entrance,
        priority=route.priority,
        condition={"path_pattern": {"values": list(route.paths)}},
        group_arn=attached.group_arn,
        opts=pulumi.ResourceOptions(parent=entrance.parent, depends_on=after, hooks=hooks),
    )


def attachment_priority(name: str) -> int:
    """Return the priority of a service's attachment, which its name alone decides.

    Two names may share one. AWS refuses the second attachment then, before anything that serves has
    changed.
    """
    return ATTACHMENTS[crc32(name.encode()) % len(ATTACHMENTS)]


def _rule(
    name: str,
    entrance: Entrance,
    *,
    priority: int,
    condition: aws.lb.ListenerRuleConditionArgsDict,
    group_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.lb.ListenerRule:
    return aws.lb.ListenerRule(
        name,
        listener_arn=entrance.listener_arn,
        priority=priority,
        conditions=[condition],
        actions=[{"type": "forward", "target_group_arn": group_arn}],
        tags=entrance.tags,
        opts=opts,
    )
