"""The load balancer: its clients, their connections, its firewall and its access log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.collection_kinds import ListOf
from infra.settings.kinds import Choice, Flag, IpRange, Whole
from infra.settings.topic import Topic, key, relation
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_RANGES: Final = 30
"""A security group takes 60 rules, and each range may need one for each of two ports. Source:
Amazon VPC's quotas.
"""


@dataclass(frozen=True, kw_only=True)
class EdgeSettings(Topic):
    """The load balancer."""

    internal: bool = key(Flag())
    allowed_cidrs: tuple[str, ...] = key(ListOf(IpRange()))
    idle_timeout_seconds: int = key(Whole(1, 4000))
    client_keep_alive_seconds: int = key(Whole(60, 604_800))
    access_logs: bool = key(Flag())
    access_log_retention_days: int = key(Whole(1, 3653))
    empty_logs_on_destroy: bool = key(Flag())
    waf: str | None = key(Choice(("none", "count", "block"), none="none"))

    def problems(self) -> Iterator[Problem]:
        """Check the ranges of the clients, and what there is of an access log."""
        yield from self._ranges_fit_into_a_security_group()
        yield from self._access_log_uses_its_keys()

    @relation("allowed_cidrs")
    def _ranges_fit_into_a_security_group(self) -> Iterator[Problem]:
        if repeated := duplicates(self.allowed_cidrs):
            yield Problem("allowedCidrs", ", ".join(repeated), "each range once")
        if len(self.allowed_cidrs) > _MOST_RANGES:
            yield Problem(
                "allowedCidrs",
                f"{len(self.allowed_cidrs)} of them",
                f"at most {_MOST_RANGES}, whose rules fit into a security group",
            )

    @relation("access_logs", "access_log_retention_days", "empty_logs_on_destroy")
    def _access_log_uses_its_keys(self) -> Iterator[Problem]:
        if not self.access_logs:
            yield from self.without_effect(
                "access_log_retention_days",
                "empty_logs_on_destroy",
                allowed="only with accessLogs true",
            )
