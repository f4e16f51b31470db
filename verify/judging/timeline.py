"""Answers over time, in a bounded number of slots however many and however late they are."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from verify.judging.attempt import Attempt
from verify.network.outcome import Answer

MOST_SLOTS = 120
"""As many bars as a page shows well."""

MOST_NAMES = 50
"""Tasks, and kinds of answers, that are kept apart; there may be a new one with every request."""

OTHERS = "others"
"""Stands for those beyond `MOST_NAMES`."""

_STEP = math.log(1.05)
"""A latency is kept to within 5 %."""

_SHORTEST = 1e-5
"""Seconds; what took less counts as that."""


_Name = TypeVar("_Name")


class Kind(NamedTuple):
    """One kind of outcome: a status or where a request failed, and whether it is as expected."""

    name: str
    good: bool


class Slot:
    """The outcomes in one span of time."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.kinds: Counter[Kind] = Counter()
        self.tasks: Counter[str] = Counter()
        self._latencies: Counter[int] = Counter()

    def add_latency(self, seconds: float) -> None:
        """Count one answer by how long it took."""
        self._latencies[round(math.log(max(seconds, _SHORTEST)) / _STEP)] += 1

    def merge(self, other: "Slot") -> None:
        """Add the outcomes of another span."""
        self.kinds += other.kinds
        self.tasks += other.tasks
        self._latencies += other._latencies  # noqa: SLF001 — of the same class

    def latency(self, percent: int) -> float | None:
        """Return a nearest-rank percentile in seconds, to within 5 %; None without answers."""
        rank = -(-self._latencies.total() * percent // 100)  # rounded up, in whole numbers
        seen = 0
        for step in sorted(self._latencies):
            seen += self._latencies[step]
            if seen >= rank:
                return math.exp(step * _STEP)
        return None


class Timeline:
    """Slots of one width, which doubles whenever they get too many."""

    def __init__(self, *, origin: float = 0.0, width: float) -> None:
        """Begin at `origin` seconds with slots of `width` seconds."""
        self.origin = origin
        self.width = width
        self.slots: list[Slot] = []
        self.kinds: list[Kind] = []
        """Every kind of outcome, in the order in which they first came."""

        self.tasks: list[str] = []
        """Every task, in the order in which they first answered."""

    @property
    def end(self) -> float:
        """The end of the last slot, in seconds."""
        return self.origin + self.width * len(self.slots)

    def add(self, at: float, attempt: Attempt) -> None:
        """Count one attempt, at so many seconds."""
        slot = self._slot(at)
        kind = _kind(attempt)
        slot.kinds[self._known(kind, self.kinds, Kind(OTHERS, kind.good))] += 1
        if attempt.task is not None:
            slot.tasks[self._known(attempt.task, self.tasks, OTHERS)] += 1
        if isinstance(attempt.outcome, Answer):
            slot.add_latency(attempt.outcome.timings.total)

    def _slot(self, at: float) -> Slot:
        number = max(0, int((at - self.origin) / self.width))
        while number >= MOST_SLOTS:
            self._halve()
            number //= 2
        while number >= len(self.slots):
            self.slots.append(Slot())
        return self.slots[number]

    def _halve(self) -> None:
        """Merge every two slots into one."""
        self.width *= 2
        pairs = self.slots
        self.slots = pairs[::2]
        for number, other in enumerate(pairs[1::2]):
            self.slots[number].merge(other)

    @staticmethod
    def _known(name: _Name, names: list[_Name], others: _Name) -> _Name:
        """Return the name to count by: itself, or `others` where there are too many."""
        if name in names:
            return name
        if len(names) >= MOST_NAMES:
            name = others
        if name not in names:
            names.append(name)
        return name


def of_samples(attempts: Sequence[Attempt]) -> Timeline:
    """Return the timeline of attempts that are over, by when they started."""
    timeline = Timeline(origin=min(map(_started, attempts), default=0.0), width=0.01)
    for attempt in attempts:
        timeline.add(_started(attempt), attempt)
    return timeline


def _started(attempt: Attempt) -> float:
    """Return when an attempt started; of one without an answer, when it ended."""
    took = attempt.outcome.timings.total if isinstance(attempt.outcome, Answer) else 0.0
    return attempt.ended - took


def _kind(attempt: Attempt) -> Kind:
    if not isinstance(attempt.outcome, Answer):
        return Kind(f"no answer ({attempt.outcome.phase})", good=False)
    if attempt.stopped_in is None and attempt.mismatch:
        return Kind(f"{attempt.outcome.status}, not as expected", good=False)
    return Kind(str(attempt.outcome.status), good=attempt.stopped_in is None)
