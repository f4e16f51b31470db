"""The listener rules of a stack's services: planned, and checked before anything is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws.routes import patterns, rules
from infra.aws.routes.conditions import split
from infra.errors import Problem
from infra.settings import hosts, weights
from infra.settings.topic import camel, topics_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.aws.routes.rules import Finding, Rule
    from infra.settings.service import ServiceSettings
    from infra.settings.stack import StackSettings

_HOST_OF_EXAMPLES = "example.com"


def plan(services: Sequence[ServiceSettings]) -> tuple[Rule, ...]:
    """Return the rules of services, in the order in which a load balancer tries them.

    A service without a route, to which others give a share of their requests, has none.
    """
    found: list[rules.Route] = []
    shared = weights.shared_with(services)
    for service in services:
        if service.name in shared and not service.routes.declared:
            continue
        for number, route in enumerate(service.routes.each):
            found.append(
                rules.Route(
                    service=service.name,
                    number=number,
                    conditions=route.conditions,
                    priority=route.priority,
                    weights=route.weights,
                )
            )
    return rules.plan(found)


def problems(settings: StackSettings) -> Iterator[Problem]:
    """Check that all rules fit on one load balancer, and that each can match."""
    if not _plannable(settings.services):
        return
    planned = plan(settings.services)
    needed = len(planned) + len(settings.services)
    if needed > rules.MOST_RULES:
        yield Problem(
            "services",
            f"{needed} listener rules, two for a service with a simple route",
            f"at most {rules.MOST_RULES}, the quota of a load balancer",
        )
    if len(settings.services) > rules.MOST_GROUPS:
        yield Problem(
            "services",
            f"{len(settings.services)} of them",
            f"at most {rules.MOST_GROUPS}, as a load balancer has no more target groups",
        )
    incomplete = _incomplete(settings)
    misnamed = weights.misnamed(settings.services)
    for same in rules.repeated(planned):
        # A service with the name that is meant would need no route.
        if (misnamed | incomplete).isdisjoint(rule.route.service for rule in same):
            yield _repeated(settings, same)
    for finding in rules.findings(planned):
        compared = {finding.first.route.service, finding.second.route.service}
        if finding.unreachable and incomplete.isdisjoint(compared):
            yield _unreachable(settings, finding)
    if not settings.unread:
        yield from hosts.problems(settings, settings.https.zone_name)


def warnings(settings: StackSettings) -> Iterator[str]:
    """Yield what is legal, and may not be meant."""
    planned = plan(settings.services)
    for finding in rules.findings(planned):
        first, second = finding.first, finding.second
        yield (
            f"{_example(settings, finding)} matches {first.title}, which answers it, and also "
            f"{second.title}; if the other one is to answer it, give its route a routePriority "
            f"lower than {first.priority}"
        )
    for rule in planned:
        yield from _lone_prefixes(rule)
    unknown = list(hosts.unknown(settings))
    if unknown:
        yield (
            f"hosts {', '.join(unknown)}: whether a certificate of the load balancer covers them "
            "isn't checked, as only AWS knows the names in an existing one"
        )


def _plannable(services: Sequence[ServiceSettings]) -> bool:
    for service in services:
        if service.routes.unread or "service_name" in service.unread:
            return False
        for route in service.routes.each:
            try:
                split(route.conditions)
            except ValueError:
                return False
    return bool(services)


def _incomplete(settings: StackSettings) -> set[str]:
    """Return the names of services with an unknown key, which may be meant as a condition."""
    names: set[str] = set()
    for service in settings.services:
        known: set[str] = set()
        for topic in (*settings.topics, *topics_of(service)):
            known.update(map(camel, topic.kinds()))
        if not known.issuperset(service.own):
            names.add(service.name)
    return names


def _key_of(settings: StackSettings, rule: Rule) -> str:
    """Return the key that a rule comes from."""
    for service in settings.services:
        if service.name == rule.route.service:
            return service.path_of(service.routes.key_of(rule.route.number))
    raise LookupError(rule.route.service)


def _example(settings: StackSettings, finding: Finding) -> str:
    scheme = "https" if settings.https.https else "http"
    return finding.example.example(scheme, settings.https.domain or _HOST_OF_EXAMPLES)


def _repeated(settings: StackSettings, same: tuple[Rule, ...]) -> Problem:
    first, second = same[:2]
    if first.conditions.text == second.conditions.text:
        owner = _key_of(settings, first)
        both = f"{first.conditions.text}, which {owner} matches too"
        if first.conditions.everything:
            both = f"matches every request, as {owner} does"
        return Problem(
            _key_of(settings, second),
            both,
            "hosts, paths or other conditions that only one route has, or a share of the other "
            "one's requests by its weights",
        )
    return Problem(
        _key_of(settings, second),
        f"priority {second.priority}, which a rule of {_key_of(settings, first)} has too",
        "another routePriority; a route with several rules has those that follow, too",
    )


def _unreachable(settings: StackSettings, finding: Finding) -> Problem:
    first, second = finding.first, finding.second
    return Problem(
        _key_of(settings, second),
        f"requests like {_example(settings, finding)}, which never get there: {first.title} is "
        f"tried before rule {second.priority}",
        "conditions that no earlier rule covers, or a separate route for these, with a "
        "routePriority if need be",
    )


def _lone_prefixes(rule: Rule) -> Iterator[str]:
    """Yield hints on paths that often match more or less than is meant."""
    paths = rule.conditions.values.get("path", ())
    for path in paths:
        prefix = path.removesuffix("*")
        if prefix in ("/", path) or "*" in prefix or "?" in prefix:
            continue
        if prefix.endswith("/"):
            bare = prefix.removesuffix("/")
            if not any(patterns.covers(each, bare) for each in paths):
                yield f"{rule.title}: {path} doesn't match {bare}; add it if it is meant"
        else:
            yield f"{rule.title}: {path} also matches {prefix}x; {prefix} and {prefix}/* don't"
