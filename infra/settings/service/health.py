"""The load balancer, and how it tells which tasks can take requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.errors import Problem
from infra.settings.kinds import Text, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: Final = "[2-4][0-9]{2}(-[2-4][0-9]{2})?"


@dataclass(frozen=True, kw_only=True)
class LoadBalancingSettings:
    """Health checks and connections."""

    health_check_path: Annotated[
        str, Text(r"/[!-~]*", "a path that begins with / and has no spaces", longest=1024)
    ]
    health_check_codes: Annotated[
        str,
        Text(f"{_CODES}(,{_CODES})*", "HTTP codes from 200 to 499, like 200-399 or 200,301"),
    ]
    health_check_interval_seconds: Annotated[int, Whole(5, 300)]
    health_check_timeout_seconds: Annotated[int, Whole(2, 120)]
    healthy_threshold: Annotated[int, Whole(2, 10)]
    unhealthy_threshold: Annotated[int, Whole(2, 10)]
    idle_timeout_seconds: Annotated[int, Whole(1, 4000)]
    target_keep_alive_seconds: Annotated[int, Whole(1, 86_400)]
    client_keep_alive_seconds: Annotated[int, Whole(60, 604_800)]


def _check_ends_before_the_next(
    health_check_interval_seconds: int, health_check_timeout_seconds: int
) -> Iterator[Problem]:
    if health_check_timeout_seconds >= health_check_interval_seconds:
        yield Problem(
            "healthCheckTimeoutSeconds",
            f"{health_check_timeout_seconds}",
            f"less than healthCheckIntervalSeconds, {health_check_interval_seconds}",
        )


def _the_load_balancer_hangs_up_first(
    idle_timeout_seconds: int, target_keep_alive_seconds: int
) -> Iterator[Problem]:
    if idle_timeout_seconds >= target_keep_alive_seconds:
        yield Problem(
            "idleTimeoutSeconds",
            f"{idle_timeout_seconds}",
            f"less than targetKeepAliveSeconds, {target_keep_alive_seconds}: if the "
            "container hangs up first, "
            "a request that is just on its way is answered 502",
        )


def _ranges_of_codes_ascend(health_check_codes: str) -> Iterator[Problem]:
    ranges = (each.split("-") for each in health_check_codes.split(","))
    backward = ["-".join(each) for each in ranges if each[0] > each[-1]]
    if backward:
        yield Problem(
            "healthCheckCodes",
            ", ".join(backward),
            "ranges with the lower code first, like 200-399",
        )


RELATIONS = (
    _ranges_of_codes_ascend,
    _check_ends_before_the_next,
    _the_load_balancer_hangs_up_first,
)
