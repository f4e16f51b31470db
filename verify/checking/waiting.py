"""Waiting for a service to become stable: what is tried again, how soon, and until when."""

import random
from collections.abc import Awaitable, Callable

from verify.judging import explain
from verify.judging.attempt import Attempt, judge
from verify.network.outcome import Answer, Failure
from verify.network.runtime import Runtime
from verify.options.groups import Options

ProbeOnce = Callable[[float], Awaitable[Answer | Failure]]
"""Makes one attempt, which ends within the given seconds."""

LONGEST_PAUSE = 15.0
"""Seconds; a resolver may keep a negative answer for longer, so asking more often finds nothing
sooner.
"""

_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


def backoff(failures: int, first: float, rng: random.Random) -> float:
    """Return the pause after so many failures in a row, in seconds.

    It doubles up to a bound, and varies so that clients don't march in step.
    """
    return min(first * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE) * rng.uniform(0.75, 1.0)


def shortest_attempt(options: Options) -> float:
    """Return how long before the deadline no attempt begins any more, in seconds.

    What the last answer took comes on top of it.
    """
    return min(0.5, options.deadline / 10)


async def wait_until_stable(
    probe: ProbeOnce,
    options: Options,
    *,
    runtime: Runtime,
    deadline: float,
    rng: random.Random,
    record: Callable[[Attempt], None],
) -> bool:
    """Probe until enough good answers in a row came.

    Return False when they can't come, or didn't by the deadline.

    Args:
        probe: Makes one attempt.
        options: The options of the check.
        runtime: Its clock, and its pauses.
        deadline: On the runtime's clock; an `options.deadline` of 0 makes one attempt in spite of
            it.
        rng: Spreads the pauses.
        record: Keeps each attempt.
    """
    clock = runtime.clock
    began = clock()
    good_since, good, failures, took = began, 0, 0, 0.0
    while True:
        last = not options.deadline
        started = clock()
        limit = options.timeout
        if not last:
            limit = min(limit, max(deadline - started, shortest_attempt(options)))
        outcome = await probe(limit)
        attempt = judge(outcome, options, clock() - began)
        record(attempt)
        if isinstance(outcome, Answer):
            took = clock() - started
        if attempt.stopped_in is None:
            good_since = good_since if good else clock()
            good += 1
            failures = 0
            pause = options.interval
            if last or (good >= options.stable and clock() - good_since >= options.stable_for):
                return True
        elif last or not worth_another_try(outcome, options):
            return False
        else:
            good = 0
            failures += 1
            pause = backoff(failures, options.interval, rng)
            if isinstance(outcome, Answer):
                pause = max(pause, min(explain.retry_after(outcome), LONGEST_PAUSE))
        time_left = deadline - clock() - shortest_attempt(options) - took
        if time_left <= 0:
            return False
        await runtime.sleep(min(pause, time_left))


def worth_another_try(outcome: Answer | Failure, options: Options) -> bool:
    """Return whether another attempt may succeed after a bad outcome."""
    if isinstance(outcome, Failure):
        return not outcome.final
    return options.retry_mismatch or outcome.status in _TRANSIENT
