"""What a run has seen so far."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from verify.judging.attempt import Attempt
from verify.judging.report import Result, counted
from verify.network.outcome import Failure, Phase

if TYPE_CHECKING:
    from verify.exit_codes import ExitCode
    from verify.network.probe import Probe


class Evidence:
    """The outcomes so far, from which an interrupted run is reported too."""

    def __init__(self) -> None:
        """Begin now, with nothing seen."""
        self.started = datetime.now(UTC)
        self.attempts: list[Attempt] = []
        self.ready = False
        self.planned = 0
        self.found: list[Result] = []
        """Results of the extra checks."""

        self.samples: list[Attempt] = []
        self.stopped: ExitCode | None = None
        self.probe: Probe | None = None
        """What makes the attempts."""

        self.ended = False

    def waits_for(self) -> tuple[Phase, str]:
        """Describe what a run that hasn't ended is waiting for: the phase, and text."""
        if self.planned:
            samples = len(self.samples)
            return Phase.CHECKS, f"{samples} of {self.planned} requests measured so far"
        unfinished = self.probe.unfinished() if self.probe else None
        if unfinished:
            phase, seconds, _ = unfinished
            return phase, f"no result yet after {seconds:.0f} s"
        attempts = list(self.attempts)
        if attempts and attempts[-1].stopped_in:
            tries = counted(len(attempts), "attempt")
            return attempts[-1].stopped_in, f"still waiting after {tries}: {attempts[-1].text}"
        return Phase.STABLE, "waiting for more good answers"

    def stopped_attempt(self, seconds: float) -> Iterator[Attempt]:
        """Yield the attempt that a signal ended while the service wasn't stable yet.

        It ended `seconds` after the start of the run.
        """
        unfinished = self.probe.unfinished() if self.probe else None
        if self.stopped is None or self.ready or unfinished is None:
            return
        phase, took, addresses = unfinished
        reason = f"no result after {took:.3g} s, when the run was stopped"
        outcome = Failure(phase, reason, hint="", addresses=addresses, cut=True)
        yield Attempt(ended=seconds, outcome=outcome, text=reason, stopped_in=phase)
