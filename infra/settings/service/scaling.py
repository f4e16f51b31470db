"""How many tasks a service has as its load changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from infra.errors import Problem
from infra.settings.collection_kinds import MapsByName
from infra.settings.kinds import OrNone, Text, Whole
from infra.settings.topic import Entry, Topic, camel, entry_problems, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.values import Texts

_MOST_TASKS: Final = 5000
_COOLDOWN: Final = Whole(0, 3600)
_PERCENT: Final = Whole(0, 100)
_MINUTE: Final = r"[0-5]?\d"
_HOUR: Final = r"[01]?\d|2[0-3]"
_DAY: Final = r"0?[1-9]|[12]\d|3[01]"
_MONTH: Final = r"0?[1-9]|1[0-2]"
_MONTHS: Final = f"{_MONTH}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_WEEKDAYS: Final = "[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT"
_YEAR: Final = r"19[7-9]\d|2[01]\d\d"


def _field(value: str, special: str = "") -> str:
    """Return the pattern of a field of `cron`: values, ranges and steps, with commas."""
    item = rf"(?:(?:\*|(?:{value})(?:-(?:{value}))?)(?:/[1-9]\d*)?{special})"
    return f"{item}(?:,{item})*"


def _cron() -> str:
    """Return the pattern of `cron`, in which one of the two days is `?`."""
    day = _field(_DAY, rf"|L|LW|(?:{_DAY})W")
    weekday = _field(_WEEKDAYS, rf"|L|(?:{_WEEKDAYS})(?:L|#[1-5])")
    month = _field(_MONTHS)
    days = rf"(?:{day} +{month} +\?|\? +{month} +{weekday})"
    return rf"cron\({_field(_MINUTE)} +{_field(_HOUR)} +{days} +{_field(_YEAR)}\)"


_AT: Final = rf"at\((?:{_YEAR})-(?:{_MONTH})-(?:{_DAY})T(?:{_HOUR}):{_MINUTE}:{_MINUTE}\)"
_RATE: Final = r"rate\([1-9]\d{0,5} (?:minute|hour|day)s?\)"
_SCHEDULE: Final = Text(
    f"{_cron()}|{_RATE}|{_AT}",
    "cron(minutes hours day month weekday year) with ? for one of the two days, rate(5 minutes) "
    "or at(2027-01-01T08:00:00)",
)
"""Source: Application Auto Scaling User Guide, cron expressions."""

_ACTION: Final = Text(
    "[A-Za-z0-9_-]{1,100}", "at most 100 letters, digits, hyphens and underscores"
)
_ZONE: Final = Text(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", "a time zone's name, like Asia/Tokyo")
_FORM: Final = (
    "a map, each name an action's, each value a map of schedule and, each optional, timezone, "
    "minCount and maxCount"
)
_USUAL_ZONE: Final = "UTC"
_BOUND: Final = OrNone(Whole(0, _MOST_TASKS), "empty where it stays")


@cache
def _zones() -> set[str]:
    """Return the names of time zones, for which 600 files are opened."""
    from zoneinfo import available_timezones  # noqa: PLC0415 — only a stack with schedules needs it

    return available_timezones()


@dataclass(frozen=True, kw_only=True)
class ScheduledBounds(Entry):
    """Bounds that hold from certain moments on."""

    defaults: ClassVar[Mapping[str, str]] = {
        "timezone": _USUAL_ZONE,
        "minCount": "",
        "maxCount": "",
    }

    schedule: str = key(_SCHEDULE)
    timezone: str = key(_ZONE)
    min_count: int | None = key(_BOUND)
    max_count: int | None = key(_BOUND)

    def problems(self) -> Iterator[Problem]:
        """Check the time zone, and that there are bounds in order."""
        yield from self._zone_is_known()
        yield from self._zone_is_used()
        yield from self._bounds_are_in_order()

    @relation("timezone")
    def _zone_is_known(self) -> Iterator[Problem]:
        zones = _zones()
        # A machine without a database of time zones leaves the check to AWS.
        if zones and self.timezone not in zones:
            yield Problem("timezone", self.timezone, _ZONE.allowed)

    @relation("schedule", "timezone")
    def _zone_is_used(self) -> Iterator[Problem]:
        if self.schedule.startswith("rate") and self.timezone != _USUAL_ZONE:
            yield Problem(
                "timezone",
                f"{self.timezone}, which has no effect",
                f"only with cron or at; {self.schedule} has no time of the day",
            )

    @relation("min_count", "max_count")
    def _bounds_are_in_order(self) -> Iterator[Problem]:
        minimum, maximum = self.min_count, self.max_count
        if minimum is None and maximum is None:
            yield Problem("", "no bounds", "minCount, maxCount, or both")
        if minimum is not None and maximum is not None and minimum > maximum:
            yield Problem("maxCount", f"{maximum}", f"at least minCount of the same, {minimum}")


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
    schedules: Mapping[str, Texts | None] = key(MapsByName(form=_FORM))

    @property
    def on(self) -> bool:
        """Whether the number of tasks is scaled."""
        return self.max_count > 0

    @property
    def targets(self) -> dict[str, int]:
        """The targets that are set, by key."""
        names = ("target_cpu_percent", "target_memory_percent", "target_requests_per_minute")
        return {camel(name): getattr(self, name) for name in names if getattr(self, name)}

    @cached_property
    def actions(self) -> Mapping[str, ScheduledBounds]:
        """The scheduled changes of the bounds, by name."""
        found: dict[str, ScheduledBounds] = {}
        for name, texts in (self.schedules or {}).items():
            found[name] = ScheduledBounds.of(f"schedules.{name}", texts)
        return found

    def within(self, count: int) -> int:
        """Return the number of tasks that a service begins with."""
        return min(max(count, self.min_count), self.max_count) if self.on else count

    def problems(self) -> Iterator[Problem]:
        """Check that the bounds are in order, and that something moves the count within them."""
        yield from self._bounds_are_in_order()
        yield from self._something_scales()
        yield from self._schedules_can_be_read()
        yield from self._keys_are_used()

    @relation("max_count")
    def _keys_are_used(self) -> Iterator[Problem]:
        if not self.on:
            names = [name for name in self.kinds() if name != "max_count"]
            yield from self.without_effect(
                *names, allowed="only with maxCount, the most tasks that scaling may start"
            )

    @relation("min_count", "max_count")
    def _bounds_are_in_order(self) -> Iterator[Problem]:
        if self.on and self.min_count > self.max_count:
            yield Problem(
                "maxCount",
                f"{self.max_count}",
                f"at least minCount, {self.min_count}; or 0 for a fixed number of tasks",
            )

    @relation(
        "max_count",
        "schedules",
        "target_cpu_percent",
        "target_memory_percent",
        "target_requests_per_minute",
    )
    def _something_scales(self) -> Iterator[Problem]:
        if self.on and not (self.targets or self.schedules):
            yield Problem(
                "maxCount",
                f"{self.max_count}",
                "0, or with it targetCpuPercent, targetMemoryPercent, targetRequestsPerMinute or "
                "schedules, which the number of tasks follows",
            )

    @relation("schedules")
    def _schedules_can_be_read(self) -> Iterator[Problem]:
        yield from entry_problems("schedules", self.schedules, self.actions, _ACTION)
