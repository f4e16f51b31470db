"""Route requests from a load balancer to a service: its target group and its listener rules.

Traffic moves last. A service's target group is attached to the load balancer before the ECS service
is created, by a rule that no request matches, as ECS refuses a group without a load balancer. The
rules that send requests follow once the service is steady. Until then they name the group that
served before, so a service that doesn't work receives no requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import pulumi
import pulumi_aws as aws

from infra.aws.routes.conditions import HEADER, HOST, METHOD, PATH, QUERY, SOURCE
from infra.outputs import of_created

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.routes.conditions import Conditions

_PORT: Final = 80
"""Default port of a target group's targets. ECS registers each task with its container's port
instead; a constant default keeps the group when that port changes.
"""

_NO_CLIENT: Final = "192.0.2.0/32"
"""A source address that no client has: RFC 5737 keeps this range for documentation. ELB refuses
255.255.255.255/32.
"""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How the load balancer decides which targets can take requests."""

    path: str
    codes: str
    """HTTP codes of a healthy target, from 200 to 499."""

    interval_seconds: int
    timeout_seconds: int
    """How long a target may take to answer; less than the interval."""

    healthy_threshold: int
    """Good answers in a row after which a failing target is healthy again."""

    unhealthy_threshold: int
    """Bad answers in a row after which a target is unhealthy."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """How the load balancer chooses among the tasks, and speaks to them."""

    protocol_version: str
    """`HTTP1`, `HTTP2` or `GRPC`; a change replaces the target group."""

    algorithm: str
    """`round_robin`, `least_outstanding_requests` or `weighted_random`."""

    slow_start_seconds: int
    """How long a new target gets a growing share of the requests; 0 for all of it at once."""

    stickiness_seconds: int
    """How long a client's requests go to the same target; 0 for no stickiness."""

    cookie: str | None
    """The service's own cookie that decides it; None for one of the load balancer."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A client of an OpenID Connect provider, at which users log in."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    client_secret: pulumi.Output[str]
    """A secret, which the state keeps encrypted."""

    scope: str
    session_seconds: int
    """How long a session lasts, up to a week."""

    on_unauthenticated: str
    """`authenticate`, `allow` or `deny`."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Requests that are split between the service with the route and others."""

    weights: Mapping[str, int]
    """Weights by the services' names."""

    stickiness_seconds: int
    """How long a client stays with the service that it got; 0 to choose for each request."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Requests that go to one service, and what is changed in them."""

    priority: int
    """Unique in a listener; of the rules that match, the one with the lowest number wins."""

    conditions: Conditions
    rewrite_url: tuple[str, str] | None = None
    """Regular expression for path and query, and what replaces what it matches."""

    rewrite_host: tuple[str, str] | None = None
    """Regular expression for the host, and what replaces what it matches."""

    login: Login | None = None
    """Where clients log in before their requests are forwarded."""

    split: Split | None = None
    """How its requests are split between services; None for one service."""


@dataclass(frozen=True, kw_only=True)
class Sharer:
    """Another service that gets a share of a route's requests."""

    target_group_arn: pulumi.Input[str]
    service: pulumi.Resource
    """The ECS service, which must exist before requests are sent to it."""

    hooks: pulumi.ResourceHookBinding
    """Hooks that fail while it isn't ready for requests."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """How requests get to one service."""

    name: str
    """The service; at most 20 letters, digits and inner hyphens."""

    rules: Sequence[Rule]
    attachment_priority: int
    """Priority of the rule that attaches the target group, which no other rule has."""

    health_check: HealthCheck
    drain_seconds: int
    """How long a deregistered target may finish its requests, 0 to 3600 s."""

    targets: Targets


class LoadBalancer(Protocol):
    """An Application Load Balancer with a listener for services' rules, of this stack or shared.

    While a service moves from one load balancer to another, the resources of both exist side by
    side. So each load balancer has its own prefixes and suffix for their names.
    """

    @property
    def arn(self) -> pulumi.Input[str]:
        """The load balancer."""

    @property
    def listener_arn(self) -> pulumi.Input[str]:
        """Listener that gets the rules."""

    @property
    def security_group_id(self) -> pulumi.Input[str]:
        """Security group of the load balancer."""

    @property
    def vpc_id(self) -> pulumi.Input[str]:
        """VPC of the load balancer, and so of its target groups."""

    @property
    def rule_prefix(self) -> str:
        """Prefix of the names of listener rules."""

    @property
    def group_prefix(self) -> str:
        """Prefix of the names of target groups, which have at most 32 characters."""

    @property
    def service_suffix(self) -> str:
        """Suffix of the names of ECS services."""

    @property
    def member_tags(self) -> Mapping[str, str]:
        """Tags of target groups and listener rules."""


@dataclass(frozen=True, kw_only=True)
class BehindLoadBalancer:
    """The front end of a service that gets a route's requests from a load balancer."""

    balancer: LoadBalancer
    route: Route
    sharers: Mapping[str, Sharer] = field(default_factory=dict)
    """The other services that the weights of the route's rules name."""

    former_parent: pulumi.Resource | None = None
    """Parent of the group and the rules in stacks deployed before services owned these.

    It makes an alias, with which the engine keeps the deployed resources instead of replacing them.
    """

    @property
    def security_group_id(self) -> pulumi.Input[str]:
        """Security group of the load balancer."""
        return self.balancer.security_group_id

    @property
    def service_suffix(self) -> str:
        """Suffix of the ECS service's name."""
        return self.balancer.service_suffix

    def connect(self, service: pulumi.Resource, *, target_type: str) -> Attached:
        """Register the service's target group, and attach it to the load balancer."""
        check, targets = self.route.health_check, self.route.targets
        health_check: aws.lb.TargetGroupHealthCheckArgsDict = {
            "path": check.path,
            "matcher": check.codes,
            "interval": check.interval_seconds,
            "timeout": check.timeout_seconds,
            "healthy_threshold": check.healthy_threshold,
            "unhealthy_threshold": check.unhealthy_threshold,
        }
        if target_type == "instance":
            # The default, named because each task has another host port.
            health_check["port"] = "traffic-port"
        group = aws.lb.TargetGroup(
            # Without a fixed physical name a replacement could be made first.
            f"{self.balancer.group_prefix}-{self.route.name}",
            target_type=target_type,
            protocol="HTTP",
            port=_PORT,
            vpc_id=self.balancer.vpc_id,
            # What is off is configured, too: the provider leaves on what a program leaves out.
            protocol_version=targets.protocol_version,
            load_balancing_algorithm_type=targets.algorithm,
            slow_start=targets.slow_start_seconds,
            stickiness=_stickiness(targets),
            deregistration_delay=self.route.drain_seconds,
            health_check=health_check,
            tags=self.balancer.member_tags,
            opts=pulumi.ResourceOptions(
                parent=service,
                aliases=self._aliases(),
                # Groups that were made with another port keep it: a change would replace them.
                ignore_changes=["port"],
            ),
        )
        attachment = self._rule(
            service,
            # Named by its priority, as all rules are; by the service in earlier versions.
            f"{self.balancer.rule_prefix}-attachment-{self.route.attachment_priority}",
            former_name=f"{self.balancer.rule_prefix}-{self.route.name}-attachment",
            priority=self.route.attachment_priority,
            conditions=[{"source_ip": {"values": [_NO_CLIENT]}}],
            actions=[{"type": "forward", "target_group_arn": group.arn}],
        )
        return Attached(
            front_end=self, service=service, target_group_arn=group.arn, attachment=attachment
        )

    def serve(
        self,
        service: pulumi.Resource,
        group_arn: pulumi.Input[str],
        *,
        after: Sequence[pulumi.Resource],
        hooks: pulumi.ResourceHookBinding,
    ) -> Sequence[pulumi.Resource]:
        """Register the rules that send the route's requests to the service's target group.

        A rule that splits them waits for the other services too.
        """
        rules: list[pulumi.Resource] = []
        for rule in self.route.rules:
            names = rule.split.weights if rule.split else ()
            others = [self.sharers[name] for name in names if name != self.route.name]
            registered = self._rule(
                service,
                # Named by its priority, which is unique in a listener: if another service gets the
                # requests, the rule is updated instead of replaced (docs/adr/0042).
                f"{self.balancer.rule_prefix}-{rule.priority}",
                priority=rule.priority,
                conditions=list(_conditions(rule.conditions)),
                transforms=list(_transforms(rule)),
                actions=self._actions(rule, group_arn),
                secret=rule.login is not None,
                after=[*after, *(other.service for other in others)],
                hooks=_all_of([hooks, *(other.hooks for other in others)]),
            )
            rules.append(registered)
        return rules

    def _rule(
        self,
        service: pulumi.Resource,
        name: str,
        *,
        priority: int,
        conditions: list[aws.lb.ListenerRuleConditionArgsDict],
        actions: list[aws.lb.ListenerRuleActionArgsDict],
        secret: bool = False,
        transforms: list[aws.lb.ListenerRuleTransformArgsDict] | None = None,
        former_name: str | None = None,
        after: Sequence[pulumi.Resource] = (),
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> aws.lb.ListenerRule:
        return aws.lb.ListenerRule(
            name,
            listener_arn=self.balancer.listener_arn,
            priority=priority,
            conditions=conditions,
            transforms=transforms or None,
            actions=actions,
            tags=self.balancer.member_tags,
            opts=pulumi.ResourceOptions(
                parent=service,
                aliases=self._aliases(former_name),
                depends_on=after,
                hooks=hooks,
                # They contain the client's secret.
                additional_secret_outputs=["actions"] if secret else None,
            ),
        )

    def _actions(
        self, rule: Rule, group_arn: pulumi.Input[str]
    ) -> list[aws.lb.ListenerRuleActionArgsDict]:
        """Return what is done with a request: forward it, perhaps after a login."""
        forward, login = self._forward(rule, group_arn), rule.login
        if login is None:
            return [forward]
        return [
            {
                "type": "authenticate-oidc",
                "order": 1,
                "authenticate_oidc": {
                    "issuer": login.issuer,
                    "authorization_endpoint": login.authorization_endpoint,
                    "token_endpoint": login.token_endpoint,
                    "user_info_endpoint": login.user_info_endpoint,
                    "client_id": login.client_id,
                    "client_secret": login.client_secret,
                    "scope": login.scope,
                    # With one cookie for all, a login to one service would end that to another.
                    "session_cookie_name": f"AWSELBAuthSessionCookie-{self.route.name}",
                    "session_timeout": login.session_seconds,
                    "on_unauthenticated_request": login.on_unauthenticated,
                },
            },
            {**forward, "order": 2},
        ]

    def _forward(
        self, rule: Rule, group_arn: pulumi.Input[str]
    ) -> aws.lb.ListenerRuleActionArgsDict:
        """Return the action that forwards: to the service, or to several by weight."""
        if rule.split is None:
            return {"type": "forward", "target_group_arn": group_arn}
        groups: list[aws.lb.ListenerRuleActionForwardTargetGroupArgsDict] = []
        for name, weight in rule.split.weights.items():
            other = self.sharers.get(name)
            groups.append({"arn": other.target_group_arn if other else group_arn, "weight": weight})
        forward: aws.lb.ListenerRuleActionForwardArgsDict = {"target_groups": groups}
        if rule.split.stickiness_seconds:
            forward["stickiness"] = {"enabled": True, "duration": rule.split.stickiness_seconds}
        return {"type": "forward", "forward": forward}

    def _aliases(self, former_name: str | None = None) -> list[pulumi.Alias]:
        """Return the former identities of the group and the rules in a deployed stack."""
        own = [pulumi.Alias(name=former_name)] if former_name else []
        if self.former_parent is None:
            return own
        name = {"name": former_name} if former_name else {}
        return [*own, pulumi.Alias(parent=self.former_parent, **name)]


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A service's target group, which belongs to a load balancer but gets no requests yet."""

    front_end: BehindLoadBalancer
    service: pulumi.Resource
    target_group_arn: pulumi.Output[str]
    attachment: pulumi.Resource

    @property
    def request_label(self) -> pulumi.Output[str]:
        """The suffixes of both ARNs, by which Application Auto Scaling counts requests."""
        arns = pulumi.Output.all(self.front_end.balancer.arn, self.target_group_arn)
        return of_created(
            arns,
            lambda both: f"{both[0].partition(':loadbalancer/')[2]}/{both[1].rpartition(':')[2]}",
        )

    @property
    def prerequisites(self) -> Sequence[pulumi.Resource]:
        """The attachment: ECS refuses a target group without a load balancer."""
        return [self.attachment]

    def serve(
        self, *, after: Sequence[pulumi.Resource], hooks: pulumi.ResourceHookBinding
    ) -> Sequence[pulumi.Resource]:
        """Register the rules that send the route's requests to the service."""
        return self.front_end.serve(self.service, self.target_group_arn, after=after, hooks=hooks)


def _all_of(bindings: Sequence[pulumi.ResourceHookBinding]) -> pulumi.ResourceHookBinding:
    """Return the hooks of several bindings, of which each one can fail an operation."""
    if len(bindings) == 1:
        return bindings[0]
    create: list[pulumi.ResourceHook | pulumi.ResourceHookFunction] = []
    update: list[pulumi.ResourceHook | pulumi.ResourceHookFunction] = []
    for each in bindings:
        create += each.before_create or ()
        update += each.before_update or ()
    return pulumi.ResourceHookBinding(before_create=create, before_update=update)


def _conditions(conditions: Conditions) -> Iterator[aws.lb.ListenerRuleConditionArgsDict]:
    """Yield the conditions as AWS has them."""
    for kind, given in conditions.values.items():
        values = list(given)
        if kind == HOST:
            yield {"host_header": {"values": values}}
        elif kind == PATH:
            yield {"path_pattern": {"values": values}}
        elif kind == METHOD:
            yield {"http_request_method": {"values": values}}
        elif kind == SOURCE:
            yield {"source_ip": {"values": values}}
        elif kind.startswith(HEADER):
            name = kind.removeprefix(HEADER)
            yield {"http_header": {"http_header_name": name, "values": values}}
        else:
            key = kind.removeprefix(QUERY)
            yield {"query_strings": [{"key": key, "value": value} for value in values]}


def _transforms(rule: Rule) -> Iterator[aws.lb.ListenerRuleTransformArgsDict]:
    """Yield the rewrites as AWS has them."""
    if rule.rewrite_host:
        regex, replace = rule.rewrite_host
        yield {
            "type": "host-header-rewrite",
            "host_header_rewrite_config": {"rewrite": {"regex": regex, "replace": replace}},
        }
    if rule.rewrite_url:
        regex, replace = rule.rewrite_url
        yield {
            "type": "url-rewrite",
            "url_rewrite_config": {"rewrite": {"regex": regex, "replace": replace}},
        }


def _stickiness(targets: Targets) -> aws.lb.TargetGroupStickinessArgsDict:
    stickiness: aws.lb.TargetGroupStickinessArgsDict = {"type": "lb_cookie", "enabled": False}
    if targets.stickiness_seconds:
        stickiness = {
            "type": "app_cookie" if targets.cookie else "lb_cookie",
            "enabled": True,
            "cookie_duration": targets.stickiness_seconds,
        }
        if targets.cookie:
            stickiness["cookie_name"] = targets.cookie
    return stickiness
