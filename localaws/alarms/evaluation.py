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
    # Real points first: those of the extra range replace missing ones of the evaluation periods.
    present = [point for point in points if point is not None]
    recent = present[-alarm.evaluation_periods :]
    breaching = [point for point in recent if _breaches(alarm, point)]
    missing = alarm.evaluation_periods - len(recent)
    if missing == 0:
        return _decide(alarm, recent, breaching, filled=0)
    if alarm.missing_data in _FILLED:
        return _decide(alarm, recent, breaching, filled=missing)
    if len(breaching) < len(recent) or len(breaching) >= alarm.datapoints_to_alarm:
        # One point within the threshold, or enough that breach it, decide without the others.
        return _decide(alarm, recent, breaching, filled=0)
    if alarm.missing_data == "ignore":
        return None
    return _decide_by_few(alarm, points, breaching)


def _decide_by_few(
    alarm: Alarm, points: Sequence[Point | None], breaching: Sequence[Point]
) -> Decision | None:
    """Decide by fewer points than the alarm needs, all of which breach its threshold."""
    if not breaching:
        words = f"Insufficient Data: {_unknown(alarm.evaluation_periods)}."
        return Decision(State.INSUFFICIENT_DATA, words)
    if _age_of_oldest(points) >= alarm.datapoints_to_alarm:
        return Decision(State.ALARM, _reason(alarm, breaching, State.ALARM, filled=0))
    # The next point may be within the threshold: nothing changes before this one is old enough.
    return None


def _age_of_oldest(points: Sequence[Point | None]) -> int:
    """Return how many periods ago the oldest point began, counting its own."""
    for index, point in enumerate(points):
        if point is not None:
            return len(points) - index
    return 0


def _breaches(alarm: Alarm, point: Point) -> bool:
    compare, _ = _OPERATORS[alarm.comparison]
    return compare(point.value, alarm.threshold)


def _decide(
    alarm: Alarm, recent: Sequence[Point], breaching: Sequence[Point], *, filled: int
) -> Decision:
    """Return ALARM if enough points breach the threshold, else OK.

    Args:
        alarm: The alarm.
        recent: Its newest points.
        breaching: Those of them that breach the threshold.
        filled: How many missing points count as the alarm treats missing data.
    """
    breaches = len(breaching) + (filled if alarm.missing_data == "breaching" else 0)
    if breaches >= alarm.datapoints_to_alarm:
        return Decision(State.ALARM, _reason(alarm, breaching, State.ALARM, filled=filled))
    within = [point for point in recent if point not in breaching]
    return Decision(State.OK, _reason(alarm, within, State.OK, filled=filled))


def _reason(alarm: Alarm, crossing: Sequence[Point], state: State, *, filled: int) -> str:
    """Return StateReason for a state that the *crossing* points and filled-in ones result in."""
    parts: list[str] = []
    if crossing:
        parts.append(_crossed(alarm, crossing, state))
    elif filled:
        plural = "" if alarm.evaluation_periods == 1 else "s"
        parts.append(f"no datapoints were received for {alarm.evaluation_periods} period{plural}")
    if filled:
        kind = "Breaching" if alarm.missing_data == "breaching" else "NonBreaching"
        were = "datapoint was" if filled == 1 else "datapoints were"
        parts.append(f"{filled} missing {were} treated as [{kind}]")
    return f"Threshold Crossed: {' and '.join(parts)}."


def _crossed(alarm: Alarm, points: Sequence[Point], state: State) -> str:
    _, words = _OPERATORS[alarm.comparison]
    newest_first = points[::-1]
    shown = ", ".join(map(_shown, newest_first[:_SHOWN]))
    is_not = "" if state is State.ALARM else "not "
    were = "was" if len(points) == 1 else "were"
    compared = f"[{shown}] {were} {is_not}{words} the threshold ({alarm.threshold!r})"
    if not alarm.is_m_out_of_n:
        return f"{_datapoints(len(points))} {compared}"
    if state is State.ALARM:
        least, change = alarm.datapoints_to_alarm, "OK -> ALARM"
    else:
        # So many points within the threshold leave fewer than M that could breach it.
        least = alarm.evaluation_periods - alarm.datapoints_to_alarm + 1
        change = "ALARM -> OK"
    return (
        f"{len(points)} out of the last {alarm.evaluation_periods} datapoints {compared} "
        f"(minimum {_datapoints(least)} for {change} transition)"
    )


def _datapoints(count: int) -> str:
    return "1 datapoint" if count == 1 else f"{count} datapoints"


def _unknown(count: int) -> str:
    were = "was" if count == 1 else "were"
    return f"{_datapoints(count)} {were} unknown"


def _shown(point: Point) -> str:
    moment = datetime.fromtimestamp(point.at, UTC)
    return f"{point.value!r} ({moment:%d/%m/%y %H:%M:%S})"
