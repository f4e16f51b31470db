"""Routes whose requests are split between services by weight."""

from __future__ import annotations

from graphlib import CycleError
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.service.connect import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from infra.settings.service import ServiceSettings
    from infra.settings.service.routes import RouteSettings
    from infra.settings.stack import StackSettings

_COMPARED: Final = (
    "service_name",
    "calls",
    "target_protocol",
    "stickiness_seconds",
    "stickiness_cookie",
)
"""Fields outside of routes that the checks read."""


def shared_with(services: Iterable[ServiceSettings]) -> set[str]:
    """Return the names of the services that get a share of another one's requests."""
    return set().union(*(service.shares_with for service in services))


def misnamed(services: Sequence[ServiceSettings]) -> set[str]:
    """Return the names of services whose weights name one that doesn't exist."""
    names = {service.name for service in services}
    return {service.name for service in services if not names.issuperset(service.shares_with)}


def problems(settings: StackSettings) -> Iterator[Problem]:
    """Check weights against the services that they name."""
    yield from _services_exist(settings)
    if not settings.readable_in_all_services(*_COMPARED):
        return
    if any(service.routes.unread for service in settings.services):
        return
    services = {service.name: service for service in settings.services}
    for service in settings.services:
        for number, route in enumerate(service.routes.each):
            key = service.path_of(service.routes.key_of_weights(number))
            yield from _own_weight(key, route, service)
            yield from _stickiness(service, route)
            others = [services[name] for name in route.weights if name in services]
            if len(others) > 1:
                yield from _targets(key, route, others)
    yield from _cycle(settings, services)


def _services_exist(settings: StackSettings) -> Iterator[Problem]:
    """Check that weights name services of the stack, if all names could be read."""
    if not settings.readable_in_all_services("service_name"):
        return
    names = sorted(service.name for service in settings.services)
    for service in settings.services:
        for key, weights in service.routes.weights_by_key():
            for name in sorted(weights.keys() - set(names)):
                problem = Problem(key, f"{name}, which is no service", ", ".join(names))
                yield from service.named([problem])


def _own_weight(key: str, route: RouteSettings, service: ServiceSettings) -> Iterator[Problem]:
    """Check that weights name the service of the route, too."""
    if route.weights and service.name not in route.weights:
        yield Problem(
            key,
            f"{', '.join(route.weights)}, without {service.name}",
            f"{service.name} as well, with 0 if it is to get no requests",
        )


def _stickiness(service: ServiceSettings, route: RouteSettings) -> Iterator[Problem]:
    if route.weight_stickiness_seconds and len(route.weights) < 2:  # noqa: PLR2004 — no split
        problem = Problem(
            "weightStickinessSeconds",
            f"{route.weight_stickiness_seconds} for a route that isn't split",
            "0, unless weights name several services",
            unused=True,
        )
        yield from service.named([problem])


def _targets(
    key: str, route: RouteSettings, services: Iterable[ServiceSettings]
) -> Iterator[Problem]:
    """Check that AWS lets one rule forward to the target groups of these services.

    Sources: Elastic Load Balancing's guide, "Sticky sessions" and "Protocol version".
    """
    protocols: dict[str, str] = {}
    for service in services:
        protocols.setdefault(service.targets.target_protocol, service.name)
        if service.targets.stickiness_cookie and service.targets.stickiness_seconds:
            yield Problem(
                key,
                f"{service.name}, which has stickinessCookie",
                "services without one, as a cookie of the service doesn't work with weights",
            )
        elif service.targets.stickiness_seconds and not route.weight_stickiness_seconds:
            yield Problem(
                key,
                f"{service.name}, which has stickinessSeconds, without weightStickinessSeconds",
                "weightStickinessSeconds above 0, as AWS keeps clients at a task only where it "
                "keeps them at the service",
            )
    if len(protocols) > 1:
        shown = ", ".join(f"{name} with {protocol}" for protocol, name in protocols.items())
        yield Problem(
            key,
            shown,
            "services with one targetProtocol: the load balancer answers 464 to a request that "
            "the protocol of the chosen service doesn't take",
        )


def _cycle(settings: StackSettings, services: Mapping[str, ServiceSettings]) -> Iterator[Problem]:
    """Check that a rule can be registered after all services to which it forwards.

    A cycle of calls alone is a problem that `connect.problems` reports.
    """
    try:
        in_order(settings.dependencies)
    except CycleError as error:
        # In the error each service is before the one that depends on it, and one is at both ends.
        # Reversed and without the repetition, each is before the one that it depends on.
        _, *cycle = reversed(error.args[1])
        dependencies = [*cycle[1:], cycle[0]]
        splitting = []
        for name, dependency in zip(cycle, dependencies, strict=True):
            if dependency in services[name].shares_with:
                splitting.append(name)
        if splitting:
            # The cycle from the first of them, by name, back to it.
            first = cycle.index(min(splitting))
            shown = [*cycle[first:], *cycle[: first + 1]]
            yield Problem(
                services[shown[0]].path_of("weights"),
                " -> ".join(shown),
                "services that neither split requests with this one nor call it, as its rule is "
                "registered after theirs are deployed",
            )
