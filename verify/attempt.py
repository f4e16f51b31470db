"""One look at the service, judged by what was asked for. What it keeps is small, however much a server sends."""

import dataclasses
from dataclasses import dataclass

from verify import explain
from verify.expectations import expectations
from verify.options import Options
from verify.outcome import Answer, Failure, Phase
from verify.sampling import identify


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An outcome without its body, and the verdict on it."""

    ended: float
    """Seconds after the run's start."""

    outcome: Answer | Failure
    text: str
    """The outcome in words, safe to show."""

    hint: str = ""
    """What to do about it."""

    stopped_in: Phase | None
    """Where it ended; None when the service may count as ready."""

    unmet: tuple[str | None, ...] = ()
    """For each expectation what was seen instead, or None where it was met."""

    task: str | None = None
    """The task that answered, where the answer tells."""

    def passed(self, phase: Phase) -> bool:
        """Whether the attempt got beyond a phase."""
        order = list(Phase)
        return self.stopped_in is None or order.index(phase) < order.index(self.stopped_in)


def judge(outcome: Answer | Failure, options: Options, ended: float) -> Attempt:
    """Hold an outcome against everything that was asked for."""
    if isinstance(outcome, Failure):
        return Attempt(ended=ended, outcome=outcome, text=outcome.reason, hint=outcome.hint, stopped_in=outcome.phase)
    wanted = tuple(expectations(options))
    unmet = tuple(None if one.holds(outcome) else one.seen(outcome) for one in wanted)
    text, good = explain.describe(outcome, mask_query=options.mask_query), options.status.accepts(outcome.status)
    if good and options.retry_mismatch and any(unmet):
        text, good = next(f"{seen}, not {one.wanted}" for one, seen in zip(wanted, unmet, strict=True) if seen), False
    return Attempt(
        ended=ended,
        outcome=dataclasses.replace(outcome, body=b""),
        text=text,
        hint="" if options.status.accepts(outcome.status) else explain.hint(outcome),
        stopped_in=None if good else Phase.HTTP,
        unmet=unmet,
        task=identify(outcome, options.identity) if options.status.accepts(outcome.status) else None,
    )
