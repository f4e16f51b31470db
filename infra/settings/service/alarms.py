"""The limits of a service's alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.settings.kinds import Flag, OrNone, Text, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.errors import Problem

_SECONDS: Final = Text(
    r"(0\.\d{0,2}[1-9]|0\.[1-9]\d{0,2}|[1-9]\d{0,3}(\.\d{1,3})?)",
    "a number of seconds above 0 and below 10000, with at most three decimals, like 0.5 or 2",
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

    def problems(self) -> Iterator[Problem]:
        """Check that limits of alarms, and what they do, are configured only with alarms."""
        yield from self._limits_are_used()

    @relation("alarms")
    def _limits_are_used(self) -> Iterator[Problem]:
        if not self.alarms:
            names = [name for name in self.kinds() if name != "alarms"]
            yield from self.without_effect(*names, allowed="only with alarms set to true")

    @property
    def latency_limit(self) -> float | None:
        """Seconds within which 95 of 100 requests are answered; None where nothing checks it."""
        if not (self.alarms and self.max_latency_seconds):
            return None
        return float(self.max_latency_seconds)
