"""Conditions of listener rules: what they cover and have in common, and how they are split. Pure.

All conditions of a rule must hold; of the values of one, any. Source: Elastic Load Balancing, API
reference, RuleCondition: paths and methods match exactly, all other values whatever their case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from itertools import chain, product
from typing import TYPE_CHECKING, Final

from infra.aws.routes import patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VALUES_PER_RULE: Final = 5
WILDCARDS_PER_RULE: Final = 5
"""Source: quotas of Application Load Balancers; neither can be raised."""

HOST: Final = "host"
PATH: Final = "path"
METHOD: Final = "method"
SOURCE: Final = "source"
HEADER: Final = "header "
QUERY: Final = "query "
"""Kinds of conditions; a header's name, or a query parameter's, follows its kind."""

EVERYTHING: Final = "/*"
"""The path pattern that every request matches."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of a rule; without any, all requests match."""

    values: Mapping[str, tuple[str, ...]]
    """Values by kind: `host`, `path`, `method`, `source`, `header NAME`, `query NAME`."""

    @property
    def everything(self) -> bool:
        """Whether every request matches."""
        return all(_matches_all(kind, values) for kind, values in self.values.items())

    @property
    def fixed_characters(self) -> int:
        """How many characters of a request these conditions require, at least.

        Conditions that others cover require at least as many.
        """
        total = 0
        for kind, values in self.values.items():
            if not _matches_all(kind, values):
                total += min(_fixed(kind, each) for each in values)
        return total

    @property
    def exact(self) -> bool:
        """Whether no value has a `*`, which is any text."""
        return not any("*" in value for value in chain.from_iterable(self.values.values()))

    @property
    def text(self) -> str:
        """The conditions in words; the same for the same values in any order."""
        parts = []
        for kind in sorted(self.values):
            values = sorted(_comparable(kind, value) for value in self.values[kind])
            parts.append(f"{kind} is {' or '.join(values)}")
        return " and ".join(parts) or "every request"

    def covers(self, special: Conditions) -> bool:
        """Return whether all requests that match the other conditions match these.

        It compares value by value: two values that cover one only together aren't found.
        """
        for kind, values in self.values.items():
            if _matches_all(kind, values):
                continue
            if kind not in special.values:
                return False
            for theirs in special.values[kind]:
                if not any(_covers(kind, mine, theirs) for mine in values):
                    return False
        return True

    def in_common(self, other: Conditions) -> Conditions | None:
        """Return conditions of one request that matches both, without wildcards; None if none."""
        found: dict[str, tuple[str, ...]] = {}
        for kind in dict.fromkeys((*self.values, *other.values)):
            example = _common_value(kind, self.values.get(kind), other.values.get(kind))
            if example is None:
                return None
            found[kind] = (example,)
        return Conditions(found)

    def each_value(self) -> Iterator[Conditions]:
        """Yield conditions with one value of each kind; together they are these conditions."""
        for chosen in product(*self.values.values()):
            yield Conditions(
                {kind: (value,) for kind, value in zip(self.values, chosen, strict=True)}
            )

    def example(self, scheme: str, host: str) -> str:
        """Return a request that matches: a URL, and what else it needs.

        Args:
            scheme: `http` or `https`.
            host: The host where no condition requires one.
        """
        first = {kind: _example(kind, values[0]) for kind, values in self.values.items()}
        parameters = []
        headers = []
        for kind, value in first.items():
            if kind.startswith(QUERY):
                parameters.append(f"{kind.removeprefix(QUERY)}={value}")
            elif kind.startswith(HEADER):
                headers.append(f"{kind.removeprefix(HEADER)}: {value}")
        url = f"{scheme}://{first.get(HOST, host)}{first.get(PATH, '/')}"
        if parameters:
            url += f"?{'&'.join(parameters)}"
        method = [first[METHOD]] if METHOD in first else []
        source = [f"from {first[SOURCE]}"] if SOURCE in first else []
        details = ", ".join((*method, *headers, *source))
        return f"{url} ({details})" if details else url


def split(conditions: Conditions) -> list[Conditions]:
    """Split conditions so that each part fits into a rule, into as few parts as possible.

    Each part has some of the values of each kind, in their order.

    Raises:
        ValueError: No part can fit; it says why.
    """
    kinds = list(conditions.values)
    if len(kinds) > VALUES_PER_RULE:
        raise ValueError(
            f"{len(kinds)} kinds of conditions, where a rule has at most {VALUES_PER_RULE} values"
        )
    if _fit_into_a_rule(conditions):
        return [conditions]
    chunks = cache(_chunks)
    best: list[list[tuple[str, ...]]] | None = None
    max_values = [len(conditions.values[kind]) for kind in kinds]
    max_wildcards = [WILDCARDS_PER_RULE] * len(kinds)
    # Values and wildcards of a rule are limited separately. Every way to share both limits among
    # the kinds is tried; with at most five kinds there are few.
    for values in _shares(VALUES_PER_RULE, max_values, min_share=1):
        for wildcards in _shares(WILDCARDS_PER_RULE, max_wildcards, min_share=0):
            parts = []
            for kind, count, wild in zip(kinds, values, wildcards, strict=True):
                parts.append(chunks(kind, conditions.values[kind], count, wild))
            if not all(parts):
                continue  # some value alone is over its share
            # A rule has one part of each kind, and each combination needs a rule.
            if best is None or math.prod(map(len, parts)) < math.prod(map(len, best)):
                best = parts
    if best is None:
        raise ValueError(
            f"more than {WILDCARDS_PER_RULE} wildcards in one value of each kind together, where "
            f"a rule has at most {WILDCARDS_PER_RULE}"
        )
    return [Conditions(dict(zip(kinds, chosen, strict=True))) for chosen in product(*best)]


def _fit_into_a_rule(conditions: Conditions) -> bool:
    values = wildcards = 0
    for kind, of_kind in conditions.values.items():
        values += len(of_kind)
        wildcards += sum(_wildcards(kind, each) for each in of_kind)
    return values <= VALUES_PER_RULE and wildcards <= WILDCARDS_PER_RULE


def _shares(total: int, max_shares: Sequence[int], *, min_share: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to give each kind a share of a total, large shares first."""
    if not max_shares:
        yield ()
        return
    others = max_shares[1:]
    max_share = min(max_shares[0], total - min_share * len(others))
    for share in range(max_share, min_share - 1, -1):
        for rest in _shares(total - share, others, min_share=min_share):
            yield (share, *rest)


def _chunks(
    kind: str, values: tuple[str, ...], max_values: int, max_wildcards: int
) -> list[tuple[str, ...]]:
    """Return values in chunks within limits; nothing if one value alone is over them."""
    chunks: list[tuple[str, ...]] = []
    free_values = free_wildcards = 0
    for value in values:
        needed = _wildcards(kind, value)
        if needed > max_wildcards:
            return []
        if not free_values or needed > free_wildcards:
            chunks.append(())
            free_values, free_wildcards = max_values, max_wildcards
        chunks[-1] = (*chunks[-1], value)
        free_values -= 1
        free_wildcards -= needed
    return chunks


def _wildcards(kind: str, value: str) -> int:
    return patterns.wildcards(value) if _has_patterns(kind) else 0


def _matches_all(kind: str, values: Sequence[str]) -> bool:
    return kind == PATH and EVERYTHING in values


def _has_patterns(kind: str) -> bool:
    return kind not in (METHOD, SOURCE)


def _comparable(kind: str, value: str) -> str:
    """Return a value such that two match the same requests if they are equal."""
    return value if kind in (PATH, METHOD) else value.lower()


def _fixed(kind: str, value: str) -> int:
    if kind == METHOD:
        return 1
    if kind == SOURCE:
        network = ip_network(value)
        return 1 + network.prefixlen // (network.max_prefixlen // 4)
    # The condition itself counts: one with `*` excludes requests without that header.
    extra = 0 if kind in (HOST, PATH) else 1
    return extra + patterns.fixed_characters(value)


def _covers(kind: str, general: str, special: str) -> bool:
    if kind == METHOD:
        return general == special
    if kind == SOURCE:
        outer, inner = ip_network(general), ip_network(special)
        return (
            outer.version == inner.version
            and outer.prefixlen <= inner.prefixlen
            and outer.overlaps(inner)
        )
    return patterns.covers(_comparable(kind, general), _comparable(kind, special))


def _common_value(
    kind: str, mine: Sequence[str] | None, theirs: Sequence[str] | None
) -> str | None:
    """Return a value that matches one of each; None if there is none."""
    if mine is None or theirs is None:
        values = mine or theirs or ("",)
        return _example(kind, values[0])
    for one, other in product(mine, theirs):
        found = _common_of_two(kind, one, other)
        if found is not None:
            return found
    return None


def _common_of_two(kind: str, one: str, other: str) -> str | None:
    if kind == METHOD:
        return one if one == other else None
    if kind == SOURCE:
        for general, special in ((one, other), (other, one)):
            if _covers(kind, general, special):
                return _example(kind, special)
        return None
    found = patterns.common_example(_comparable(kind, one), _comparable(kind, other))
    return None if found is None else _completed(kind, found)


def _example(kind: str, value: str) -> str:
    if kind == METHOD:
        return value
    if kind == SOURCE:
        return str(ip_network(value)[0])
    return _completed(kind, patterns.example(_comparable(kind, value)))


def _completed(kind: str, text: str) -> str:
    """Return a shortest example with what a request has where a `*` matches nothing."""
    if kind == PATH and not text.startswith("/"):
        return f"/{text}"
    if kind == HOST:
        filled = text.replace("..", f".{patterns.FILLER}.")
        return f"{patterns.FILLER}{filled}" if filled.startswith(".") else filled
    return text
