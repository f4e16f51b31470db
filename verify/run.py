"""One run: wait until stable, measure, report. The order of the phases lives here, and nothing else does."""

import asyncio
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import httpx

from verify import checks, sampling
from verify.attempt import Attempt, judge, weighed
from verify.exit_codes import ExitCode
from verify.extra_checks import run_extra_checks
from verify.options import Options
from verify.outcome import Answer, Phase
from verify.probe import Probe, new_transport
from verify.report import Report, Result, verdict
from verify.resolve import Resolver, chosen_resolver
from verify.target import Parsed
from verify.timeline import of_samples
from verify.waiting import shortest_attempt, wait_until_stable

Progress = Callable[[str, str], None]
"""Reports each step as it is made: its name, and what came of it."""

STOPPED_BY = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


@dataclass
class Evidence:
    """What was seen so far; an interrupted run reports as much as there is."""

    attempts: list[Attempt] = field(default_factory=list)
    ready: bool = False
    planned: int = 0
    found: list[Result] = field(default_factory=list)
    """What was looked at besides the samples."""

    samples: list[Attempt] = field(default_factory=list)
    stopped: ExitCode | None = None


def run(
    targets: Sequence[Parsed], options: Options, *, progress: Callable[[Parsed, str, str], None], spent: float
) -> tuple[Report, ...]:
    """Check targets over the real network at the same time; `spent` seconds of the deadline are gone already."""

    async def one(parsed: Parsed, evidence: Evidence) -> Report:
        return await check(
            parsed,
            options,
            evidence=evidence,
            transport=new_transport(parsed.target, cafile=options.cacert),
            resolver=chosen_resolver(parsed.target, options),
            progress=partial(progress, parsed),
            rng=random.Random(),  # noqa: S311 — spreads pauses, guards nothing
            spent=spent,
        )

    async def until_stopped() -> tuple[Report, ...]:
        evidences = [Evidence() for _ in targets]
        tasks = [asyncio.create_task(one(*each)) for each in zip(targets, evidences, strict=True)]

        def stop(code: ExitCode) -> None:
            for evidence, task in zip(evidences, tasks, strict=True):
                evidence.stopped = code
                task.cancel()

        for number, code in STOPPED_BY.items():
            asyncio.get_running_loop().add_signal_handler(number, stop, code)
        return tuple(await asyncio.gather(*tasks))

    return asyncio.run(until_stopped())


async def check(
    parsed: Parsed,
    options: Options,
    *,
    evidence: Evidence,
    transport: httpx.AsyncBaseTransport,
    resolver: Resolver,
    progress: Progress,
    rng: random.Random,
    spent: float = 0.0,
) -> Report:
    """Check one target. The running loop's clock is the run's clock; cancelled, it reports the evidence so far."""
    clock = asyncio.get_running_loop().time
    began, started = clock() - spent, datetime.now(UTC)
    probe = Probe(parsed.target, options, transport=transport, resolver=resolver)
    progress(Phase.PARSE, shown_url(parsed, options))
    try:
        async with transport:
            await _gather(probe, options, evidence, deadline=began + options.deadline, rng=rng, progress=progress)
    except asyncio.CancelledError:
        if evidence.stopped is None:
            raise
    attempts = weighed(evidence.attempts)
    phases = tuple(
        checks.phase_results(attempts, ready=evidence.ready, tls=parsed.target.scheme == "https", options=options)
    )
    results = (*evidence.found, *checks.check_results(evidence.samples, options, evidence.planned))
    ended = verdict((*phases, *results), reached=any(_reached(a, options) for a in attempts), stopped=evidence.stopped)
    return Report(
        parsed=parsed,
        url=shown_url(parsed, options),
        started=started,
        seconds=clock() - began,
        phases=phases,
        checks=results,
        samples=checks.measured(evidence.samples, options),
        timeline=of_samples(evidence.samples if evidence.planned else evidence.attempts),
        verdict=ended,
        allow_inconclusive=options.allow_inconclusive,
    )


async def _gather(
    probe: Probe, options: Options, evidence: Evidence, *, deadline: float, rng: random.Random, progress: Progress
) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    reported: list[tuple[str, str]] = []
    phases = checks.phases(tls=probe.tls)

    def record(attempt: Attempt) -> None:
        evidence.attempts.append(attempt)
        for phase in phases:
            if attempt.passed(phase) and (phase, "") not in reported:
                reported.append((phase, ""))
                progress(phase, checks.passed(phase, attempt.outcome))
        if attempt.stopped_in:
            waiting = (attempt.stopped_in, f"waiting: {attempt.text}")
            if reported[-1:] != [waiting]:
                reported.append(waiting)
                progress(*waiting)

    evidence.ready = await wait_until_stable(probe, options, deadline=deadline, rng=rng, record=record)
    if not evidence.ready or not options.deadline:
        evidence.samples = list(weighed(evidence.attempts)[-1:])
        return
    progress(Phase.STABLE, checks.in_a_row(options))
    evidence.planned = sampling.planned(options)
    last = evidence.attempts[-1].outcome
    assert isinstance(last, Answer), "a service is stable by answering"
    async for result in run_extra_checks(probe, options, last, lambda: deadline - clock() - shortest_attempt(options)):
        evidence.found.append(result)
        progress(Phase.CHECKS, f"{result.id}: {result.actual}")
    progress(Phase.CHECKS, f"measuring {evidence.planned} requests")
    turns = iter(range(evidence.planned))
    await asyncio.gather(
        *(
            _measure(probe, options, evidence, turns, last, began=began, deadline=deadline)
            for _ in range(options.concurrency)
        )
    )


async def _measure(
    probe: Probe,
    options: Options,
    evidence: Evidence,
    turns: Iterator[int],
    last: Answer,
    *,
    began: float,
    deadline: float,
) -> None:
    """Take turns until there are none, or one that takes as long as the last answer couldn't end in time."""
    clock = asyncio.get_running_loop().time
    while deadline - clock() > shortest_attempt(options) + last.timings.total and next(turns, None) is not None:
        outcome = await probe(min(options.timeout, deadline - clock()))
        sample = judge(outcome, options, clock() - began)
        if not sample.cut:  # what the deadline cut tells nothing of the service
            evidence.samples.append(sample)
        last = outcome if isinstance(outcome, Answer) else last


def _reached(attempt: Attempt, options: Options) -> bool:
    outcome = attempt.outcome
    return isinstance(outcome, Answer) and (outcome.status < 500 or options.status.accepts(outcome.status))  # noqa: PLR2004 — HTTP's own boundary


def shown_url(parsed: Parsed, options: Options) -> str:
    """The target as every output shows it."""
    url, mark, _ = parsed.target.url.partition("?")
    return f"{url}{mark}***" if mark and options.mask_query else parsed.target.url
