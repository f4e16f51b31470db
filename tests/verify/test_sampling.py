"""How many requests distinguish N tasks, and where a task's name is read."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.outcomes import answer
from verify.cli.parser import parse_options
from verify.judging.sampling import (
    count_tasks,
    identify,
    miss_probability,
    planned,
    samples_needed,
    skewed,
)
from verify.options.values import DEFAULT_IDENTITY


@pytest.mark.parametrize(
    ("tasks", "once_in_a_thousand", "once_in_a_million"),
    [(1, 1, 1), (2, 11, 21), (3, 20, 37), (4, 29, 53), (6, 48, 86), (10, 88, 153), (20, 194, 328)],
)
def test_the_known_sample_sizes(
    tasks: int, once_in_a_thousand: int, once_in_a_million: int
) -> None:
    assert samples_needed(tasks, 1e-3) == once_in_a_thousand
    assert samples_needed(tasks, 1e-6) == once_in_a_million


@settings(deadline=None)
@given(tasks=st.integers(1, 60), accepted=st.floats(1e-9, 0.5))
def test_the_sample_is_the_smallest_that_keeps_the_stated_probability(
    tasks: int, accepted: float
) -> None:
    samples = samples_needed(tasks, accepted)
    assert samples >= tasks
    assert miss_probability(tasks, samples) <= accepted
    assert tasks == 1 or miss_probability(tasks, samples - 1) > accepted


@settings(deadline=None)
@given(tasks=st.integers(1, 30), samples=st.integers(0, 200))
def test_a_miss_is_certain_below_one_request_a_task_and_less_likely_with_each_more(
    tasks: int, samples: int
) -> None:
    probability = miss_probability(tasks, samples)
    assert 0 <= miss_probability(tasks, samples + 1) <= probability <= 1
    assert (probability == 1) == (samples < tasks)


@pytest.mark.parametrize("tasks", [2, 3, 6])
def test_random_routing_hides_a_task_as_rarely_as_stated(tasks: int) -> None:
    rng = random.Random(20260101)
    accepted, runs = 0.05, 2000
    samples = samples_needed(tasks, accepted)
    missed = 0
    for _ in range(runs):
        seen = {rng.randrange(tasks) for _ in range(samples)}
        missed += len(seen) < tasks
    assert missed / runs <= accepted * 1.25


@pytest.mark.parametrize("tasks", [2, 3, 10])
def test_random_routing_is_rarely_reported_as_uneven(tasks: int) -> None:
    rng = random.Random(20260101)
    reported = 0
    for _ in range(500):
        reported += skewed(Counter(str(rng.randrange(tasks)) for _ in range(200)))
    assert reported <= 1
    assert not skewed({})


def test_the_number_of_samples_follows_the_expected_tasks_unless_configured() -> None:
    assert planned(parse_options([])) == 10
    assert planned(parse_options(["--expect-tasks", "2"])) == 11
    assert planned(parse_options(["--expect-tasks", "2", "--miss-probability", "1e-6"])) == 21
    assert planned(parse_options(["--expect-tasks", "2", "--samples", "4"])) == 4


@pytest.mark.parametrize(
    ("where", "body", "named"),
    [
        (
            f"body-regex:{DEFAULT_IDENTITY}",
            b"<h1>Hello from ip-10-0-0-1.internal</h1>",
            "ip-10-0-0-1.internal",
        ),
        (f"body-regex:{DEFAULT_IDENTITY}", b"<h1>Welcome to nginx!</h1>", None),
        ("body-regex:host-[0-9]+", b"I am host-7.", "host-7"),
        ("header:X-Served-By", b"", "task-a"),
        ("header:X-Other", b"", None),
        ("json:/host/name", b'{"host": {"name": "a"}}', "a"),
        ("json:/hosts/1", b'{"hosts": ["a", "b"]}', "b"),
        ("json:/a~1b/m~0n", b'{"a/b": {"m~n": 3}}', "3"),
        ("json:", b'"a"', "a"),
        ("json:/hosts/x", b'{"hosts": ["a"]}', None),
        ("json:/hosts", b'{"hosts": ["a"]}', None),
        ("json:/a", b"not json", None),
        ("json:/a", b"[" * 100_000, None),
        ("body-regex:(.*)", b"   ", None),
        ("body-regex:(?s)(.*)", b"\x1b[2J::set-output name=x::y", "\x1b[2J::set-output name=x::y"),
        ("body-regex:(?s)(.*)", b"\xff\n", "\\xff"),
    ],
)
def test_a_task_is_identified_by_its_answers(where: str, body: bytes, named: str | None) -> None:
    identity = parse_options(["--identity", where]).identity
    assert identify(answer(body=body, x_served_by="task-a"), identity) == named


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None])))
def test_the_counts_add_up_to_the_samples(named_by: list[str | None]) -> None:
    tasks, unnamed = count_tasks(named_by)
    assert sum(tasks.values()) + unnamed == len(named_by)
    assert list(tasks.values()) == sorted(tasks.values(), reverse=True)
