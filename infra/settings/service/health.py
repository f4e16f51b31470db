"""The load balancer's health checks of a service's tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.kinds import Text, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODES: Final = "[2-4][0-9]{2}(-[2-4][0-9]{2})?"
_GRPC_CODES: Final = "[0-9]{1,2}(-[0-9]{1,2})?"


@dataclass(frozen=True, kw_only=True)
class HealthSettings(Topic):
    """The health check of a target group."""

    health_check_path: str = key(
        Text(r"/[!-~]*", "a path that begins with / and has no spaces", longest=1024)
    )
    health_check_codes: str = key(
        Text(
            f"{_CODES}(,{_CODES})*|{_GRPC_CODES}(,{_GRPC_CODES})*",
            "HTTP codes from 200 to 499, like 200-399 or 200,301; with targetProtocol GRPC codes "
            "of gRPC from 0 to 99, like 12 or 0-5",
        )
    )
    health_check_interval_seconds: int = key(Whole(5, 300))
    health_check_timeout_seconds: int = key(Whole(2, 120))
    healthy_threshold: int = key(Whole(2, 10))
    unhealthy_threshold: int = key(Whole(2, 10))

    def problems(self) -> Iterator[Problem]:
        """Check the codes, and that each check ends before the next one."""
        yield from self._ranges_of_codes_ascend()
        yield from self._checks_do_not_overlap()

    @property
    def codes_are_of_grpc(self) -> bool:
        """Whether the codes are those of gRPC, which have fewer digits."""
        return re.fullmatch(f"{_GRPC_CODES}(,.*)?", self.health_check_codes) is not None

    @relation("health_check_codes")
    def _ranges_of_codes_ascend(self) -> Iterator[Problem]:
        descending = []
        for codes in self.health_check_codes.split(","):
            first, _, last = codes.partition("-")
            if last and int(first) > int(last):
                descending.append(codes)
        if descending:
            yield Problem(
                "healthCheckCodes",
                ", ".join(descending),
                "ranges with the lower code first, like 200-399",
            )

    @relation("health_check_interval_seconds", "health_check_timeout_seconds")
    def _checks_do_not_overlap(self) -> Iterator[Problem]:
        if self.health_check_timeout_seconds >= self.health_check_interval_seconds:
            yield Problem(
                "healthCheckTimeoutSeconds",
                f"{self.health_check_timeout_seconds}",
                f"less than healthCheckIntervalSeconds, {self.health_check_interval_seconds}",
            )
