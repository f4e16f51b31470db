"""Rules of a listener: planned from services' routes, and analyzed before they exist. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infra.aws.routes import priorities
from infra.aws.routes.conditions import EVERYTHING, PATH, Conditions, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_RULES: Final = 100
MOST_GROUPS: Final = 100
"""Source: quotas of Application Load Balancers. Default rules don't count, attachments do."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Requests that a service gets."""

    service: str
    number: int = 0
    """Position among the routes of the service."""

    conditions: Conditions
    priority: int | None = None
    """Priority of its first rule; None for one that is derived from the conditions."""

    weights: Mapping[str, int] = field(default_factory=dict)
    """Weights of the services that the requests are split between; empty without a split."""

    @property
    def shares(self) -> Mapping[str, int]:
        """The weights of the services that get the requests."""
        return self.weights or {self.service: 1}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of a listener."""

    route: Route
    conditions: Conditions
    """The route's, or some of their values if a rule can't have them all."""

    priority: int

    @property
    def title(self) -> str:
        """The rule as messages name it."""
        return f"rule {self.priority} of {self.route.service} ({self.conditions.text})"


@dataclass(frozen=True)
class Finding:
    """Something about two rules of which the first is tried before the second."""

    first: Rule
    second: Rule
    example: Conditions
    """A request that matches both."""

    unreachable: bool
    """Whether some value of the second rule is never reached, instead of only an overlap."""


def plan(routes: Sequence[Route]) -> tuple[Rule, ...]:
    """Return the rules for routes, in the order in which a load balancer tries them.

    Raises:
        ValueError: A route's conditions don't fit into rules; it names the service and why.
    """
    rules: list[Rule] = []
    pending: list[tuple[Route, Conditions]] = []
    for route in routes:
        parts = [Conditions({PATH: (EVERYTHING,)})]
        if not route.conditions.everything:
            parts = split(route.conditions)
        for offset, part in enumerate(parts):
            if route.priority is not None:
                rules.append(Rule(route=route, conditions=part, priority=route.priority + offset))
            elif part.everything:
                rules.append(Rule(route=route, conditions=part, priority=priorities.LAST))
            else:
                pending.append((route, part))
    derived = priorities.derived(part for _, part in pending)
    for route, part in pending:
        rules.append(Rule(route=route, conditions=part, priority=derived[part.text]))
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def repeated(rules: Iterable[Rule]) -> list[tuple[Rule, ...]]:
    """Return rules that have the same priority: chosen twice, or for the same conditions."""
    by_priority: dict[int, list[Rule]] = {}
    for rule in rules:
        by_priority.setdefault(rule.priority, []).append(rule)
    return [tuple(same) for same in by_priority.values() if len(same) > 1]


def findings(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield what is never reached, and what only the order of the rules decides.

    An earlier rule that the later one covers is as intended: the special one comes first. Rules
    that forward to the same services by the same weights may overlap as well. Rules with the same
    priority are `repeated`.
    """
    for index, second in enumerate(rules):
        earlier = [rule for rule in rules[:index] if rule.priority != second.priority]
        yield from _findings_of(second, earlier)


def _findings_of(second: Rule, others: Sequence[Rule]) -> Iterator[Finding]:
    # Most rules have nothing in common.
    earlier = [rule for rule in others if rule.conditions.in_common(second.conditions)]
    for value in second.conditions.each_value():
        for first in earlier:
            if first.conditions.covers(value):
                example = first.conditions.in_common(value)
                assert example is not None, "what is covered has something in common"
                yield Finding(first, second, example, unreachable=True)
                break
    for first in earlier:
        same = first.route.shares == second.route.shares
        example = None if same else _contested(first, second)
        if example is not None:
            yield Finding(first, second, example, unreachable=False)


def _contested(first: Rule, second: Rule) -> Conditions | None:
    """Return a request that matches both rules for values of which none covers the other."""
    for one in first.conditions.each_value():
        if second.conditions.covers(one):
            continue
        for other in second.conditions.each_value():
            example = None if first.conditions.covers(other) else one.in_common(other)
            if example is not None:
                return example
    return None
