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
    from infra.service.routing import Login, Route, Rule, Split, TargetGroupArgs, TargetHealthCheck

_PORT: Final = 80
"""Default port of a target group's targets. ECS registers each task with its container's port
instead; a constant default keeps the group when that port changes.
"""

_NO_CLIENT: Final = "192.0.2.0/32"
"""A source address that no client has: RFC 5737 keeps this range for documentation. ELB refuses
255.255.255.255/32.
"""


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


@dataclass(kw_only=True)
class Sharer:
    """Another service that gets a share of a route's requests."""

    target_group_arn: pulumi.Input[str]
    service: pulumi.Resource
    """The ECS service, which must exist before requests are sent to it."""

    hooks: pulumi.ResourceHookBinding
    """Hooks that fail while it isn't ready for requests."""


@dataclass(kw_only=True)
class LoadBalancerFrontEnd:
    """A front end of one service: a load balancer, and the route by which it sends requests."""

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

    def connect(self, service: pulumi.Resource, *, target_type: str) -> LoadBalancerConnection:
        """Register the service's target group, and attach it to the load balancer."""
        return LoadBalancerConnection(self, service, target_type=target_type)


class LoadBalancerConnection:
    """A service's target group at a load balancer, and the rules that send requests there."""

    target_group_arn: pulumi.Output[str]
    """Target group that the tasks join."""

    def __init__(
        self, front_end: LoadBalancerFrontEnd, service: pulumi.Resource, *, target_type: str
    ) -> None:
        """Register the target group and its attachment; no request is sent there yet.

        Args:
            front_end: The load balancer, and the route.
            service: Component that owns the group and all rules.
            target_type: How the group knows a task, as in `FrontEnd.connect`.
        """
        self._balancer = front_end.balancer
        self._route = front_end.route
        self._sharers = front_end.sharers
        self._former_parent = front_end.former_parent
        self._service = service
        self.target_group_arn = self._target_group(target_type).arn
        self._attachment = self._attach()

    @property
    def request_label(self) -> pulumi.Output[str]:
        """The suffixes of both ARNs, by which Application Auto Scaling counts requests."""
        arns = pulumi.Output.all(self._balancer.arn, self.target_group_arn)
        return of_created(
            arns,
            lambda both: f"{both[0].partition(':loadbalancer/')[2]}/{both[1].rpartition(':')[2]}",
        )

    @property
    def prerequisites(self) -> Sequence[pulumi.Resource]:
        """The attachment: ECS refuses a target group without a load balancer."""
        return [self._attachment]

    def route_requests(
        self, *, after: Sequence[pulumi.Resource], hooks: pulumi.ResourceHookBinding
    ) -> Sequence[pulumi.Resource]:
        """Register the rules that send the route's requests to the target group.

        A rule that splits them waits for the other services too.
        """
        rules: list[pulumi.Resource] = []
        for rule in self._route.rules:
            weights = rule.split.weights if rule.split else {}
            others = [self._sharers[name] for name in weights if name != self._route.name]
            listener_rule = self._listener_rule(
                # Named by its priority, which is unique in a listener: if another service gets the
                # requests, the rule is updated instead of replaced (docs/adr/0042).
                f"{self._balancer.rule_prefix}-{rule.priority}",
                priority=rule.priority,
                conditions=list(_conditions(rule.conditions)),
                transforms=list(_transforms(rule)),
                actions=self._actions(rule),
                secret=rule.login is not None,
                after=[*after, *(other.service for other in others)],
                hooks=_all_of([hooks, *(other.hooks for other in others)]),
            )
            rules.append(listener_rule)
        return rules

    def _target_group(self, target_type: str) -> aws.lb.TargetGroup:
        args = self._route.target_group
        return aws.lb.TargetGroup(
            # Without a fixed physical name a replacement could be made first.
            f"{self._balancer.group_prefix}-{self._route.name}",
            target_type=target_type,
            protocol="HTTP",
            port=_PORT,
            vpc_id=self._balancer.vpc_id,
            # What is off is configured, too: the provider leaves on what a program leaves out.
            protocol_version=args.protocol_version,
            load_balancing_algorithm_type=args.algorithm,
            slow_start=args.slow_start_seconds,
            stickiness=_stickiness(args),
            deregistration_delay=args.drain_seconds,
            health_check=_health_check(args.health_check, target_type),
            tags=self._balancer.member_tags,
            opts=pulumi.ResourceOptions(
                parent=self._service,
                aliases=self._aliases(),
                # Groups that were made with another port keep it: a change would replace them.
                ignore_changes=["port"],
            ),
        )

    def _attach(self) -> aws.lb.ListenerRule:
        """Register a rule with the target group that matches no request."""
        return self._listener_rule(
            # Named by its priority, as all rules are; by the service in earlier versions.
            f"{self._balancer.rule_prefix}-attachment-{self._route.attachment_priority}",
            former_name=f"{self._balancer.rule_prefix}-{self._route.name}-attachment",
            priority=self._route.attachment_priority,
            conditions=[{"source_ip": {"values": [_NO_CLIENT]}}],
            actions=[{"type": "forward", "target_group_arn": self.target_group_arn}],
        )

    def _listener_rule(
        self,
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
            listener_arn=self._balancer.listener_arn,
            priority=priority,
            conditions=conditions,
            transforms=transforms or None,
            actions=actions,
            tags=self._balancer.member_tags,
            opts=pulumi.ResourceOptions(
                parent=self._service,
                aliases=self._aliases(former_name),
                depends_on=after,
                hooks=hooks,
                # They contain the client's secret.
                additional_secret_outputs=["actions"] if secret else None,
            ),
        )

    def _actions(self, rule: Rule) -> list[aws.lb.ListenerRuleActionArgsDict]:
        """Return what is done with a request: forward it, perhaps after a login."""
        forward: aws.lb.ListenerRuleActionArgsDict = {"type": "forward"}
        if rule.split:
            forward["forward"] = self._shares(rule.split)
        else:
            forward["target_group_arn"] = self.target_group_arn
        if rule.login is None:
            return [forward]
        return [{**self._authenticate(rule.login), "order": 1}, {**forward, "order": 2}]

    def _shares(self, split: Split) -> aws.lb.ListenerRuleActionForwardArgsDict:
        """Return the target groups of the services that share requests, with their weights."""
        groups: list[aws.lb.ListenerRuleActionForwardTargetGroupArgsDict] = []
        for name, weight in split.weights.items():
            other = self._sharers.get(name)
            arn = other.target_group_arn if other else self.target_group_arn
            groups.append({"arn": arn, "weight": weight})
        shares: aws.lb.ListenerRuleActionForwardArgsDict = {"target_groups": groups}
        if split.stickiness_seconds:
            shares["stickiness"] = {"enabled": True, "duration": split.stickiness_seconds}
        return shares

    def _authenticate(self, login: Login) -> aws.lb.ListenerRuleActionArgsDict:
        return {
            "type": "authenticate-oidc",
            "authenticate_oidc": {
                "issuer": login.issuer,
                "authorization_endpoint": login.authorization_endpoint,
                "token_endpoint": login.token_endpoint,
                "user_info_endpoint": login.user_info_endpoint,
                "client_id": login.client_id,
                "client_secret": login.client_secret,
                "scope": login.scope,
                # With one cookie for all, a login to one service would end that to another.
                "session_cookie_name": f"AWSELBAuthSessionCookie-{self._route.name}",
                "session_timeout": login.session_seconds,
                "on_unauthenticated_request": login.on_unauthenticated,
            },
        }

    def _aliases(self, former_name: str | None = None) -> list[pulumi.Alias]:
        """Return the former identities of the group and the rules in a deployed stack."""
        own = [pulumi.Alias(name=former_name)] if former_name else []
        if self._former_parent is None:
            return own
        name = {"name": former_name} if former_name else {}
        return [*own, pulumi.Alias(parent=self._former_parent, **name)]


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


def _stickiness(args: TargetGroupArgs) -> aws.lb.TargetGroupStickinessArgsDict:
    if not args.stickiness_seconds:
        return {"type": "lb_cookie", "enabled": False}
    stickiness: aws.lb.TargetGroupStickinessArgsDict = {
        "type": "app_cookie" if args.cookie else "lb_cookie",
        "enabled": True,
        "cookie_duration": args.stickiness_seconds,
    }
    if args.cookie:
        stickiness["cookie_name"] = args.cookie
    return stickiness


def _health_check(
    check: TargetHealthCheck, target_type: str
) -> aws.lb.TargetGroupHealthCheckArgsDict:
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
    return health_check
