"""What watching sees, kept small however long it lasts: a letter per request, and failures."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from verify.judging import regexes, sampling
from verify.judging.attempt import Attempt
from verify.judging.latencies import Latencies
from verify.judging.report import (
    Lane,
    Outage,
    Result,
    Samples,
    Status,
    TaskSeen,
    Watched,
    counted,
)
from verify.judging.timeline import Timeline
from verify.network.outcome import Answer
from verify.options.groups import Options, Watch

if TYPE_CHECKING:
    from verify.exit_codes import ExitCode

LANES = {"fresh": 0.0, "kept": 0.5}
"""A new connection for each request, which sees new addresses; and one that is kept for the next,
which sees mistakes in draining. Each starts so many intervals after the other, so that together
they look twice as often.
"""

_CANNOT_RUN = 126
"""What a shell returns for a file that it can't execute."""

_NOT_RUN = (
    "nothing was changed while this watched: is it a program for this machine, its "
    "interpreter there?"
)
_PENDING, _GOOD, _BAD = b".ox"
_ROUNDING = 1e-9
_BOUND = 1000
"""Distinct reasons and tasks that are counted each, and turns for worse or better that are printed
at once: there may be a new one with every request."""


class Record:
    """Everything seen so far.

    Requests are numbered by when they were due, so the order of their ends is no matter.
    """

    def __init__(self, options: Options) -> None:
        assert options.watch is not None
        self.watch: Watch = options.watch
        self.lanes = {lane: bytearray() for lane in LANES}
        self.changed: float | None = None
        self.command_exit_code: int | None = None
        self.command_error = ""
        self.command_ended_at: float | None = None
        self.reached = False
        self.stopped: ExitCode | None = None
        self._connections: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._first: dict[str, Attempt] = {}
        self._failing: dict[str, int] = {}
        self._turns = 0
        self._latencies = Latencies()
        self._unanswered = 0
        self._unnamed = 0
        self._undecided = 0
        self._why_undecided = ""
        self._tasks: dict[str, TaskSeen] = {}
        self._old: set[str] = set()
        self.timeline = Timeline(width=1 / self.watch.rate)

    def due(self, lane: str) -> int:
        """Take the number of a lane's next request."""
        self.lanes[lane].append(_PENDING)
        return len(self.lanes[lane]) - 1

    def change(self, now: float) -> None:
        """Begin the change: a task that answers later requests only counts as a new one."""
        self.changed = now

    def command_ended(self, code: int) -> None:
        """Record the exit code of the command."""
        self.command_exit_code = code

    def command_failed(self, reason: str) -> None:
        """Record that the command could not be run, with the exit code that a shell would give."""
        self.command_exit_code, self.command_error = _CANNOT_RUN, reason

    @property
    def so_far(self) -> str:
        """The counts so far, in words."""
        seen = b"".join(self.lanes.values())
        failed, pending = seen.count(_BAD), seen.count(_PENDING)
        text = f"{counted(seen.count(_GOOD), 'request')} answered"
        if failed:
            text += f", {failed} failed"
        return f"{text}, {pending} under way" if pending else text

    @property
    def command_text(self) -> str:
        """The end of the command, in words."""
        if self.command_error:
            return f"{self.watch.command[0]} could not be run: {self.command_error}"
        return f"{self.watch.command[0]} ended with {self.command_exit_code}"

    def add(self, lane: str, number: int, attempt: Attempt) -> Iterator[str]:
        """Record one attempt; yield messages about what changed with it."""
        reason = attempt.text if attempt.stopped_in else attempt.mismatch
        self.lanes[lane][number] = _BAD if reason else _GOOD
        due = (number + LANES[lane]) / self.watch.rate
        self.timeline.add(due, attempt)
        if reason:
            yield from self._fail(lane, number, reason, attempt)
        elif lane in self._failing and number > self._failing[lane]:
            missed = number - self._failing.pop(lane)
            yield from self._turn(f"good again after {missed / self.watch.rate:.3g} s")
        if attempt.undecided:
            self._undecided += 1
            self._why_undecided = attempt.undecided
        if not isinstance(attempt.outcome, Answer):
            self._unanswered += 1
            return
        if attempt.stopped_in is None or attempt.outcome.status < 500:  # noqa: PLR2004 — HTTP's own boundary
            self.reached = True
        self._latencies.add(attempt.outcome.timings.total)
        if attempt.outcome.timings.connect:
            self._connections[lane] += 1
        yield from self._task(attempt, due)

    def _fail(self, lane: str, number: int, reason: str, attempt: Attempt) -> Iterator[str]:
        """Count a failed request; yield a message if its reason is new, or the lane was good."""
        if reason not in self._failures and len(self._failures) >= _BOUND:
            reason = "other failures"
        is_new = reason not in self._failures
        if is_new:
            self._first[reason] = attempt
        if is_new or lane not in self._failing:
            yield from self._turn(f"failing: {reason}")
        self._failing.setdefault(lane, number)
        self._failures[reason] += 1

    def _turn(self, text: str) -> Iterator[str]:
        self._turns += 1
        if self._turns <= _BOUND:
            yield text

    def _task(self, attempt: Attempt, due: float) -> Iterator[str]:
        name, now = attempt.task, attempt.ended
        if name is None or (name not in self._tasks and len(self._tasks) >= _BOUND):
            if attempt.stopped_in is None:
                self._unnamed += 1
            return
        if self.changed is None or due < self.changed:
            self._old.add(name)
        if name not in self._tasks:
            yield f"task {name}" if name in self._old else f"new task {name}"
        seen = self._tasks.get(name, TaskSeen(0, now, now))
        self._tasks[name] = TaskSeen(seen.answers + 1, min(seen.first, now), max(seen.last, now))

    def watched(self) -> Watched:
        """Return the numbers of the watch."""
        lanes: dict[str, Lane] = {}
        outages: list[Outage] = []
        for lane, seen in self.lanes.items():
            outages += self._outages(lane, seen)
            lanes[lane] = Lane(
                requests=len(seen) - seen.count(_PENDING),
                failed=seen.count(_BAD),
                connections=self._connections[lane],
            )
        return Watched(
            rate=self.watch.rate,
            lanes=lanes,
            failures=dict(self._failures.most_common()),
            outages=tuple(sorted(outages, key=lambda outage: outage.start)),
            availability=self._good / self._requests if self._requests else 0.0,
            tasks=dict(sorted(self._tasks.items(), key=lambda task: task[1].first)),
            old=frozenset(self._old),
            command=" ".join(self.watch.command[:1]),
            command_exit_code=self.command_exit_code,
            command_error=self.command_error,
            changed=self.changed or 0.0,
            command_ended=self.command_ended_at,
        )

    @property
    def _good(self) -> int:
        return sum(seen.count(_GOOD) for seen in self.lanes.values())

    @property
    def _requests(self) -> int:
        return self._good + sum(self._failures.values())

    def _outages(self, lane: str, seen: bytearray) -> Iterator[Outage]:
        """Yield the outages: failed requests in a row, up to the next good one."""
        for run in re.finditer(rb"x[x.]*", seen):
            start = (run.start() + LANES[lane]) / self.watch.rate
            yield Outage(lane, start, (run.end() - run.start()) / self.watch.rate)

    def samples(self) -> Samples:
        """Return the requests as the report of a check counts them."""
        tasks = {name: seen.answers for name, seen in self._tasks.items()}
        return Samples(
            sent=self._requests,
            errors=self._unanswered,
            latency=self._latencies.summary(),
            steps={},
            tasks=dict(sorted(tasks.items(), key=lambda task: (-task[1], task[0]))),
            unidentified=self._unnamed,
            miss_probability=None,
        )

    def results(self) -> Iterator[Result]:
        """Judge what was seen by the bounds that were given."""
        watched = self.watched()
        # The reason of most failures explains them all; the first such answer stands for it.
        cause = self._first[next(iter(watched.failures))] if watched.failures else None
        if self._requests:
            yield self._errors(watched, cause)
            yield self._available(watched, cause)
            yield self._longest_outage(watched, cause)
        else:
            for identifier in ("errors", "available", "outage"):
                yield Result(id=identifier, status=Status.SKIP, actual="no request has ended")
        if self._undecided:
            yield Result(
                id="undecided",
                status=Status.UNKNOWN,
                actual=(
                    f"{self._undecided} of {self._requests} answers could not be judged; "
                    f"{self._why_undecided}"
                ),
                expected="every answer can be judged",
                hint=regexes.HINT,
            )
        yield from self._change(watched)
        if self.command_exit_code is not None:
            yield self._command_result()

    def _errors(self, watched: Watched, cause: Attempt | None) -> Result:
        failed = sum(watched.failures.values())
        most_errors = self.watch.max_errors
        actual = f"{failed} of {counted(self._requests, 'request')} failed"
        if cause:
            most = list(watched.failures.items())[:3]
            reasons = ", ".join(f"{count} x {reason}" for reason, count in most)
            actual += f": {reasons}{cause.quoted}"
        return _bounded(
            "errors",
            actual,
            cause,
            within=most_errors is not None and failed <= most_errors,
            wanted=None if most_errors is None else f"at most {most_errors} failed",
        )

    def _available(self, watched: Watched, cause: Attempt | None) -> Result:
        least = self.watch.min_availability
        # Rounded down: 99.9996 % isn't 100 %.
        percent = self._good * 100_000 // max(self._requests, 1) / 1000
        return _bounded(
            "available",
            f"{percent:g} % of the requests were answered well",
            cause,
            within=least is not None and watched.availability * 100 >= least - _ROUNDING,
            wanted=None if least is None else f"at least {least:g} %",
        )

    def _longest_outage(self, watched: Watched, cause: Attempt | None) -> Result:
        longest = max(watched.outages, key=lambda outage: outage.length, default=None)
        bound = self.watch.max_outage
        actual = "none"
        if longest:
            actual = (
                f"longest {longest.length:.3g} s, from {longest.start:.3g} s on "
                f"({longest.lane} connections); {len(watched.outages)} in all"
            )
        return _bounded(
            "outage",
            actual,
            cause,
            within=longest is None or (bound is not None and longest.length <= bound),
            wanted=None if bound is None else f"at most {bound:g} s",
        )

    def _command_result(self) -> Result:
        status, hint = Status.OK, ""
        if self.command_error:
            status, hint = Status.FAIL, _NOT_RUN
        elif self.command_exit_code:
            status, hint = Status.FAIL, "its own output says why"
        return Result(id="command", status=status, actual=self.command_text, hint=hint)

    def _change(self, watched: Watched) -> Iterator[Result]:
        new = [name for name in watched.tasks if name not in watched.old]
        status, hint, wanted = Status.OK, "", ""
        if self.watch.expect_change:
            wanted = "a task that did not answer before"
            if sampling.always_new({name: seen.answers for name, seen in watched.tasks.items()}):
                status, hint = Status.UNKNOWN, sampling.ALWAYS_NEW
            elif not watched.tasks:
                status = Status.UNKNOWN
                hint = "let a task send its host name, and give --identity header:NAME"
            elif not new:
                status = Status.FAIL
                hint = "nothing was rolled out, or its tasks never became healthy"
        elif not watched.tasks:
            return
        actual = "no answer names the task that made it"
        if watched.tasks:
            actual = f"{len(watched.old)} old"
            if new and watched.old:
                last = max(watched.tasks[name].last for name in watched.old)
                actual += f", last seen at {last:.1f} s"
            actual += f"; {len(new)} new"
            if new:
                first = min(watched.tasks[name].first for name in new)
                actual += f", first seen at {first:.1f} s"
        yield Result(id="tasks", status=status, actual=actual, expected=wanted, hint=hint)


def _bounded(
    identifier: str, actual: str, cause: Attempt | None, *, within: bool, wanted: str | None
) -> Result:
    """Return a number's result, judged by a bound where there is one.

    `cause` is what failed most; None where nothing failed.
    """
    if cause is None or within:
        return Result(id=identifier, status=Status.OK, actual=actual, expected=wanted or "")
    if wanted is None:
        return Result(id=identifier, status=Status.SKIP, actual=f"{actual} (not judged)")
    return Result(
        id=identifier,
        status=Status.FAIL,
        actual=actual,
        expected=wanted,
        hint=cause.hint,
        fault=cause.fault,
    )
