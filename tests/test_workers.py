"""How tests are shared among workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workers import EACH_BY_ITSELF, GRAPHS, LONG, rank, unit

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("file", sorted({*LONG, *EACH_BY_ITSELF, *GRAPHS}))
def test_a_file_that_is_listed_exists(file: str) -> None:
    assert (ROOT / file).is_file()


def test_a_files_tests_stay_together_unless_each_makes_what_it_needs() -> None:
    for name in ("test_a", "test_b"):
        assert unit(f"{LONG[0]}::{name}[a::b]") == LONG[0]
        for file in EACH_BY_ITSELF:
            assert unit(f"{file}::{name}") == f"{file}::{name}"


def test_files_that_read_the_same_graphs_stay_together() -> None:
    assert len({unit(f"{file}::test_a") for file in GRAPHS}) == 1


def test_what_takes_long_comes_first() -> None:
    tests = ["tests/a.py::test_a", f"{LONG[1]}::test_b", f"{LONG[0]}::test_c", "tests/b.py::test_d"]
    assert sorted(tests, key=rank) == [tests[2], tests[1], tests[0], tests[3]]
