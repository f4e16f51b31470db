"""Who may reach the load balancer, what is turned away, and what is written down about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.allowed import Choice, Flag, Range, Texts, Whole
from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_RANGES: Final = 30
"""A security group takes 60 rules, and each range may need one for each of two ports. Source: Amazon VPC's quotas."""


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """The edge of the stack."""

    internal: Annotated[bool, Flag()]
    allowed_cidrs: Annotated[tuple[str, ...], Texts(Range())]
    access_logs: Annotated[bool, Flag()]
    access_log_retention_days: Annotated[int, Whole(1, 3653)]
    empty_logs_on_destroy: Annotated[bool, Flag()]
    waf: Annotated[str, Choice(("none", "count", "block"))]


def _ranges_are_few_and_named_once(allowed_cidrs: tuple[str, ...]) -> Iterator[Problem]:
    twins = [cidr for cidr, count in Counter(allowed_cidrs).items() if count > 1]
    if twins:
        yield Problem("allowedCidrs", ", ".join(twins), "each range once")
    if len(allowed_cidrs) > _MOST_RANGES:
        yield Problem(
            "allowedCidrs",
            f"{len(allowed_cidrs)} of them",
            f"at most {_MOST_RANGES}, for which a security group has room",
        )


RELATIONS = (_ranges_are_few_and_named_once,)
