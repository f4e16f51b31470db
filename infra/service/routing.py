"""How requests get to a service, as `infra.service.load_balancer` registers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.aws.routes.conditions import Conditions


@dataclass(kw_only=True)
class Route:
    """How requests get to one service."""

    name: str
    """The service; at most 20 letters, digits and inner hyphens."""

    rules: Sequence[Rule]
    """Requests that it gets."""

    attachment_priority: int
    """Priority of the rule that attaches the target group, which no other rule has."""

    target_group: TargetGroupArgs
    """How the load balancer treats the tasks."""


@dataclass(kw_only=True)
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


@dataclass(kw_only=True)
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


@dataclass(kw_only=True)
class Split:
    """Requests that are split between the service with the route and others."""

    weights: Mapping[str, int]
    """Weights by the services' names."""

    stickiness_seconds: int
    """How long a client stays with the service that it got; 0 to choose for each request."""


@dataclass(kw_only=True)
class TargetGroupArgs:
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

    drain_seconds: int
    """How long a deregistered target may finish its requests, 0 to 3600 s."""

    health_check: TargetHealthCheck


@dataclass(kw_only=True)
class TargetHealthCheck:
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
