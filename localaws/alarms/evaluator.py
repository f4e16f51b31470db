"""The alarms: each minute they are measured and evaluated, and changes of state are published."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from localaws.alarms.evaluation import INITIAL, evaluate
from localaws.alarms.expressions import value_of
from localaws.alarms.metrics import forget_until
from localaws.alarms.model import EXTRA_POINTS, Decision, Point, Samples, State
from localaws.alarms.reading import alarms_of
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.event_documents import event, timestamp
from localaws.machine.files import read_what_can_be_made_anew, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localaws.alarms.metrics import Metrics
    from localaws.alarms.model import Alarm, Metric
    from localaws.alarms.notifications import Notifications
    from localaws.catalog.account import Account
    from localaws.scaling.minutes import Minute

ENOUGH_SAMPLES: Final = 10
"""A percentile is significant if so many samples are expected beyond it. Source: CloudWatch User
Guide, "Percentile-based alarms and low data samples".
"""

_BY_HAND: Final = "set by pulumi-local alarm"


@dataclass(frozen=True)
class AlarmState:
    """An alarm's state; it survives a restart."""

    arn: str
    state: State
    reason: str
    since: float
    """When the state began, in seconds since the epoch."""


class Alarms:
    """Evaluates every metric alarm of the account."""

    def __init__(
        self,
        account: Account,
        metrics: Metrics,
        directory: Path,
        notifications: Notifications,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know no state until `start`, and evaluate nothing until `tick`.

        Args:
            account: Where the alarms are.
            metrics: Measures what they watch.
            directory: The state directory, which holds `alarms.json`.
            notifications: Takes the messages about changes of state.
            clock: Seconds since the epoch.
        """
        self._account = account
        self._metrics = metrics
        self._file = directory / "alarms.json"
        self.notifications = notifications
        """What was published to topics."""

        self._clock = clock
        self._states: dict[str, AlarmState] = {}
        self._resumed: frozenset[str] = frozenset()
        """Names of the alarms whose state was saved by an earlier daemon."""

        self._seen: set[str] = set()
        """Names of the alarms that were there in an earlier minute."""

        self._minutes: dict[int, float] = {}
        """When each of the last minutes began, by number."""

        self._last: dict[str, float] = {}
        """The newest value of each alarm's metric, as long as the alarm looks at it."""

    def start(self) -> None:
        """Go on from what was saved."""
        saved: dict[str, Any] = read_what_can_be_made_anew(
            self._file, dict, otherwise={}, then="alarms begin anew, in INSUFFICIENT_DATA"
        )
        for name, document in saved.items():
            state = State(document["state"])
            self._states[name] = AlarmState(**{**document, "state": state})
        self._resumed = frozenset(self._states)

    def state(self, name: str) -> str:
        """Return an alarm's state, by its name; empty for an unknown alarm."""
        current = self._find_state(name)
        return "" if current is None else current.state

    def reason(self, name: str) -> str:
        """Return why an alarm is in its state; empty for an unknown alarm."""
        current = self._find_state(name)
        return "" if current is None else current.reason

    def set_state(self, name: str, state: State) -> None:
        """Give an alarm a state until its next evaluation, with its actions, as SetAlarmState does.

        An unknown alarm has none.
        """
        for alarm in alarms_of(self._account):
            if alarm.name == name:
                current = self._state_of(name, alarm.arn)
                self._change(alarm, current, Decision(state, _BY_HAND))
                self._save()

    async def tick(self, minute: Minute) -> None:
        """Measure and evaluate, for the minute that has just passed."""
        self._minutes[minute.number] = minute.began
        alarms = alarms_of(self._account)
        self._forget_all_but({alarm.name for alarm in alarms})
        if not alarms:
            self._minutes = {minute.number: minute.began}
            return
        await self._metrics.measure(_metrics_to_measure(alarms), minute)
        changed = False
        for alarm in alarms:
            changed = self._evaluate(alarm, minute) or changed
        longest = max(map(_evaluated_minutes, alarms))
        forget_until(self._minutes, minute.number - longest)
        if changed:
            self._save()

    def status(self) -> list[dict[str, Any]]:
        """Return each alarm with its state and what it saw last."""
        found: list[dict[str, Any]] = []
        for alarm in alarms_of(self._account):
            current = self._find_state(alarm.name)
            assert current is not None, "the account has it"
            last = self._last.get(alarm.name)
            found.append(
                {
                    "name": alarm.name,
                    "state": current.state,
                    "reason": current.reason,
                    "since": current.since,
                    "last": None if last is None else round(last, 3),
                    "comparison": alarm.comparison,
                    "threshold": alarm.threshold,
                    "withoutData": alarm.no_data_reason,
                }
            )
        return found

    def _find_state(self, name: str) -> AlarmState | None:
        record = self._account.get(ALARM, name)
        if record is None:
            return None
        return self._state_of(name, str(record.outputs["arn"]))

    def _state_of(self, name: str, arn: str) -> AlarmState:
        """Return an alarm's state, which begins now if the alarm has none yet."""
        current = self._states.get(name)
        if current is None:
            current = AlarmState(arn, INITIAL.state, INITIAL.reason, self._clock())
            self._states[name] = current
        return current

    def _forget_all_but(self, present: set[str]) -> None:
        gone = self._states.keys() - present
        for name in gone:
            del self._states[name]
            self._last.pop(name, None)
            self._seen.discard(name)
        if gone:
            self._save()

    def _evaluate(self, alarm: Alarm, minute: Minute) -> bool:
        """Evaluate an alarm; return whether its state changed."""
        current = self._state_of(alarm.name, alarm.arn)
        points = self._points(alarm, minute)
        self._last.pop(alarm.name, None)
        for point in points:
            if point is not None:
                self._last[alarm.name] = point.value
        if alarm.name not in self._seen:
            # It was made during the minute, of which not all metrics have data.
            self._seen.add(alarm.name)
            return False
        # After a restart the minutes before it are unknown, not missing.
        if alarm.name in self._resumed and minute.number < alarm.evaluation_periods * alarm.period:
            return False
        if alarm.ignores_few_samples and self._has_few_samples(alarm, minute):
            return False
        decision = evaluate(alarm, points)
        return decision is not None and self._change(alarm, current, decision)

    def _change(self, alarm: Alarm, current: AlarmState, decision: Decision) -> bool:
        """Apply a decision, and publish it if the alarm's state changes; return whether it does."""
        if decision.state is current.state:
            return False
        changed = replace(
            current, state=decision.state, reason=decision.reason, since=self._clock()
        )
        self._states[alarm.name] = changed
        self._notify(alarm, current, changed)
        return True

    def _notify(self, alarm: Alarm, before: AlarmState, after: AlarmState) -> None:
        """Publish a change of state to the alarm's topics, and as an event.

        Source: CloudWatch User Guide, "Alarm events and EventBridge".
        """
        region = alarm.arn.split(":")[3]
        subject = f'{after.state}: "{alarm.name}" in {region}'
        text = "\n".join(filter(None, (alarm.description, after.reason)))
        for topic in alarm.actions.get(after.state, ()):
            self.notifications.alarm(topic, alarm.arn, subject, text)
        self.notifications.receive(
            event(
                alarm.arn,
                source="aws.cloudwatch",
                detail_type="CloudWatch Alarm State Change",
                identifier=str(uuid4()),
                at=after.since,
                detail={
                    "alarmName": alarm.name,
                    "state": _shown_in_event(after),
                    "previousState": _shown_in_event(before),
                    "configuration": {"description": alarm.description},
                },
            )
        )

    def _has_few_samples(self, alarm: Alarm, minute: Minute) -> bool:
        """Return whether the newest value is a percentile of some samples, but too few."""
        query = alarm.by_id.get(alarm.watched)
        if alarm.no_data_reason or query is None or query.metric is None:
            return False
        if not query.statistic.startswith("p"):
            return False
        percent = float(query.statistic[1:])
        rarer = min(percent, 100 - percent)
        samples = self._samples(alarm, query.metric, minute.number - alarm.period + 1)
        # Of p99, one sample in a hundred lies beyond it; beyond p0 and p100 none ever does.
        enough = 100 * ENOUGH_SAMPLES / rarer if rarer else math.inf
        return 0 < samples.count < enough

    def _points(self, alarm: Alarm, minute: Minute) -> list[Point | None]:
        """Return the points of an alarm's evaluation range, the newest last."""
        found: list[Point | None] = []
        for back in range(alarm.evaluation_periods + EXTRA_POINTS, 0, -1):
            first = minute.number - back * alarm.period + 1
            value = self._value(alarm, first)
            # Of a period before the first alarm no time is kept.
            before = minute.began - (minute.number - first) * minute.seconds
            at = self._minutes.get(first, before)
            found.append(None if value is None else Point(value, at))
        return found

    def _value(self, alarm: Alarm, first: int) -> float | None:
        """Return the value of the period that begins with a minute; None without data."""
        watched = alarm.by_id.get(alarm.watched)
        if watched is None or alarm.no_data_reason:
            return None
        measured: dict[str, float | None] = {}
        for query in alarm.queries:
            if query.metric is not None:
                samples = self._samples(alarm, query.metric, first)
                found = float(samples.statistic(query.statistic)) if samples.counts else None
                measured[query.id] = found
        return value_of(watched, alarm.by_id, measured)

    def _samples(self, alarm: Alarm, metric: Metric, first: int) -> Samples:
        """Return what a metric got in the period that begins with a minute."""
        kept = self._metrics.kept.get(metric, {})
        samples = Samples({})
        for number in range(first, first + alarm.period):
            if number in kept:
                samples += kept[number]
        return samples

    def _save(self) -> None:
        documents: dict[str, Any] = {}
        for name, current in self._states.items():
            documents[name] = vars(current)
        write_atomically(self._file, json.dumps(documents))


def _shown_in_event(current: AlarmState) -> dict[str, str]:
    return {
        "value": current.state,
        "reason": current.reason,
        "timestamp": timestamp(current.since),
    }


def _evaluated_minutes(alarm: Alarm) -> int:
    """Return how many minutes an alarm looks at."""
    return (alarm.evaluation_periods + EXTRA_POINTS) * alarm.period


def _metrics_to_measure(alarms: list[Alarm]) -> dict[Metric, int]:
    """Return the metrics to measure, each with how many minutes of it are needed."""
    found: dict[Metric, int] = {}
    for alarm in alarms:
        for query in alarm.queries:
            if query.metric is not None and not alarm.no_data_reason:
                found[query.metric] = max(found.get(query.metric, 0), _evaluated_minutes(alarm))
    return found
