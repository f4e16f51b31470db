"""Evaluate an alarm: its last points -> the state that they result in, if any. Pure.

Source: CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat
missing data", whose tables are tests. The reasons have the words of real alarms' StateReason.
"""

from __future__ import annotations

import operator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from localaws.alarms.model import Decision, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from localaws.alarms.model import Alarm, Point

INITIAL: Final = Decision(State.INSUFFICIENT_DATA, "Unchecked: Initial alarm creation")

_OPERATORS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
COMPARISONS: Final = frozenset(_OPERATORS)
_FILLED: Final = frozenset({"breaching", "notBreaching"})
"""Ways to treat missing data that make points of it."""

_SHOWN: Final = 5
"""Points that a reason lists at most; CloudWatch's own limit isn't published."""


def evaluate(alarm: Alarm, points: Sequence[Point | None]) -> Decision | None:
    """Return what an alarm's points result in; None if its state is to stay.

    Args:
        alarm: The alarm.
        points: Those of its evaluation range, the newest last; None for a missing one.
    """
    real = [point for point in points if point is not None]
    recent = real[-alarm.periods :]
    breaching = [point for point in recent if _breaches(alarm, point)]
    lacking = alarm.periods - len(recent)
    filled = lacking if alarm.missing in _FILLED else 0
    all_breach_and_are_few = len(breaching) == len(recent) < alarm.to_alarm
    if filled or not lacking or not all_breach_and_are_few:
        return _judged(alarm, recent, breaching, filled)
    if alarm.missing == "ignore":
        return None
    if not recent:
        words = f"Insufficient Data: {_unknown(alarm.periods)}."
        return Decision(State.INSUFFICIENT_DATA, words)
    oldest = next(index for index, point in enumerate(points) if point is not None)
    if len(points) - oldest >= alarm.to_alarm:
        return Decision(State.ALARM, _reason(alarm, breaching, State.ALARM, 0))
    # The next point may be within the threshold: nothing changes before this one is old enough.
    return None


def _breaches(alarm: Alarm, point: Point) -> bool:
    compare, _ = _OPERATORS[alarm.comparison]
    return compare(point.value, alarm.threshold)


def _judged(
    alarm: Alarm, recent: Sequence[Point], breaching: Sequence[Point], filled: int
) -> Decision:
    """Decide by all points, of which some are filled in as the alarm says."""
    as_breaching = filled if alarm.missing == "breaching" else 0
    state = State.ALARM if len(breaching) + as_breaching >= alarm.to_alarm else State.OK
    crossing = [point for point in recent if (point in breaching) == (state is State.ALARM)]
    return Decision(state, _reason(alarm, crossing, state, filled))


def _reason(alarm: Alarm, crossing: Sequence[Point], state: State, filled: int) -> str:
    parts: list[str] = []
    if crossing:
        parts.append(_crossed(alarm, crossing, state))
    elif filled:
        plural = "" if alarm.periods == 1 else "s"
        parts.append(f"no datapoints were received for {alarm.periods} period{plural}")
    if filled:
        kind = "Breaching" if alarm.missing == "breaching" else "NonBreaching"
        were = "datapoint was" if filled == 1 else "datapoints were"
        parts.append(f"{filled} missing {were} treated as [{kind}]")
    return f"Threshold Crossed: {' and '.join(parts)}."


def _crossed(alarm: Alarm, points: Sequence[Point], state: State) -> str:
    _, words = _OPERATORS[alarm.comparison]
    shown = ", ".join(f"{point.value!r} ({_moment(point.at)})" for point in points[::-1][:_SHOWN])
    is_not = "" if state is State.ALARM else "not "
    were = "was" if len(points) == 1 else "were"
    compared = f"[{shown}] {were} {is_not}{words} the threshold ({alarm.threshold!r})"
    if not alarm.says_to_alarm:
        return f"{_datapoints(len(points))} {compared}"
    if state is State.ALARM:
        least, change = alarm.to_alarm, "OK -> ALARM"
    else:
        least, change = alarm.periods - alarm.to_alarm + 1, "ALARM -> OK"
    return (
        f"{len(points)} out of the last {alarm.periods} datapoints {compared} "
        f"(minimum {_datapoints(least)} for {change} transition)"
    )


def _datapoints(count: int) -> str:
    return f"{count} datapoint{'' if count == 1 else 's'}"


def _unknown(count: int) -> str:
    return f"{_datapoints(count)} {'was' if count == 1 else 'were'} unknown"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")
