"""Waiting on a clock that jumps: ten minutes of back-off take milliseconds."""

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.outcomes import answer, failure
from tests.verify.virtual_time import run_in_virtual_time
from verify.checking.waiting import LONGEST_PAUSE, backoff, wait_until_stable
from verify.cli.parser import parse_options
from verify.judging.attempt import Attempt
from verify.network.event_loop import EventLoop
from verify.network.outcome import Answer, Failure, Phase

Outcome = Answer | Failure


def wait(
    script: Callable[[int], Outcome], *arguments: str, takes: float = 0.0
) -> tuple[bool, list[Attempt], float]:
    """Wait on the outcomes of a script, each of which takes `takes` seconds.

    Returns:
        Whether the service became stable, the attempts, and the time of the end.
    """
    options = parse_options(arguments)
    attempts: list[Attempt] = []

    async def probe(limit: float) -> Outcome:
        await asyncio.sleep(min(takes, limit))
        if takes <= limit:
            return script(len(attempts))
        return failure(Phase.HTTP)._replace(cut=limit < options.timeout)

    async def main() -> tuple[bool, list[Attempt], float]:
        ready = await wait_until_stable(
            probe,
            options,
            runtime=EventLoop(),
            deadline=options.deadline,
            rng=random.Random(1),
            record=attempts.append,
        )
        return ready, attempts, asyncio.get_running_loop().time()

    return run_in_virtual_time(main())


def test_three_good_answers_in_a_row_are_stable() -> None:
    ready, attempts, ended = wait(lambda _number: answer())
    assert ready
    assert len(attempts) == 3
    assert ended == pytest.approx(2.0)


def test_a_failure_in_between_starts_the_count_again() -> None:
    ready, attempts, _ = wait(lambda number: answer(503) if number == 2 else answer())
    assert ready
    assert [attempt.stopped_in for attempt in attempts] == [
        None,
        None,
        Phase.HTTP,
        None,
        None,
        None,
    ]


def test_stable_for_requires_a_duration_too() -> None:
    ready, attempts, ended = wait(lambda _number: answer(), "--stable-for", "10s")
    assert ready
    assert len(attempts) == 11
    assert ended == pytest.approx(10.0)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_transient_status_is_retried(status: int) -> None:
    assert wait(lambda number: answer(status) if number < 5 else answer())[0]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 501, 505])
def test_any_other_status_ends_the_wait_at_once(status: int) -> None:
    ready, attempts, ended = wait(lambda _number: answer(status))
    assert (ready, len(attempts), ended) == (False, 1, 0.0)


def test_a_404_is_requested_again_with_retry_mismatch() -> None:
    assert wait(lambda number: answer(404) if number < 5 else answer(), "--retry-mismatch")[0]


def test_a_wrong_body_is_requested_again_with_retry_mismatch() -> None:
    ready, attempts, _ = wait(
        lambda number: answer(body=b"old" if number < 2 else b"new"),
        "--retry-mismatch",
        "--body-contains",
        "new",
    )
    assert ready
    assert "not 'new' in the body" in attempts[0].text


def test_a_503_that_is_expected_is_good() -> None:
    assert wait(lambda _number: answer(503), "--status", "503")[0]


@pytest.mark.parametrize("phase", [Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.HTTP])
def test_failures_are_tried_again_until_the_deadline(phase: Phase) -> None:
    ready, attempts, ended = wait(lambda _number: failure(phase), "--deadline", "10m")
    assert not ready
    assert 40 < len(attempts) < 60, "pauses grow to 15 s"
    assert 599 <= ended <= 600


def test_a_final_failure_is_not_tried_again() -> None:
    assert len(wait(lambda _number: failure(Phase.TLS, final=True))[1]) == 1


def test_retry_after_is_honoured_up_to_the_longest_pause() -> None:
    _, _, ended = wait(
        lambda number: answer(503, retry_after="9") if number == 0 else answer(), "--stable", "1"
    )
    assert ended == pytest.approx(9.0)
    _, _, ended = wait(
        lambda number: answer(503, retry_after="999999") if number == 0 else answer(),
        "--stable",
        "1",
    )
    assert ended == pytest.approx(LONGEST_PAUSE)


def test_a_deadline_of_zero_is_one_attempt_with_its_own_time_out() -> None:
    ready, attempts, ended = wait(lambda _number: answer(), "--deadline", "0", takes=3.0)
    assert (ready, len(attempts), ended) == (True, 1, 3.0)
    assert not wait(lambda _number: failure(), "--deadline", "0")[0]


def test_answers_that_never_stay_good_do_not_outlast_the_deadline() -> None:
    ready, _, ended = wait(
        lambda number: answer() if number % 2 else answer(502), "--deadline", "60s"
    )
    assert not ready
    assert 59 <= ended <= 60


@settings(deadline=None)
@given(
    outcomes=st.lists(
        st.sampled_from([answer(), answer(503), answer(503, retry_after="40"), failure()]),
        min_size=1,
    ),
    deadline=st.integers(1, 100_000),
    interval=st.integers(1, 60_000),
    takes=st.floats(0, 20),
)
def test_no_pause_and_no_attempt_passes_the_deadline(
    outcomes: list[Outcome], deadline: int, interval: int, takes: float
) -> None:
    arguments = ("--deadline", f"{deadline}ms", "--interval", f"{interval}ms")
    _, attempts, ended = wait(
        lambda number: outcomes[number % len(outcomes)], *arguments, takes=max(takes, 0.001)
    )
    assert attempts
    assert ended <= deadline / 1000 + 1e-6


@settings(deadline=None)
@given(failures=st.integers(1, 10_000), first=st.floats(0.001, 60), seed=st.integers())
def test_no_pause_after_failures_exceeds_the_longest(
    failures: int, first: float, seed: int
) -> None:
    pause = backoff(failures, first, random.Random(seed))
    assert 0 < pause <= LONGEST_PAUSE
