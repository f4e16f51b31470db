"""One run: wait until the service is stable, measure, report.

This module has the order of these phases only; what each does is elsewhere.
"""

import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import cache, partial
from typing import Any

from verify.checking.closed_ports import EarlyTries
from verify.checking.evidence import Evidence
from verify.checking.job import Job
from verify.checking.still_waiting import StillWaiting
from verify.checking.waiting import shortest_attempt, wait_until_stable, worth_another_try
from verify.exit_codes import ExitCode
from verify.judging import checks, sampling
from verify.judging.attempt import Attempt, attempts_that_count, judge
from verify.judging.report import Report, counted, verdict
from verify.judging.timeline import of_samples
from verify.network.client import Client, new_client
from verify.network.outcome import Answer, Phase
from verify.network.probe import Probe
from verify.network.resolve import Resolver, chosen_resolver
from verify.network.runtime import Runtime
from verify.network.threads import Threads
from verify.options.groups import EXTRA_CHECKS, Options
from verify.options.target import Parsed

Progress = Callable[[str, str], None]
"""Prints a step as it is made: its name, and its result."""

MOST_THREADS = 200
"""With more, for `--all` takes thousands of targets, tasks of an event loop cost less."""


def run(
    jobs: Sequence[Job], *, progress: Callable[[Job, str, str], None], spent: float
) -> tuple[Report, ...]:
    """Make checks over the real network at the same time.

    `spent` seconds of the deadline are gone already.
    """
    runtime = chosen_runtime([job.options for job in jobs])
    evidences = [Evidence() for _ in jobs]
    began = Threads.clock() - spent

    def stop(code: ExitCode) -> None:
        for evidence in evidences:
            evidence.stopped = code

    def report_step(job: Job, step: str, text: str) -> None:
        waiting.printed()
        progress(job, step, text)

    def show_waiting() -> None:
        unfinished = _unfinished(evidences)
        if not unfinished:
            return
        first, *others = unfinished
        phase, text = evidences[first].waits_for()
        if others:
            text += f" (and {len(others)} more)"
        progress(jobs[first], phase, text)

    waiting = StillWaiting(show_waiting)

    def step(job: Job, evidence: Evidence) -> Coroutine[Any, Any, Report]:
        return check(
            job.parsed,
            job.options,
            name=job.name,
            evidence=evidence,
            client=new_client(job.parsed.target, job.options, runtime),
            resolver=chosen_resolver(job.parsed.target, job.options, runtime),
            runtime=runtime,
            progress=partial(report_step, job),
            rng=random.Random(),  # noqa: S311 — spreads pauses, guards nothing
            spent=spent,
        )

    with waiting:
        found = runtime.run(list(map(step, jobs, evidences)), stop)
    reports = []
    for job, evidence, report in zip(jobs, evidences, found, strict=True):
        # A check that a signal left behind has no report: its evidence makes one.
        reports.append(report or _report(*job, evidence, Threads.clock() - began))
    return tuple(reports)


def _unfinished(evidences: Sequence[Evidence]) -> list[int]:
    """Return the indexes of the checks that haven't ended and weren't stopped."""
    found = []
    for index, evidence in enumerate(evidences):
        if not evidence.ended and evidence.stopped is None:
            found.append(index)
    return found


def chosen_runtime(checks: Sequence[Options]) -> Runtime:
    """Return threads, unless an option needs an event loop or they would be too many."""
    threads = sum(options.concurrency for options in checks)
    if threads <= MOST_THREADS and all(options.resolver is None for options in checks):
        return Threads()
    from verify.network.event_loop import EventLoop  # noqa: PLC0415 — costs 40 ms, and is for few

    return EventLoop()


async def check(
    parsed: Parsed,
    options: Options,
    *,
    name: str = "",
    evidence: Evidence,
    client: Client,
    resolver: Resolver,
    runtime: Runtime,
    progress: Progress,
    rng: random.Random,
    spent: float = 0.0,
) -> Report:
    """Check one target; cancelled, it reports the evidence so far."""
    began = runtime.clock() - spent
    probe = Probe(parsed.target, options, client=client, resolver=resolver, runtime=runtime)
    evidence.probe = probe

    def report_step(step: str, text: str) -> None:
        if evidence.stopped is None:  # then the whole report is being written
            progress(step, text)

    report_step(Phase.PARSE, shown_url(parsed, options))
    try:
        await _collect(
            probe,
            options,
            evidence,
            runtime=runtime,
            deadline=began + options.deadline,
            rng=rng,
            progress=report_step,
        )
    except BaseException:
        if evidence.stopped is None:
            raise
    finally:
        evidence.ended = True
        await client.aclose()
    return _report(parsed, options, name, evidence, runtime.clock() - began)


def _report(
    parsed: Parsed, options: Options, name: str, evidence: Evidence, seconds: float
) -> Report:
    """Judge the evidence, whole or not."""
    attempts = attempts_that_count(list(evidence.attempts))
    samples = list(evidence.samples)
    stopped = evidence.stopped is not None
    phases = tuple(
        checks.phase_results(
            attempts_that_count([*attempts, *evidence.stopped_attempt(seconds)]),
            ready=evidence.ready,
            tls=parsed.target.scheme == "https",
            options=options,
            stopped=stopped,
        )
    )
    numbers = checks.measured(samples, options)
    judged = tuple(checks.check_results(samples, numbers, options, evidence.planned))
    if stopped:
        phases = tuple(checks.without_hints_to_go_on(phases))
        judged = tuple(checks.without_hints_to_go_on(judged))
    results = (*evidence.found, *judged)
    ended = verdict(
        (*phases, *results),
        reached=any(_reached(attempt, options) for attempt in attempts),
        stopped=evidence.stopped,
    )
    return Report(
        parsed=parsed,
        url=shown_url(parsed, options),
        name=name,
        started=evidence.started,
        seconds=seconds,
        phases=phases,
        checks=results,
        samples=numbers,
        timeline=cache(partial(of_samples, samples if evidence.planned else attempts)),
        verdict=ended,
        allow_inconclusive=options.allow_inconclusive,
    )


async def _collect(
    probe: Probe,
    options: Options,
    evidence: Evidence,
    *,
    runtime: Runtime,
    deadline: float,
    rng: random.Random,
    progress: Progress,
) -> None:
    """Collect the evidence: attempts until the service is stable, extra checks, and samples."""
    clock = runtime.clock
    began = clock()
    reported: list[tuple[str, str]] = []
    phases = checks.phases(tls=probe.tls)

    def record(attempt: Attempt) -> None:
        evidence.attempts.append(attempt)
        tries.count(good=attempt.stopped_in is None)
        for phase in phases:
            if attempt.passed(phase) and (phase, "") not in reported:
                reported.append((phase, ""))
                progress(phase, checks.passed(phase, attempt.outcome))
        if attempt.stopped_in:
            again = options.deadline and worth_another_try(attempt.outcome, options)
            word = "waiting" if again else "failed"
            line = (attempt.stopped_in, f"{word}: {attempt.text}")
            if reported[-1:] != [line]:
                reported.append(line)
                progress(*line)

    def time_left() -> float:
        return deadline - clock() - shortest_attempt(options)

    tries = EarlyTries(probe, options, time_left, runtime)
    try:
        evidence.ready = await wait_until_stable(
            probe, options, runtime=runtime, deadline=deadline, rng=rng, record=record
        )
        if not evidence.ready or not options.deadline:
            evidence.samples = list(attempts_that_count(evidence.attempts)[-1:])
            return
        progress(Phase.STABLE, checks.in_a_row(options))
        evidence.planned = sampling.planned(options)
        last = evidence.attempts[-1].outcome
        assert isinstance(last, Answer), "a service is stable by answering"
        if any(getattr(options, option.name) for option in EXTRA_CHECKS):
            # Imports what is for few.
            from verify.checking.extra_checks import run_extra_checks  # noqa: PLC0415

            async for result in run_extra_checks(
                probe, options, last, time_left, tries=tries, runtime=runtime
            ):
                evidence.found.append(result)
                progress(Phase.CHECKS, f"{result.id}: {result.actual}")
    finally:
        tries.cancel()
    progress(Phase.CHECKS, f"measuring {counted(evidence.planned, 'request')}")
    turns = iter(range(evidence.planned))
    measure = partial(
        _measure,
        probe,
        options,
        evidence,
        turns,
        last,
        clock=clock,
        began=began,
        deadline=deadline,
    )
    await runtime.gather(measure() for _ in range(options.concurrency))


async def _measure(
    probe: Probe,
    options: Options,
    evidence: Evidence,
    turns: Iterator[int],
    last: Answer,
    *,
    clock: Callable[[], float],
    began: float,
    deadline: float,
) -> None:
    """Send requests until all turns, which `--concurrency` shares, are taken.

    It ends earlier if another request couldn't end in time.
    """
    while deadline - clock() > shortest_attempt(options) + last.timings.total:
        if next(turns, None) is None:
            return
        outcome = await probe(min(options.timeout, deadline - clock()))
        sample = judge(outcome, options, clock() - began)
        if not sample.cut:  # an attempt that the deadline cut proves nothing
            evidence.samples.append(sample)
        last = outcome if isinstance(outcome, Answer) else last


def _reached(attempt: Attempt, options: Options) -> bool:
    """Return whether something other than an error of a server answered."""
    outcome = attempt.outcome
    if not isinstance(outcome, Answer):
        return False
    return outcome.status < 500 or options.status.accepts(outcome.status)  # noqa: PLR2004 — HTTP's own boundary


def shown_url(parsed: Parsed, options: Options) -> str:
    """Return the target's URL as every output shows it."""
    url, mark, _ = parsed.target.url.partition("?")
    return f"{url}{mark}***" if mark and options.mask_query else parsed.target.url
