"""What a run found: frozen results, and the verdict that follows from them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from verify.exit_codes import ExitCode, first_met
from verify.judging.latencies import RANKS
from verify.judging.timeline import Timeline
from verify.network.outcome import Answer
from verify.options.target import Parsed


class Status(StrEnum):
    """How one phase or check came out."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIP = "skip"


class Result(NamedTuple):
    """One line of the report; all text is safe to show.

    `duration` is in seconds since the run's start.
    """

    id: str
    status: Status
    actual: str = ""
    expected: str = ""
    hint: str = ""
    fault: ExitCode | None = None
    """Whose fault a failure is, where that is known."""

    duration: float | None = None
    attempts: int = 0


class Samples(NamedTuple):
    """What was measured once the service was stable."""

    sent: int
    errors: int
    latency: dict[str, float]
    """Seconds of whole requests: min, mean, p50, p90, p95, p99, max. Empty when nothing answered.
    """

    steps: dict[str, float]
    """Median seconds of resolve, connect, tls and first_byte."""

    tasks: dict[str, int]
    unidentified: int
    miss_probability: float | None


class Outage(NamedTuple):
    """Failed requests of one lane without a good one between them.

    Seconds after the start: from the first failed one to the next good one.
    """

    lane: str
    start: float
    length: float


class TaskSeen(NamedTuple):
    """When a task answered; seconds after the start."""

    answers: int
    first: float
    last: float


class Lane(NamedTuple):
    """Requests of one kind, at a constant rate."""

    requests: int
    failed: int
    connections: int


class Watched(NamedTuple):
    """What watching saw; seconds count from its start."""

    rate: float
    lanes: dict[str, Lane]
    failures: dict[str, int]
    """Failed requests by reason, most first."""

    outages: tuple[Outage, ...]
    availability: float
    """Share of good answers."""

    tasks: dict[str, TaskSeen]
    old: frozenset[str]
    """Tasks that answered before the change."""

    command: str
    command_exit_code: int | None
    command_error: str
    """Why the command could not be run."""

    changed: float
    """When the command started; without one, the end of `--before`."""

    command_ended: float | None = None
    """When the command ended; None when it hadn't, or there was none."""


class Report(NamedTuple):
    """A whole run; `url` is its target as it may be shown, `seconds` how long it took."""

    parsed: Parsed
    url: str
    started: datetime
    seconds: float
    checks: tuple[Result, ...]
    samples: Samples
    timeline: Callable[[], Timeline]
    """When which answers came: the samples, or the attempts where the service was never stable."""

    verdict: ExitCode
    phases: tuple[Result, ...] = ()
    allow_inconclusive: bool = False
    watched: Watched | None = None
    name: str = ""
    """The check's name in its plan."""

    @property
    def label(self) -> str:
        """The run's name in reports for people."""
        return f"{self.name}: {self.url}" if self.name else self.url

    @property
    def ended(self) -> datetime:
        """The time at which the run ended."""
        return self.started + timedelta(seconds=self.seconds)

    @property
    def fault(self) -> ExitCode | None:
        """Whose fault it is that the run failed, where that is known."""
        if self.verdict not in (ExitCode.FAILED, ExitCode.UNREACHABLE):
            return None
        results = (*self.phases, *self.checks)
        return first_met(result.fault for result in results if result.status is Status.FAIL)

    @property
    def exit_code(self) -> int:
        """The code of the fault or the verdict, or of a watched command after a good verdict."""
        forgiven = self.verdict is ExitCode.INCONCLUSIVE and self.allow_inconclusive
        if not (self.verdict is ExitCode.PASSED or forgiven or self._nothing_ran):
            return self.fault or self.verdict
        if self.watched is not None and self.watched.command_exit_code:
            return self.watched.command_exit_code
        return ExitCode.PASSED

    @property
    def _nothing_ran(self) -> bool:
        """Return whether the only failure is that the watched command could not be run."""
        if self.verdict is not ExitCode.FAILED:
            return False
        if self.watched is None or not self.watched.command_error:
            return False
        return [result.id for result in self.checks if result.status is Status.FAIL] == ["command"]

    @property
    def results(self) -> tuple[Result, ...]:
        """The results of all phases and checks.

        A run that was stopped has a failed one more, since a check that is missing could have
        failed.
        """
        results = (*self.phases, *self.checks)
        if self.verdict not in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            return results
        ended = self.verdict.name.lower()
        stopped = Result(id="run", status=Status.FAIL, actual=ended, expected="a whole run")
        return (*results, stopped)


def verdict(
    results: Iterable[Result], *, reached: bool, stopped: ExitCode | None = None
) -> ExitCode:
    """Return the verdict of a run, by its worst result."""
    found = {result.status for result in results}
    if stopped is not None:
        return stopped
    if not reached:
        return ExitCode.UNREACHABLE
    if Status.FAIL in found:
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if Status.UNKNOWN in found else ExitCode.PASSED


WORST_FIRST = (  # every verdict that there is
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.UNREACHABLE,
    ExitCode.FAILED,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASSED,
)


def worst(verdicts: Iterable[ExitCode]) -> ExitCode:
    """Return the worst of several verdicts."""
    return min(verdicts, key=WORST_FIRST.index)


def exit_code(reports: Sequence[Report]) -> int:
    """Return the exit code of several runs: the code of the one that ended worst.

    Of several that ended equally badly, it is the code of the fault that a request meets first.
    """
    worst_verdict = worst(report.verdict for report in reports)
    ended_so = [report for report in reports if report.verdict is worst_verdict]
    return first_met(report.fault for report in ended_so) or ended_so[0].exit_code


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where needed."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of values in ascending order."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def latency(seconds: Iterable[float]) -> dict[str, float]:
    """Return the duration of whole requests by rank."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    ranks = {f"p{percent}": percentile(ordered, percent) for percent in RANKS}
    return {"min": ordered[0], "mean": sum(ordered) / len(ordered), **ranks, "max": ordered[-1]}


def steps(answers: Sequence[Answer]) -> dict[str, float]:
    """Return the median of each step that every answer has."""
    names = ("resolve", "connect", "tls", "first_byte")
    found = {}
    for name in names:
        values = [getattr(answer.timings, name) for answer in answers]
        if values and None not in values:
            found[name] = percentile(sorted(values), 50)
    return found
