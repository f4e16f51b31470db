"""Who may reach the load balancer, what is turned away, and what is written down about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.errors import Problem
from infra.settings.kinds import Choice, Flag, Range, Texts, Whole, twins

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_RANGES: Final = 30
"""A security group takes 60 rules, and each range may need one for each of two ports. Source:
Amazon VPC's quotas.
"""


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
    if again := twins(allowed_cidrs):
        yield Problem("allowedCidrs", ", ".join(again), "each range once")
    if len(allowed_cidrs) > _MOST_RANGES:
        yield Problem(
            "allowedCidrs",
            f"{len(allowed_cidrs)} of them",
            f"at most {_MOST_RANGES}, for which a security group has room",
        )


def _ipv6_clients_have_a_way_in(
    allowed_cidrs: tuple[str, ...], *, internal: bool, dual_stack: bool
) -> Iterator[Problem]:
    ipv6 = [cidr for cidr in allowed_cidrs if ":" in cidr]
    if ipv6 and (internal or not dual_stack):
        yield Problem(
            "allowedCidrs",
            ", ".join(ipv6),
            "IPv4 ranges, unless the load balancer has dualStack and isn't internal",
        )


RELATIONS = (_ranges_are_few_and_named_once, _ipv6_clients_have_a_way_in)
