"""How tests are shared among workers."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests import child_pytest
from tests.workers import CHANGES_OF_KEYS, GRAPHS, LONG, Collection, Scheduling, rank, unit

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("file", sorted({*LONG, *GRAPHS, *CHANGES_OF_KEYS}))
def test_a_file_that_is_listed_exists(file: str) -> None:
    assert (ROOT / file).is_file()


def test_a_files_tests_stay_together() -> None:
    for name in ("test_a", "test_b"):
        assert unit(f"{LONG[0]}::{name}[a::b]") == LONG[0]


@pytest.mark.parametrize("files", [GRAPHS, CHANGES_OF_KEYS])
def test_files_that_need_the_same_runs_stay_together(files: frozenset[str]) -> None:
    assert len({unit(f"{file}::test_a") for file in files}) == 1


def test_what_takes_long_comes_first() -> None:
    tests = ["tests/a.py::test_a", f"{LONG[1]}::test_b", f"{LONG[0]}::test_c", "tests/b.py::test_d"]
    assert sorted(tests, key=rank) == [tests[2], tests[1], tests[0], tests[3]]


def test_the_scheduler_looks_up_the_position_of_a_test() -> None:
    scheduling = Scheduling(Mock(**{"getvalue.return_value": ["popen"]}))
    worker = Mock()
    scheduling.add_node(worker)
    scheduling.add_node_collection(worker, ["test_a", "test_b"])
    collected = scheduling.registered_collections[worker]
    assert isinstance(collected, Collection)
    assert [collected.index(test) for test in ("test_b", "test_a")] == [1, 0]


PHASES = """\
import time
import pytest

@pytest.fixture
def slow_to_make():
    time.sleep(0.01)

@pytest.fixture
def fails_to_be_made():
    assert not "made"

@pytest.fixture
def fails_to_be_removed():
    yield
    assert not "removed"

def test_passes(): pass
def test_waits(slow_to_make): pass
def test_is_skipped(): pytest.skip("reason")
def test_fails(): assert not "passed"
def test_fails_before(fails_to_be_made): pass
def test_fails_afterwards(fails_to_be_removed): pass
"""


@pytest.mark.slow  # it runs pytest with a worker
def test_a_worker_reports_every_failure_and_only_the_set_up_that_took_time(tmp_path: Path) -> None:
    (tmp_path / "test_phases.py").write_text(PHASES)
    printed = child_pytest.run(
        tmp_path, "-p", "xdist.plugin", "-p", "tests.workers", "-n1", "--durations=0", "-vv"
    )
    assert "1 failed, 3 passed, 1 skipped, 2 errors" in printed
    assert "ERROR at setup of test_fails_before" in printed
    assert "ERROR at teardown of test_fails_afterwards" in printed
    durations = re.findall(
        r"^[0-9.]+s (setup|teardown) +test_phases.py::(.*)", printed, re.MULTILINE
    )
    assert ("setup", "test_waits") in durations
    assert ("setup", "test_passes") not in durations
