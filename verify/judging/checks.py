"""From what was seen to frozen results: one per phase, one per check.

Nothing here touches the network.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from verify.exit_codes import ExitCode
from verify.judging import regexes, sampling
from verify.judging.attempt import Attempt
from verify.judging.expectations import Expectation, expectations
from verify.judging.report import Result, Samples, Status, counted, latency, steps
from verify.network.outcome import Answer, Failure, Phase
from verify.options.groups import Options

_SECOND = 0.9995
"""Seconds; from here on three digits of milliseconds would need an exponent."""

_SLOW = 1.0
"""Seconds; a slower answer is named where the deadline left no time."""

_SOON = 30
"""Days; ACM renews its certificates 60 days before their end, so fewer left means that renewing has
failed.
"""

_SHOWN_NAMES = 3
"""Names of a certificate that a line shows."""

_ALL_RUN = "do all tasks run and pass the health check?"
_TOO_FEW_SAMPLES = "raise --deadline, or lower --samples"
_LONGER_BODY = "only the beginning of the body was read: raise --max-body"
_OTHER_VERSION = "is the new version deployed everywhere? --retry-mismatch waits for it"


def phases(*, tls: bool) -> tuple[Phase, ...]:
    """Return the phases of one attempt, in order."""
    if tls:
        return (Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.HTTP)
    return (Phase.RESOLVE, Phase.CONNECT, Phase.HTTP)


def phase_results(
    attempts: Sequence[Attempt], *, ready: bool, tls: bool, options: Options, stopped: bool
) -> Iterator[Result]:
    """Yield a result for each phase: passed, failed with the last error, or not reached.

    `stopped` is whether a signal ended the run.
    """
    for phase in phases(tls=tls):
        tried = [attempt for attempt in attempts if attempt.reached(phase)]
        if not tried or tried[-1] is not attempts[-1]:
            yield Result(
                id=phase, status=Status.SKIP, actual="not reached in the end", attempts=len(tried)
            )
        elif tried[-1].passed(phase):
            yield _passed_in_the_end(phase, tried)
        else:
            last = tried[-1]
            yield Result(
                id=phase,
                status=Status.UNKNOWN if stopped and last.cut else Status.FAIL,
                actual=f"{last.text}{last.quoted}",
                hint=last.hint,
                fault=last.fault,
                duration=last.ended,
                attempts=len(tried),
            )
    yield _stable(attempts, ready=ready, options=options, stopped=stopped)


def _passed_in_the_end(phase: Phase, tried: Sequence[Attempt]) -> Result:
    """Return the result of a phase that the last of these attempts passed."""
    well = [attempt for attempt in tried if attempt.passed(phase)]
    failed = [attempt for attempt in tried if not attempt.passed(phase)]
    text = passed(phase, tried[-1].outcome)
    if failed:
        text += f", after {len(failed)} x {failed[-1].text}"
    return Result(
        id=phase, status=Status.OK, actual=text, duration=well[0].ended, attempts=len(tried)
    )


def passed(phase: Phase, outcome: Answer | Failure) -> str:
    """Describe the result of a passed phase."""
    if isinstance(outcome, Failure):
        return ", ".join(outcome.addresses) if phase is Phase.RESOLVE else "passed"
    timings = outcome.timings
    if phase is Phase.RESOLVE:
        return f"{', '.join(outcome.addresses)} in {_duration(timings.resolve)}"
    if phase is Phase.CONNECT:
        return f"{outcome.address} in {_duration(timings.connect)}"
    if phase is Phase.HTTP:
        return f"{outcome.status} in {_duration(timings.first_byte)}"
    secured = f"{outcome.tls.version}, {outcome.tls.cipher}" if outcome.tls else "passed"
    return f"{secured} in {_duration(timings.tls or 0)}"


def _stable(attempts: Sequence[Attempt], *, ready: bool, options: Options, stopped: bool) -> Result:
    good = sum(attempt.stopped_in is None for attempt in attempts)
    ended = attempts[-1].ended if attempts else None
    wanted = in_a_row(options)
    if ready and options.deadline == 0:
        return Result(
            id=Phase.STABLE, status=Status.SKIP, actual="a single attempt tells nothing about it"
        )
    if ready:
        return Result(
            id=Phase.STABLE, status=Status.OK, actual=wanted, duration=ended, attempts=len(attempts)
        )
    if not good:
        return Result(id=Phase.STABLE, status=Status.SKIP, actual="no good answer yet")
    bad = _last_bad_after_good(attempts)
    if bad is not None:
        return Result(
            id=Phase.STABLE,
            status=Status.FAIL,
            actual=(
                f"{good} good of {len(attempts)} answers, but not in a row; the last other one: "
                f"{bad.text}"
            ),
            expected=wanted,
            hint=bad.hint,
            fault=bad.fault,
            duration=ended,
            attempts=len(attempts),
        )
    reason = "the run was stopped before more" if stopped else "the deadline left no time for more"
    return Result(
        id=Phase.STABLE,
        status=Status.UNKNOWN,
        actual=f"{counted(good, 'good answer')}, and {reason}",
        expected=wanted,
        hint=(
            f"raise --deadline{_slowest(attempts)}, or ask for less with --stable and --stable-for"
        ),
        duration=ended,
        attempts=len(attempts),
    )


def _last_bad_after_good(attempts: Sequence[Attempt]) -> Attempt | None:
    good, bad = False, None
    for attempt in attempts:
        if attempt.stopped_in is None:
            good = True
        elif good:
            bad = attempt
    return bad


def in_a_row(options: Options) -> str:
    """Describe how many good answers count as stable."""
    return f"{counted(options.stable, 'good answer')} in a row"


def _slowest(attempts: Sequence[Attempt]) -> str:
    """Describe the slowest answer, where it is slow enough to have used up the time."""
    took = max((answer.timings.total for answer in _answers(attempts)), default=0.0)
    return f" (an answer took {took:.2g} s)" if took >= _SLOW else ""


def _answers(attempts: Sequence[Attempt]) -> list[Answer]:
    return [one.outcome for one in attempts if isinstance(one.outcome, Answer)]


def check_results(
    samples: Sequence[Attempt], numbers: Samples, options: Options, planned: int
) -> Iterator[Result]:
    """Judge every measured request, and the numbers over all of them, by the options."""
    if planned:
        yield _answered(samples, planned)
    answered = [sample for sample in samples if isinstance(sample.outcome, Answer)]
    for number, expectation in enumerate(expectations(options)):
        yield _expectation_result(expectation, number, answered)
    if planned:
        yield from certificate_results(_answers(samples), options)
        yield from _latencies(numbers.latency, options)
        yield from _tasks(numbers, options, _cookies(samples), whole=len(samples) == planned)


def _expectation_result(
    expectation: Expectation, number: int, answered: Sequence[Attempt]
) -> Result:
    """Judge all answers by one expectation, which is the `number`th of each attempt's."""
    wrong: list[tuple[str, Attempt]] = []
    undecided: list[str] = []
    for sample in answered:
        unmet = sample.unmet[number]
        if unmet is None:
            continue
        if unmet.undecided:
            undecided.append(unmet.seen)
        else:
            wrong.append((unmet.seen, sample))
    met = Result(
        id=expectation.id,
        status=Status.OK,
        expected=expectation.wanted,
        actual=expectation.wanted,
        attempts=len(answered),
    )
    if not answered:
        return met._replace(status=Status.SKIP, actual="nothing answered")
    if wrong:
        return _unmet_result(met, expectation, wrong)
    if undecided:
        actual = f"{undecided[0]} ({len(undecided)} of {len(answered)} answers)"
        return met._replace(status=Status.UNKNOWN, actual=actual, hint=regexes.HINT)
    if expectation.id == "status":
        counts = Counter(sample.text for sample in answered)
        actual = ", ".join(f"{count} x {text}" for text, count in sorted(counts.items()))
        return met._replace(actual=actual)
    return met


def _unmet_result(
    met: Result, expectation: Expectation, wrong: Sequence[tuple[str, Attempt]]
) -> Result:
    """Return the result of an expectation that some answers don't meet.

    Args:
        met: What it would be if all met it.
        expectation: What must hold.
        wrong: What was seen instead, and in which attempt.
    """
    ((most_common, _),) = Counter(seen for seen, _ in wrong).most_common(1)
    typical = next(sample for seen, sample in wrong if seen == most_common)
    quoted = typical.quoted if expectation.id == "status" else ""
    fault = expectation.fault or typical.fault
    hint = typical.hint
    if not hint and fault is ExitCode.WRONG_VERSION:
        hint = _OTHER_VERSION
        of_the_body = expectation.id == "json" or expectation.id.startswith("body-")
        if of_the_body and isinstance(typical.outcome, Answer) and typical.outcome.truncated:
            hint = _LONGER_BODY
    return met._replace(
        status=Status.FAIL,
        actual=f"{most_common} ({len(wrong)} of {met.attempts} answers){quoted}",
        hint=hint,
        fault=fault,
    )


def without_hints_to_go_on(results: Iterable[Result]) -> Iterator[Result]:
    """Drop the hints of undecided results, in a run that a signal stopped before it could decide.

    A regular expression that took too long is undecided in a whole run, too.
    """
    for result in results:
        if result.status is Status.UNKNOWN and result.hint != regexes.HINT:
            yield result._replace(hint="")
        else:
            yield result


def _cookies(samples: Sequence[Attempt]) -> list[str]:
    """Return the names of the cookies for stickiness that some answer has."""
    names: set[str] = set()
    for sample in samples:
        names |= sample.sticky
    return sorted(names)


def _answered(samples: Sequence[Attempt], planned: int) -> Result:
    failures = [sample for sample in samples if isinstance(sample.outcome, Failure)]
    answered = len(samples) - len(failures)
    status = Status.OK
    hint = _unreachable_hint(samples)
    actual = f"{answered} of {counted(planned, 'request')} answered"
    if failures:
        status, hint = Status.FAIL, failures[-1].hint
        actual += f"; {failures[-1].text}"
    elif answered < planned:
        status = Status.UNKNOWN
        hint = f"raise --deadline{_slowest(samples)}, or lower --samples"
        actual += "; the run ended before the rest"
    return Result(
        id="answers",
        status=status,
        expected=f"{planned} answers",
        actual=actual,
        hint=hint,
        fault=failures[-1].fault if failures else None,
        attempts=len(samples),
    )


def _unreachable_hint(samples: Sequence[Attempt]) -> str:
    found: set[str] = set()
    for answer in _answers(samples):
        found.update(answer.unreachable)
    if not found:
        return ""
    addresses = ", ".join(sorted(found))
    return f"could not connect to {addresses} and moved on; --each-address makes that a failure"


def measured(samples: Sequence[Attempt], options: Options) -> Samples:
    """Return the numbers behind the checks."""
    answers = _answers(samples)
    named_by = []
    for sample in samples:
        outcome = sample.outcome
        if isinstance(outcome, Answer) and options.status.accepts(outcome.status):
            named_by.append(sample.task)
    tasks, unnamed = sampling.count_tasks(named_by)
    missing = None
    if options.expect_tasks:
        missing = sampling.miss_probability(options.expect_tasks, sum(tasks.values()))
    return Samples(
        sent=len(samples),
        errors=len(samples) - len(answers),
        latency=latency(answer.timings.total for answer in answers),
        steps=steps(answers),
        tasks=tasks,
        unidentified=unnamed,
        miss_probability=missing,
    )


def certificate_results(answers: Sequence[Answer], options: Options) -> Iterator[Result]:
    """Judge how long the certificate lasts: the one that ends first where several were seen.

    Several are seen while a listener's certificate is replaced.
    """
    shown = [answer.tls for answer in answers if answer.tls]
    if not shown:
        return
    first = min(shown, key=lambda one: one.days_left)
    names = ", ".join(first.names[:_SHOWN_NAMES])
    if len(first.names) > _SHOWN_NAMES:
        names += ", ..."
    soon = first.days_left < _SOON
    yield Result(
        id="certificate",
        status=Status.OK if first.days_left >= options.min_days_left else Status.FAIL,
        actual=f"{counted(round(first.days_left), 'day')} left, {first.version}, for {names}",
        expected=f"at least {counted(options.min_days_left, 'day')} left",
        hint="renewing may have failed: is its validation record still in DNS?" if soon else "",
        fault=ExitCode.BAD_CERTIFICATE,
        attempts=len(shown),
    )


def _latencies(latency: dict[str, float], options: Options) -> Iterator[Result]:
    for rank, bound in options.max_latency:
        took = latency.get(rank)
        if took is None:
            yield Result(id=f"latency-{rank}", status=Status.SKIP, actual="nothing answered")
            continue
        status, hint = Status.OK, ""
        if took > bound:
            status = Status.FAIL
            hint = "are the tasks busy, or far away? --format json says which step took long"
        yield Result(
            id=f"latency-{rank}",
            status=status,
            actual=f"{rank} {_duration(took)}",
            expected=f"at most {_duration(bound)}",
            hint=hint,
        )


def _tasks(
    samples: Samples, options: Options, cookies: Sequence[str], *, whole: bool
) -> Iterator[Result]:
    tasks, unnamed = samples.tasks, samples.unidentified
    expected = options.expect_tasks
    if expected is None and not tasks:
        return
    actual = "no answer names the task that made it"
    if tasks:
        actual = f"{len(tasks)} distinct"
        if unnamed:
            actual += f"; {unnamed} answers name none"
        if expected is not None:
            actual += f"; chance to miss one of {expected}: {samples.miss_probability:.2g}"
    if sampling.skewed(tasks):
        actual += "; the shares are more uneven than chance explains"
    if cookies:
        actual += f"; stickiness is on ({', '.join(cookies)}): a browser stays with one task"
    status, hint = _enough_tasks(samples, options, whole=whole)
    yield Result(
        id="tasks",
        status=status,
        expected=f"at least {expected} distinct" if expected else "",
        actual=actual,
        hint=hint,
        attempts=sum(tasks.values()) + unnamed,
    )


def _enough_tasks(samples: Samples, options: Options, *, whole: bool) -> tuple[Status, str]:
    """Judge the number of tasks that answered; return a hint too.

    `whole` is whether all planned requests were measured.
    """
    tasks, expected = samples.tasks, options.expect_tasks
    if expected is not None and not tasks:
        hint = "let it send its host name, e.g. as a header, and give --identity header:NAME"
        return Status.UNKNOWN, hint
    if sampling.always_new(tasks):
        status = Status.OK if expected is None else Status.UNKNOWN
        return status, sampling.ALWAYS_NEW
    if expected is None or len(tasks) == expected:
        return Status.OK, ""
    if len(tasks) > expected:
        return Status.OK, "more than expected: a rollout may be under way"
    hint = _ALL_RUN if whole else _TOO_FEW_SAMPLES
    if samples.unidentified or not whole:
        # The missing tasks may be among those that name none, or those not asked in time.
        return Status.UNKNOWN, hint
    accepted = options.miss_probability
    if samples.miss_probability is not None and samples.miss_probability > accepted:
        needed = sampling.samples_needed(expected, accepted)
        hint += (
            f" or was one missed by chance? --miss-probability {accepted:g} needs "
            f"--samples {needed}"
        )
    return Status.FAIL, hint


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < _SECOND else f"{seconds:.3g} s"
