"""How `pytest -n auto` and `-n logical` share the tests among pytest-xdist's workers.

A file's tests run in one worker, one after the other, as they may share a stack. What takes longest
starts first, so that no worker is still busy long after the others.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable

CPUS = os.cpu_count() or 1
WORKERS = min(4, 2 * CPUS)
"""More than the CPUs, as engine tests mostly wait; no more, as most have time limits."""

SHORTEST_SHOWN_SECONDS = 0.005
"""What `--durations` leaves out takes less."""

LONG = (
    "tests/engine/test_rehearsals.py",
    "tests/engine/test_rollout.py",
    "tests/engine/test_config_changes.py",
    "tests/engine/test_out_of_band.py",
    "tests/engine/test_remedies.py",
    "tests/engine/test_interrupted.py",
    "tests/engine/test_existing_vpc.py",
    "tests/engine/test_stopped_runs.py",
    "tests/localaws/ecs/scheduler/test_rollouts.py",
    "tests/infra/test_stopped_runs.py",
    "tests/verify/test_watch.py",
    "tests/verify/test_verdicts.py",
    "tests/verify/test_sending.py",
)
"""What starts first, the longest first; what isn't listed follows in its usual order."""

GRAPHS = frozenset(
    {
        "tests/gate/test_catalogues.py",
        "tests/gate/test_permissions.py",
        "tests/gate/test_reachability.py",
        "tests/gate/test_rules.py",
        "tests/gate/test_scanners.py",
        "tests/gate/test_translation.py",
        "tests/infra/costs/test_costs.py",
    }
)
"""Files whose tests need all configurations of the gate, for which the program runs ten times."""

CHANGES_OF_KEYS = frozenset(
    {"tests/engine/test_config_changes.py", "tests/infra/test_config_changes.py"}
)
"""Files whose tests need the effect of each key, for which the program runs a hundred times."""


def unit(nodeid: str) -> str:
    """What a test is handed out with: its file, or files that need the same runs."""
    file = nodeid.partition("::")[0]
    for files in (GRAPHS, CHANGES_OF_KEYS):
        if file in files:
            return min(files)
    return file


def rank(nodeid: str) -> int:
    """Where a test's file comes among those that start first."""
    file = nodeid.partition("::")[0]
    return LONG.index(file) if file in LONG else len(LONG)


class Collection(list[str]):
    """The tests that a worker collected; a test's position is looked up, not searched for."""

    def __init__(self, tests: Iterable[str]) -> None:
        super().__init__(tests)
        self._positions = {test: position for position, test in enumerate(self)}

    def index(self, test: str, *_: Any) -> int:
        """Return the position of a test."""
        return self._positions[test]


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units in the order of their tests, whatever their number of tests."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def add_node_collection(self, node: Any, collection: Iterable[str]) -> None:
        """Keep what a worker collected, of which pytest-xdist asks the position of every test."""
        super().add_node_collection(node, collection)
        # pytest-xdist keeps a list that it makes itself, and none of a worker that replaces another
        # one and has collected other tests.
        if node in self.registered_collections:
            self.registered_collections[node] = Collection(collection)

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        """Count what a worker has yet to run, and forget the units that it has completed.

        pytest-xdist counts after each test, through all tests that the worker was ever given.
        """
        for scope in [scope for scope, tests in workload.items() if all(tests.values())]:
            del workload[scope]
        pending: int = super()._pending_of(workload)
        return pending


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Answer `-n auto`, and `-n logical` by a worker for each CPU.

    A file or a test that is named by itself needs no worker but this process.
    """
    first, *others = config.args
    if not others and Path(first.partition("::")[0]).is_file():
        return 0
    return CPUS if config.option.numprocesses == "logical" else WORKERS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Schedule as described above, unless the command says how (`--dist`)."""
    return Scheduling(config, log) if config.option.dist == "load" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes long first, in a run with workers."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test in a worker, and send only the reports from which something is shown.

    A worker otherwise sends five messages for each test. Thousands of tests take a millisecond or
    two, about what it takes to send, receive and process these messages.
    """
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed or report.duration >= SHORTEST_SHOWN_SECONDS:
            item.ihook.pytest_runtest_logreport(report=report)
    return True
