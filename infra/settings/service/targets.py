"""How a load balancer chooses among a service's tasks, and speaks to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.kinds import Choice, OrNone, Text, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.service.health import HealthSettings

_ROUND_ROBIN: Final = "round_robin"
_SHORTEST_SLOW_START: Final = 30
_WEEK: Final = 604_800

HTTP1: Final = "HTTP1"
GRPC: Final = "GRPC"


@dataclass(frozen=True, kw_only=True)
class TargetSettings(Topic):
    """The attributes of a target group."""

    target_protocol: str = key(Choice((HTTP1, "HTTP2", GRPC)))
    load_balancing_algorithm: str = key(
        Choice((_ROUND_ROBIN, "least_outstanding_requests", "weighted_random"))
    )
    slow_start_seconds: int = key(Whole(0, 900))
    stickiness_seconds: int = key(Whole(0, _WEEK))
    stickiness_cookie: str | None = key(
        OrNone(
            Text(
                r"(?!AWSALB)[!#$%&'*+.^_`~0-9A-Za-z-]+",
                "the name of the service's own cookie, which doesn't begin with AWSALB",
            ),
            "empty for a cookie of the load balancer",
        )
    )

    def problems(self) -> Iterator[Problem]:
        """Check attributes that exclude each other, or have no effect without another one."""
        yield from self._slow_start_is_possible()
        yield from self._cookie_has_a_duration()

    @relation("stickiness_seconds")
    def _cookie_has_a_duration(self) -> Iterator[Problem]:
        if not self.stickiness_seconds:
            yield from self.without_effect(
                "stickiness_cookie",
                allowed="only with stickinessSeconds, for which a client keeps its task",
            )

    @relation("slow_start_seconds", "load_balancing_algorithm")
    def _slow_start_is_possible(self) -> Iterator[Problem]:
        if 0 < self.slow_start_seconds < _SHORTEST_SLOW_START:
            yield Problem(
                "slowStartSeconds",
                f"{self.slow_start_seconds}",
                f"0 for none, or from {_SHORTEST_SLOW_START} to 900",
            )
        if self.slow_start_seconds and self.load_balancing_algorithm != _ROUND_ROBIN:
            yield Problem(
                "slowStartSeconds",
                f"{self.slow_start_seconds} with {self.load_balancing_algorithm}",
                f"only with loadBalancingAlgorithm {_ROUND_ROBIN}, as AWS refuses it with others",
            )


@relation("target_protocol", "health_check_codes")
def health_checks_suit_the_protocol(
    targets: TargetSettings, health: HealthSettings
) -> Iterator[Problem]:
    """Check that health checks expect codes of the protocol that tasks speak."""
    grpc = targets.target_protocol == GRPC
    if health.codes_are_of_grpc != grpc:
        kind = "gRPC from 0 to 99, like 12" if grpc else "HTTP from 200 to 499, like 200-399"
        yield Problem(
            "healthCheckCodes",
            health.health_check_codes,
            f"with targetProtocol {targets.target_protocol} codes of {kind}",
        )
