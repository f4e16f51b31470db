"""What faces the internet: the load balancer, and the way from it to each service."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import naming

if TYPE_CHECKING:
    from collections.abc import Sequence


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

    port: int
    """Port that the service's tasks listen on; changing it replaces the target group."""

    paths: tuple[str, ...]
    """Path patterns, at most five; `/*` is everything."""

    priority: int
    """Order among the routes, 1 to 50000; the lowest number whose pattern matches wins."""

    health_check: HealthCheck = HealthCheck()
    drain_seconds: int = 30
    """How long a leaving target may finish its requests, 0 to 3600 s."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancedIngressArgs:
    """What a LoadBalancedIngress is made from."""

    vpc_id: pulumi.Input[str]
    """VPC that holds the load balancer and its targets."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Public subnets, in at least two availability zones."""

    routes: tuple[Route, ...]
    """Where requests go; one that no route matches is answered 404."""

    idle_timeout_seconds: int = 60
    """How long an idle connection is kept, 1 to 4000 s."""

    deletion_protection: bool = False
    """Whether AWS and Pulumi refuse to delete the load balancer."""

    tags: dict[str, str] = field(default_factory=dict)
    """Tags of everything in it."""


class LoadBalancedIngress(pulumi.ComponentResource):
    """An internet-facing ALB with its listener and a target group for each route.

    Its security group lets nothing out: whoever has targets allows the way to them.
    """

    alb_dns: pulumi.Output[str]
    """Public DNS name of the load balancer."""

    url: pulumi.Output[str]
    """Where a browser finds it."""

    security_group_id: pulumi.Output[str]
    """Security group of the load balancer."""

    target_group_arns: dict[str, pulumi.Output[str]]
    """Target groups by route. ECS takes one only once a rule leads to it, so each ARN waits for its rule."""

    def __init__(self, name: str, args: LoadBalancedIngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _reject_twins("name", [route.name for route in args.routes])
        _reject_twins("priority", [route.priority for route in args.routes])
        super().__init__("fargate-web:index:LoadBalancedIngress", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            name,
            description="Load balancer: HTTP from anywhere, out to its targets only",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-http",
            security_group_id=group.id,
            description="HTTP from anywhere",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=80,
            to_port=80,
            tags=tags,
            opts=child,
        )
        balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=False,
            security_groups=[group.id],
            subnets=args.subnet_ids,
            idle_timeout=args.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=args.deletion_protection,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection or None),
        )
        listener = aws.lb.Listener(
            f"{name}-http",
            load_balancer_arn=balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {
                        "content_type": "text/plain",
                        "message_body": "Not found\n",
                        "status_code": "404",
                    },
                }
            ],
            tags=tags,
            opts=child,
        )
        self.alb_dns = balancer.dns_name
        self.url = pulumi.Output.concat("http://", balancer.dns_name)
        self.security_group_id = group.id
        self.target_group_arns = {
            route.name: self._lead(name, route, args.vpc_id, listener.arn, tags) for route in args.routes
        }
        self.register_outputs(
            {
                "albDns": self.alb_dns,
                "url": self.url,
                "securityGroupId": self.security_group_id,
                "targetGroupArns": self.target_group_arns,
            }
        )

    def _lead(
        self,
        base: str,
        route: Route,
        vpc_id: pulumi.Input[str],
        listener_arn: pulumi.Input[str],
        tags: dict[str, str],
    ) -> pulumi.Output[str]:
        """A target group, and the rule that leads the route's requests to it."""
        check = route.health_check
        # Without a fixed name a replacement is made first and takes the rule over; with one, AWS would refuse to delete
        # the old group that the rule still uses.
        target_group = aws.lb.TargetGroup(
            f"{base}-{route.name}",
            target_type="ip",
            protocol="HTTP",
            port=route.port,
            vpc_id=vpc_id,
            deregistration_delay=route.drain_seconds,
            health_check={
                "path": check.path,
                "matcher": check.codes,
                "interval": check.interval_seconds,
                "timeout": check.timeout_seconds,
                "healthy_threshold": check.healthy_threshold,
                "unhealthy_threshold": check.unhealthy_threshold,
            },
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Named by its priority, which a listener has once: a renamed route takes its rule over instead of colliding.
        rule = aws.lb.ListenerRule(
            f"{base}-{route.priority}",
            listener_arn=listener_arn,
            priority=route.priority,
            conditions=[{"path_pattern": {"values": list(route.paths)}}],
            actions=[{"type": "forward", "target_group_arn": target_group.arn}],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(group=target_group.arn, rule=rule.arn).apply(lambda arns: str(arns["group"]))


def _reject_twins(what: str, values: Sequence[object]) -> None:
    twins = [str(value) for value, count in Counter(values).items() if count > 1]
    if twins:
        raise ValueError(f"routes must differ in {what}, but several have {', '.join(twins)}")
