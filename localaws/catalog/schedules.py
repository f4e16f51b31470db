"""Schedules of Application Auto Scaling: `cron(…)`, `rate(…)` and `at(…)`. Pure.

Source: Application Auto Scaling User Guide, "Cron expressions": six fields (minutes, hours, day of
the month, month, day of the week, year), of which one of the two days is `?`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMS: Final = "at(yyyy-mm-ddThh:mm:ss), rate(VALUE minutes|hours|days) or cron(FIELDS)"
_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_YEAR: Final = 2199
_LONGEST_SEARCH: Final = 366 * 8
"""Days after which a schedule counts as one that never comes: 29 February comes within eight years.
"""


class BadScheduleError(ValueError):
    """An expression is no schedule; the message says why."""


@dataclass(frozen=True)
class Schedule:
    """When an action is due."""

    zone: ZoneInfo
    at: datetime | None = None
    every: timedelta | None = None
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] | None = None
    """Days of the month, None for `?`."""

    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] | None = None
    """1 is Sunday; None for `?`."""

    years: frozenset[int] = frozenset()

    def next_after(self, moment: datetime, since: datetime) -> datetime | None:
        """Return when the action is due next, or None if never.

        Args:
            moment: It is due after this.
            since: When the action was made, from which a rate counts.
        """
        if self.at is not None:
            due = self.at.replace(tzinfo=self.zone)
            return due if due > moment else None
        if self.every is not None:
            passed = max((moment - since) // self.every, 0)
            return since + (passed + 1) * self.every
        return self._next_of_cron(moment.astimezone(self.zone))

    def _next_of_cron(self, moment: datetime) -> datetime | None:
        for offset in range(_LONGEST_SEARCH):
            day = (moment + timedelta(days=offset)).date()
            if not self._is_on(day.year, day.month, day.day, day.isoweekday() % 7 + 1):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                    if due.astimezone(UTC) > moment.astimezone(UTC):
                        return due
        return None

    def _is_on(self, year: int, month: int, day: int, weekday: int) -> bool:
        return (
            year in self.years
            and month in self.months
            and (self.days is None or day in self.days)
            and (self.weekdays is None or weekday in self.weekdays)
        )


def schedule(expression: str, zone: str = "UTC") -> Schedule:
    """Parse a schedule.

    Args:
        expression: Such as `cron(0 8 ? * MON-FRI *)`.
        zone: An IANA name of a time zone, for `cron` and `at`.

    Raises:
        BadScheduleError: It is none.
    """
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadScheduleError(f"the time zone {zone} isn't known; Asia/Tokyo is one") from None
    found = re.fullmatch(r"(at|rate|cron)\((.*)\)", expression.strip())
    if found is None:
        raise BadScheduleError(f"{expression} isn't {_FORMS}")
    kind, inside = found.groups()
    if kind == "at":
        return Schedule(where, at=_moment(inside))
    if kind == "rate":
        return Schedule(where, every=_period(inside))
    fields = inside.split()
    if len(fields) != 6:  # noqa: PLR2004 — AWS's cron has a year
        raise BadScheduleError(
            f"cron({inside}) has {len(fields)} fields; minutes, hours, day of the month, month, "
            "day of the week and year are needed"
        )
    if [fields[2], fields[4]].count("?") != 1:
        raise BadScheduleError(
            f"cron({inside}): exactly one of day of the month and day of the week must be ?"
        )
    minutes, hours, days, months, weekdays, years = fields
    return Schedule(
        where,
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        days=None if days == "?" else _values(days, 1, 31),
        months=_values(months, 1, 12, _MONTHS),
        weekdays=None if weekdays == "?" else _values(weekdays, 1, 7, _DAYS),
        years=_values(years, 1970, _LAST_YEAR),
    )


def _moment(inside: str) -> datetime:
    try:
        return datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 — the zone follows
    except ValueError:
        raise BadScheduleError(f"at({inside}) must be at(yyyy-mm-ddThh:mm:ss)") from None


def _period(inside: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,5}) (minute|hour|day)s?", inside)
    if found is None:
        raise BadScheduleError(f"rate({inside}) must be like rate(5 minutes)")
    return int(found[1]) * timedelta(**{f"{found[2]}s": 1})


def _values(field: str, low: int, high: int, names: Sequence[str] = ()) -> frozenset[int]:
    """Parse a field of a cron expression: `*`, `5`, `1-5`, `0/15`, `MON-FRI`, with commas."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _value(first, field, low, names)
            end = _value(last, field, low, names) if dash else (high if step else start)
        every = int(step) if step.isdecimal() else 0
        if (step and not every) or not low <= start <= end <= high:
            raise BadScheduleError(f"{field} isn't a list of {low} to {high} in a cron expression")
        found.update(range(start, end + 1, every or 1))
    return frozenset(found)


def _value(word: str, field: str, low: int, names: Sequence[str]) -> int:
    if word.upper() in names:
        return names.index(word.upper()) + low
    if not word.isdecimal():
        forms = "L, W and # aren't supported here" if re.search(r"[LW#]", word) else "no number"
        raise BadScheduleError(f"{field} in a cron expression: {forms}")
    return int(word)
