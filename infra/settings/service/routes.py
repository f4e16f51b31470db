"""The routes of a service: which requests it gets from the load balancer, and how."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from infra.aws.routes.conditions import (
    HEADER,
    HOST,
    METHOD,
    PATH,
    QUERY,
    SOURCE,
    Conditions,
    split,
)
from infra.aws.routes.priorities import CONFIGURED
from infra.errors import Problem
from infra.settings.route_kinds import KINDS, Routes
from infra.settings.topic import Topic, camel, key, relation
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.route_kinds import Oidc, Rewrite

_FIELDS: Final = (
    "hosts",
    "paths",
    "methods",
    "headers",
    "query",
    "source_cidrs",
    "route_priority",
    "rewrite_url",
    "rewrite_host",
    "oidc",
    "weights",
)
"""The fields of a single route; what modifies one of them only is left out."""

_CONDITIONS: Final = {HOST: "hosts", PATH: "paths", METHOD: "methods", SOURCE: "sourceCidrs"}
"""Keys with a list of values, by the kind of the condition."""

_WEIGHT_STICKINESS: Final = "weight_stickiness_seconds"

_BROADCAST: Final = "255.255.255.255/32"
"""The only range that ELB refuses. Source: experience with AWS."""


@dataclass(frozen=True, kw_only=True)
class RouteSettings:
    """One route: the conditions of its requests, and what is changed in these."""

    conditions: Conditions
    priority: int | None
    """Chosen priority of its first rule; None for one that the conditions decide."""

    rewrite_url: Rewrite | None
    rewrite_host: Rewrite | None
    oidc: Oidc | None
    """Where clients log in before a request is forwarded."""

    weights: Mapping[str, int]
    """Weights of the services that its requests are split between; empty without a split."""

    weight_stickiness_seconds: int
    """How long a client stays with the service that it got by weight; 0 for each request anew."""


@dataclass(frozen=True, kw_only=True)
class RoutesSettings(Topic):
    """The keys of a single route, and a list of several."""

    hosts: tuple[str, ...] = key(KINDS["hosts"])
    paths: tuple[str, ...] = key(KINDS["paths"])
    methods: tuple[str, ...] = key(KINDS["methods"])
    headers: dict[str, tuple[str, ...]] = key(KINDS["headers"])
    query: dict[str, tuple[str, ...]] = key(KINDS["query"])
    source_cidrs: tuple[str, ...] = key(KINDS["sourceCidrs"])
    route_priority: int = key(KINDS["routePriority"])
    rewrite_url: Rewrite | None = key(KINDS["rewriteUrl"])
    rewrite_host: Rewrite | None = key(KINDS["rewriteHost"])
    oidc: Oidc | None = key(KINDS["oidc"])
    weights: dict[str, int] = key(KINDS["weights"])
    weight_stickiness_seconds: int = key(KINDS["weightStickinessSeconds"])
    routes: tuple[Mapping[str, Any], ...] = key(Routes())

    @cached_property
    def each(self) -> tuple[RouteSettings, ...]:
        """The routes: those of the list, or the single one."""
        single = {camel(name): getattr(self, name) for name in (*_FIELDS, _WEIGHT_STICKINESS)}
        return tuple(_route({**single, **entry}) for entry in self.routes or ({},))

    @property
    def declared(self) -> bool:
        """Whether a key describes requests; without any, they are all that no other route has."""
        return bool(self.routes) or any(getattr(self, name) for name in _FIELDS)

    @property
    def authenticates(self) -> bool:
        """Whether clients log in for some of the routes."""
        return any(entry.get("oidc", self.oidc) for entry in self.routes or ({},))

    def key_of(self, number: int) -> str:
        """Return the key that a route's conditions come from, or its place in the list."""
        if self.routes:
            return f"routes[{number}]"
        return next((camel(name) for name in _FIELDS if getattr(self, name)), "paths")

    def key_of_weights(self, number: int) -> str:
        """Return the key that a route's weights come from."""
        if self.routes and "weights" in self.routes[number]:
            return f"routes[{number}].weights"
        return "weights"

    def weights_by_key(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the allowed weights of each key that has some."""
        yield "weights", self.part("weights")
        for number, entry in enumerate(self.part("routes")):
            if entry.get("weights"):
                yield f"routes[{number}].weights", entry["weights"]

    def problems(self) -> Iterator[Problem]:
        """Check each route."""
        own = {camel(name): self.part(name) for name in _FIELDS}
        yield from _condition_problems("", own)
        for number, entry in enumerate(self.part("routes")):
            yield from _condition_problems(f"routes[{number}].", entry)
        yield from self._routes_fit_into_rules()

    @relation(*_FIELDS, _WEIGHT_STICKINESS, "routes")
    def _routes_fit_into_rules(self) -> Iterator[Problem]:
        for number, route in enumerate(self.each):
            yield from _route_problems(self.key_of(number), route)


def _route(values: Mapping[str, Any]) -> RouteSettings:
    """Return a route with these values by key."""
    conditions = {kind: texts for _, kind, texts in _conditions(values) if texts}
    return RouteSettings(
        conditions=Conditions(conditions),
        priority=values["routePriority"] or None,
        rewrite_url=values["rewriteUrl"],
        rewrite_host=values["rewriteHost"],
        oidc=values["oidc"],
        weights=values["weights"],
        weight_stickiness_seconds=values["weightStickinessSeconds"],
    )


def _conditions(values: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the key, the kind and the texts of each condition of a route."""
    for kind, name in _CONDITIONS.items():
        yield name, kind, values.get(name) or ()
    for kind, name in ((HEADER, "headers"), (QUERY, "query")):
        for entry, texts in (values.get(name) or {}).items():
            yield f"{name}.{entry}", f"{kind}{entry}", texts


def _condition_problems(path: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, kind, texts in _conditions(values):
        if repeated := duplicates(texts):
            yield Problem(f"{path}{name}", f"{', '.join(repeated)} twice", "each value once")
        if kind == SOURCE and _BROADCAST in texts:
            yield Problem(f"{path}{name}", _BROADCAST, "another range, as AWS refuses this one")


def _route_problems(key: str, route: RouteSettings) -> Iterator[Problem]:
    try:
        parts = split(route.conditions)
    except ValueError as error:
        yield Problem(key, f"{error}", "fewer conditions, or several routes")
        return
    if route.priority and route.priority + len(parts) > CONFIGURED.stop:
        yield Problem(
            key,
            f"routePriority {route.priority} for {len(parts)} rules, one after the other",
            f"at most {CONFIGURED.stop - len(parts)}",
        )
