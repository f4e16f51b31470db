"""One attempt on the service, judged by its options.

What it keeps is small, however much a server sends.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from verify.exit_codes import ExitCode, first_met
from verify.judging import explain
from verify.judging.expectations import Unmet, expectations
from verify.judging.regexes import TooSlowError
from verify.judging.sampling import identify, sticky_cookies
from verify.network.outcome import Answer, Failure, Phase
from verify.options.groups import Options
from verify.options.masking import mask_of


class Attempt(NamedTuple):
    """An outcome without its headers and body, and the verdict on it."""

    ended: float
    """Seconds after the run's start."""

    outcome: Answer | Failure
    text: str
    """The outcome in words, safe to show."""

    stopped_in: Phase | None
    """Where it ended; None when the service may count as ready."""

    hint: str = ""
    """What to do about it."""

    excerpt: str = ""
    """What the body shows about a status that isn't the wanted one, safe to show. It may differ
    with every answer.
    """

    fault: ExitCode | None = None
    """The fault that explains a bad outcome, where it is known."""

    unmet: tuple[Unmet | None, ...] = ()
    """For each expectation what was seen instead, or None where it was met."""

    undecided: str = ""
    """Why something that was requested could not be decided."""

    mismatch: str = ""
    """The first expectation that wasn't met, in words."""

    task: str | None = None
    """The task that answered, where the answer tells."""

    sticky: frozenset[str] = frozenset()
    """Names of the cookies for stickiness: with them the load balancer would send this client to
    the same task again.
    """

    def reached(self, phase: Phase) -> bool:
        """Return whether the attempt got as far as a phase, or beyond it."""
        return self.stopped_in is phase or self.passed(phase)

    def passed(self, phase: Phase) -> bool:
        """Return whether the attempt got beyond a phase."""
        order = list(Phase)
        return self.stopped_in is None or order.index(phase) < order.index(self.stopped_in)

    @property
    def quoted(self) -> str:
        """The excerpt in quotes, to append to a message; empty without an excerpt."""
        return f": '{self.excerpt}'" if self.excerpt else ""

    @property
    def cut(self) -> bool:
        """Return whether the run's deadline ended the attempt before it succeeded or failed."""
        return isinstance(self.outcome, Failure) and self.outcome.cut


def attempts_that_count(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """Return the attempts that count.

    An attempt that the deadline cut, which is the last one at most, counts only where no other
    attempt got as far.
    """
    if not attempts:
        return attempts
    *whole, last = attempts
    if not last.cut or last.stopped_in is None:
        return attempts
    return whole if any(one.reached(last.stopped_in) for one in whole) else attempts


def judge(outcome: Answer | Failure, options: Options, ended: float) -> Attempt:
    """Judge an outcome by every requested expectation."""
    if isinstance(outcome, Failure):
        return Attempt(
            ended=ended,
            outcome=outcome,
            text=outcome.reason,
            hint=outcome.hint,
            fault=explain.fault(outcome),
            stopped_in=outcome.phase,
        )
    accepted = options.status.accepts(outcome.status)
    wanted, mask = expectations(options), mask_of(options)
    named_by = None
    if accepted:
        with suppress(TooSlowError):
            named_by = identify(outcome, options.identity)
    unmet = tuple(one.unmet(outcome) for one in wanted)
    mismatch, undecided = "", ""  # the first of each
    faults = []
    for expectation, found in zip(wanted, unmet, strict=True):
        if found and found.undecided:
            undecided = undecided or f"{expectation.id}: {found.seen}"
        elif found:
            mismatch = mismatch or f"{found.seen}, not {expectation.wanted}"
            faults.append(expectation.fault)
    good = accepted and not (mismatch and options.retry_mismatch)
    hint = "" if accepted else explain.hint(outcome)
    if good or hint:
        text = explain.describe(outcome, mask, mask_query=options.mask_query)
    else:
        text = mismatch  # says more: what --retry-mismatch waits for, or a status without a hint
    return Attempt(
        ended=ended,
        outcome=outcome._replace(headers=(), body=b""),
        text=text,
        hint=hint,
        excerpt="" if accepted else explain.excerpt(outcome, mask),
        fault=first_met(faults) if accepted else explain.fault(outcome),
        stopped_in=None if good else Phase.HTTP,
        unmet=unmet,
        undecided=undecided,
        mismatch=mismatch,
        task=named_by and mask(named_by, 80),
        sticky=sticky_cookies(outcome),
    )
