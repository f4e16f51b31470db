"""Route requests to the services of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.aws.routes import priorities
from infra.service.routing import (
    Login,
    Route,
    Rule,
    Split,
    TargetGroupArgs,
    TargetHealthCheck,
)
from infra.settings import routing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.aws.routes.rules import Rule as PlannedRule
    from infra.settings import Settings
    from infra.settings.route_kinds import Oidc
    from infra.settings.service import ServiceSettings
    from infra.settings.service.routes import RouteSettings


def routes(settings: Settings) -> dict[str, Route]:
    """Return how requests get to each service, by the services' names."""
    planned = routing.plan(settings.services)
    attachments = priorities.of_attachments(service.name for service in settings.services)
    found: dict[str, Route] = {}
    for service in settings.services:
        secret = settings.login.oidc_client_secrets.get(service.name)
        own = [
            _rule(service, rule, secret) for rule in planned if rule.route.service == service.name
        ]
        found[service.name] = _route(service, own, attachments[service.name])
    return found


def _route(service: ServiceSettings, rules: Sequence[Rule], attachment: int) -> Route:
    targets, health = service.targets, service.health
    return Route(
        name=service.name,
        rules=rules,
        attachment_priority=attachment,
        target_group=TargetGroupArgs(
            protocol_version=targets.target_protocol,
            algorithm=targets.load_balancing_algorithm,
            slow_start_seconds=targets.slow_start_seconds,
            stickiness_seconds=targets.stickiness_seconds,
            cookie=targets.stickiness_cookie,
            drain_seconds=service.deployment.deregistration_delay,
            health_check=TargetHealthCheck(
                path=health.health_check_path,
                codes=health.health_check_codes,
                interval_seconds=health.health_check_interval_seconds,
                timeout_seconds=health.health_check_timeout_seconds,
                healthy_threshold=health.healthy_threshold,
                unhealthy_threshold=health.unhealthy_threshold,
            ),
        ),
    )


def _rule(service: ServiceSettings, planned: PlannedRule, secret: str | None) -> Rule:
    route = service.routes.each[planned.route.number]
    return Rule(
        priority=planned.priority,
        conditions=planned.conditions,
        rewrite_url=route.rewrite_url,
        rewrite_host=route.rewrite_host,
        login=_login(route.oidc, secret) if route.oidc and secret else None,
        split=_split(route) if len(route.weights) > 1 else None,
    )


def _split(route: RouteSettings) -> Split:
    return Split(weights=route.weights, stickiness_seconds=route.weight_stickiness_seconds)


def _login(client: Oidc, secret: str) -> Login:
    return Login(
        issuer=client.issuer,
        authorization_endpoint=client.authorization_endpoint,
        token_endpoint=client.token_endpoint,
        user_info_endpoint=client.user_info_endpoint,
        client_id=client.client_id,
        client_secret=pulumi.Output.secret(secret),
        scope=client.scope,
        session_seconds=client.session_seconds,
        on_unauthenticated=client.on_unauthenticated,
    )
