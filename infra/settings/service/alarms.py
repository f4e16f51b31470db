"""What a service's users feel, and from when on it is an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.defaults import default
from infra.settings.kinds import Flag, OrNone, Text, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS: Final = Text(
    r"(0\.\d{0,2}[1-9]|0\.[1-9]\d{0,2}|[1-9]\d{0,3}(\.\d{1,3})?)",
    "a number of seconds with at most three decimals, like 0.5 or 2",
)

_MOST_PERCENT: Final = 99
"""The alarm is on more than the limit, and no share is more than 100 %."""


@dataclass(frozen=True, kw_only=True)
class AlarmSettings(Topic):
    """The limits of a service's alarms, and whether they roll its deployments back."""

    alarms: bool = key(Flag())
    max_error_percent: int = key(Whole(1, _MOST_PERCENT))
    max_latency_seconds: str | None = key(OrNone(_SECONDS, "empty for no alarm"))
    rollback_on_alarms: bool = key(Flag())

    @property
    def latency_limit(self) -> float | None:
        """Seconds within which 95 of 100 requests are answered; None where nothing checks it."""
        return float(self.max_latency_seconds) if self.max_latency_seconds else None

    def problems(self) -> Iterator[Problem]:
        """Check that limits belong to alarms."""
        yield from self._limits_belong_to_alarms()

    @relation("alarms", "max_error_percent", "max_latency_seconds", "rollback_on_alarms")
    def _limits_belong_to_alarms(self) -> Iterator[Problem]:
        if self.alarms:
            return
        usual = default("maxErrorPercent")
        if self.max_error_percent != usual:
            yield Problem(
                "maxErrorPercent", f"{self.max_error_percent}", f"{usual}, or alarms set to true"
            )
        if self.max_latency_seconds:
            yield Problem(
                "maxLatencySeconds", self.max_latency_seconds, "empty, or alarms set to true"
            )
        if self.rollback_on_alarms:
            yield Problem("rollbackOnAlarms", "true", "false, or alarms set to true")
