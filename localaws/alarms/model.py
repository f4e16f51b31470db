"""The values of alarms: what they watch, a minute's statistics, and their states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXTRA_POINTS: Final = 2
"""How many more points than its evaluation periods an alarm looks at, if some are missing. AWS
publishes no number, but examples: three periods and five points. Source: CloudWatch User Guide,
"Configuring how CloudWatch alarms treat missing data".
"""


class State(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @property
    def by_name(self) -> dict[str, str]:
        """Its dimensions by name."""
        return dict(self.dimensions)


@dataclass(frozen=True)
class Samples:
    """What a metric got in some time: values, and how often each occurred."""

    counts: Mapping[float, int]

    @classmethod
    def of(cls, *values: float) -> Samples:
        """Make samples of single values."""
        counts: dict[float, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        return cls(counts)

    def __add__(self, other: Samples) -> Samples:
        counts = dict(self.counts)
        for value, count in other.counts.items():
            counts[value] = counts.get(value, 0) + count
        return Samples(counts)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def statistic(self, name: str) -> float:
        """Return a statistic of them: `Sum`, `Average`, `p99`, ..."""
        if name == "Sum":
            return sum(value * count for value, count in self.counts.items())
        if name == "SampleCount":
            return self.count
        if name == "Average":
            return self.statistic("Sum") / self.count
        if name == "Minimum":
            return min(self.counts)
        if name == "Maximum":
            return max(self.counts)
        return self._percentile(float(name.removeprefix("p")))

    def _percentile(self, percent: float) -> float:
        """Return the value that this share of the samples doesn't exceed."""
        rank = max(math.ceil(self.count * percent / 100), 1)
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= rank:
                return value
        return max(self.counts)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A metric with its statistic, or an expression over the ids of others."""

    id: str
    metric: Metric | None = None
    statistic: str = ""
    expression: str = ""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A metric alarm; its period in minutes."""

    name: str
    arn: str
    queries: tuple[Query, ...]
    watched: str
    """Id of the query whose values are compared."""

    comparison: str
    threshold: float
    period: int
    evaluation_periods: int
    """How many of the last points count (N)."""

    datapoints_to_alarm: int
    """How many of them must breach the threshold (M)."""

    is_m_out_of_n: bool = False
    """Whether M is configured: only then do CloudWatch's reasons mention it."""

    missing_data: str = "missing"
    """How points without data are treated: AWS's `treatMissingData`."""

    ignores_few_samples: bool = False
    """Whether a percentile of too few samples leaves the state as it is."""

    actions: Mapping[State, Sequence[str]]
    """ARNs of topics, by the state that publishes to them."""

    description: str = ""
    no_data_reason: str = ""
    """Why the local AWS has no data for it; empty where it has."""

    @property
    def by_id(self) -> dict[str, Query]:
        """Its queries by their ids."""
        return {query.id: query for query in self.queries}


@dataclass(frozen=True)
class Point:
    """A value of an alarm's metric."""

    value: float
    at: float
    """When its period began, in seconds since the epoch."""


@dataclass(frozen=True)
class Decision:
    """The state that the points of an alarm result in, and why."""

    state: State
    reason: str
