"""How many tasks a service has as its load changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.kinds import MapsByName, Text, Whole
from infra.settings.topic import Configuration, Topic, camel, key, relation, unknown_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_TASKS: Final = 5000
_COOLDOWN: Final = Whole(0, 3600)
_PERCENT: Final = Whole(0, 100)
_SCHEDULE: Final = Text(
    r"(at|rate|cron)\([^()]{1,200}\)",
    "cron(minutes hours day month weekday year), rate(5 minutes) or at(2027-01-01T08:00:00)",
)
_ZONE: Final = Text(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", "a time zone's name, like Asia/Tokyo")
_FORM: Final = (
    "a map, each name an action's, each value a map of schedule and, each optional, timezone, "
    "minCount and maxCount"
)
_DEFAULTS: Final = {"timezone": "UTC", "minCount": "-1", "maxCount": "-1"}
_KEYS: Final = ("schedule", *_DEFAULTS)
_UNCHANGED: Final = -1


@dataclass(frozen=True, kw_only=True)
class ScheduledBounds(Topic):
    """Bounds that hold from certain moments on."""

    schedule: str = key(_SCHEDULE)
    timezone: str = key(_ZONE)
    min_count: int = key(Whole(_UNCHANGED, _MOST_TASKS))
    max_count: int = key(Whole(_UNCHANGED, _MOST_TASKS))

    @classmethod
    def of(cls, name: str, texts: Mapping[str, str]) -> ScheduledBounds:
        """Read the scheduled bounds of that name."""
        paths = {each: f"schedules.{name}.{each}" for each in _KEYS}
        return cls.read(Configuration(texts={**_DEFAULTS, **texts}, paths=paths))

    @property
    def minimum(self) -> int | None:
        """The least number of tasks; None where it stays."""
        return None if self.min_count == _UNCHANGED else self.min_count

    @property
    def maximum(self) -> int | None:
        """The most tasks; None where it stays."""
        return None if self.max_count == _UNCHANGED else self.max_count


@dataclass(frozen=True, kw_only=True)
class ScalingSettings(Topic):
    """Bounds of the number of tasks, and what it follows within them."""

    min_count: int = key(Whole(1, _MOST_TASKS))
    # 0 is no scaling.
    max_count: int = key(Whole(0, _MOST_TASKS))
    target_cpu_percent: int = key(_PERCENT)
    target_memory_percent: int = key(_PERCENT)
    target_requests_per_minute: int = key(Whole(0, 1_000_000))
    scale_in_cooldown_seconds: int = key(_COOLDOWN)
    scale_out_cooldown_seconds: int = key(_COOLDOWN)
    schedules: dict[str, dict[str, str]] = key(MapsByName(form=_FORM))

    @property
    def on(self) -> bool:
        """Whether the number of tasks is scaled."""
        return self.max_count > 0

    @cached_property
    def actions(self) -> Mapping[str, ScheduledBounds]:
        """The scheduled changes of the bounds, by name."""
        found: dict[str, ScheduledBounds] = {}
        for name, texts in (self.schedules or {}).items():
            found[name] = ScheduledBounds.of(name, texts)
        return found

    def within(self, count: int) -> int:
        """Return the number of tasks that a service begins with."""
        return min(max(count, self.min_count), self.max_count) if self.on else count

    def problems(self) -> Iterator[Problem]:
        """Check that the bounds are in order, and that something moves the count within them."""
        yield from self._bounds_are_in_order()
        yield from self._something_scales()
        yield from self._targets_belong_to_bounds()
        yield from self._schedules_can_be_read()

    @relation("min_count", "max_count")
    def _bounds_are_in_order(self) -> Iterator[Problem]:
        if self.on and self.min_count > self.max_count:
            yield Problem(
                "maxCount",
                f"{self.max_count}",
                f"at least minCount, {self.min_count}; or 0 for a fixed number of tasks",
            )

    @relation(
        *("max_count", "schedules"),
        *("target_cpu_percent", "target_memory_percent", "target_requests_per_minute"),
    )
    def _something_scales(self) -> Iterator[Problem]:
        if self.on and not (self._targets or self.schedules):
            yield Problem(
                "maxCount",
                f"{self.max_count}",
                "0, or with it targetCpuPercent, targetMemoryPercent, targetRequestsPerMinute or "
                "schedules, which the number of tasks follows",
            )

    @relation(
        *("max_count", "schedules"),
        *("target_cpu_percent", "target_memory_percent", "target_requests_per_minute"),
    )
    def _targets_belong_to_bounds(self) -> Iterator[Problem]:
        if self.on:
            return
        for name, value in (*self._targets.items(), ("schedules", ", ".join(self.schedules))):
            if value:
                yield Problem(
                    name, f"{value}", "none without maxCount, the most tasks that it may start"
                )

    @property
    def _targets(self) -> dict[str, int]:
        """The targets that are set, by key."""
        names = ("target_cpu_percent", "target_memory_percent", "target_requests_per_minute")
        return {camel(name): getattr(self, name) for name in names if getattr(self, name)}

    @relation("schedules")
    def _schedules_can_be_read(self) -> Iterator[Problem]:
        for name, texts in self.schedules.items():
            where = f"schedules.{name}"
            yield from unknown_keys(where, texts, _KEYS)
            action = self.actions[name]
            yield from action.unread.values()
            if action.unread:
                continue
            least, most = action.minimum, action.maximum
            if least is None and most is None:
                yield Problem(where, "no bounds", "minCount, maxCount, or both")
            elif least is not None and most is not None and least > most:
                yield Problem(
                    f"{where}.maxCount", f"{most}", f"at least minCount of the same, {least}"
                )
