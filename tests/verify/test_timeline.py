"""Answers over time: nothing is lost when slots are merged, and the memory has a bound."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.outcomes import answer, failure
from verify.judging.attempt import Attempt
from verify.judging.report import percentile
from verify.judging.timeline import MOST_NAMES, MOST_SLOTS, OTHERS, Kind, Slot, Timeline
from verify.network.outcome import Phase, Timings


def attempt(
    task: str | None = None, *, status: int = 200, total: float = 0.01, mismatch: str = ""
) -> Attempt:
    outcome = answer(status)._replace(timings=Timings(total=total))
    stopped_in = None if status == 200 else Phase.HTTP
    return Attempt(
        ended=0.0, outcome=outcome, text="", stopped_in=stopped_in, mismatch=mismatch, task=task
    )


@given(st.lists(st.floats(0, 90_000), min_size=1, max_size=300))
def test_each_answer_is_counted_once_in_the_slot_of_its_time(times: list[float]) -> None:
    timeline = Timeline(width=0.1)
    for at in times:
        timeline.add(at, attempt("a"))
    assert len(timeline.slots) <= MOST_SLOTS
    assert sum(slot.tasks["a"] for slot in timeline.slots) == len(times)
    for number, slot in enumerate(timeline.slots):
        start = number * timeline.width
        # A time at the very edge of a slot may be rounded to either side of it.
        inside = sum(start + 1e-6 <= at < start + timeline.width - 1e-6 for at in times)
        touching = sum(start - 1e-6 <= at < start + timeline.width + 1e-6 for at in times)
        assert inside <= slot.tasks["a"] <= touching


@given(st.lists(st.floats(1e-4, 100), min_size=1), st.sampled_from((50, 95, 100)))
def test_a_percentile_is_within_five_percent(seconds: list[float], percent: int) -> None:
    slot = Slot()
    for each in seconds:
        slot.add_latency(each)
    assert slot.latency(percent) == pytest.approx(percentile(sorted(seconds), percent), rel=0.05)


def test_a_slot_without_an_answer_has_no_latency() -> None:
    timeline = Timeline(width=1.0)
    timeline.add(
        0.0, Attempt(ended=0.0, outcome=failure(Phase.CONNECT), text="", stopped_in=Phase.CONNECT)
    )
    assert timeline.slots[0].latency(50) is None
    assert timeline.kinds == [Kind("no answer (connect)", good=False)]


def test_kinds_differ_by_status_and_by_whether_they_are_as_expected() -> None:
    timeline = Timeline(width=1.0)
    for each in (attempt(), attempt(mismatch="200, not 204"), attempt(status=503), attempt()):
        timeline.add(0.0, each)
    assert timeline.slots[0].kinds == {
        Kind("200", good=True): 2,
        Kind("200, not as expected", good=False): 1,
        Kind("503", good=False): 1,
    }


@pytest.mark.slow  # 100,000 answers
def test_identities_that_differ_in_every_answer_take_limited_memory() -> None:
    tracemalloc.start()
    timeline = Timeline(width=0.1)
    for number in range(100_000):
        timeline.add(number / 10, attempt(f"task-{number}", total=0.001 + number % 977 / 1000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 2_000_000
    assert len(timeline.tasks) == MOST_NAMES + 1
    assert sum(slot.tasks[OTHERS] for slot in timeline.slots) == 100_000 - MOST_NAMES
