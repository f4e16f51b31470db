"""Latencies in bounded memory against all of them in a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.judging.latencies import Latencies
from verify.judging.report import latency


@given(st.lists(st.floats(1e-6, 1e4), max_size=200))
def test_ranks_are_those_of_a_list_to_three_digits(seconds: list[float]) -> None:
    latencies = Latencies()
    for each in seconds:
        latencies.add(each)
    found = latencies.summary()
    exact = latency(seconds)
    assert found.keys() == exact.keys()
    assert list(found) == list(exact)
    assert found == {rank: pytest.approx(value, rel=0.005) for rank, value in exact.items()}
    if seconds:
        assert (found["min"], found["max"]) == (exact["min"], exact["max"])
        assert found["min"] <= found["p50"] <= found["p99"] <= found["max"]
