"""End every process that the tests started, also when a run is interrupted.

A daemon of the local AWS runs in a new session and outlives the command that started it, and
pytest-xdist kills a worker that doesn't end soon after Ctrl-C, before its fixtures have stopped
what they started. Therefore the run puts a variable with a unique value into its environment,
which what the tests start inherits, and looks for processes that have it once all tests are over.
Tasks of the local AWS don't get it: they end with their daemon.
"""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "FARGATE_WEB_TEST_RUN"

_STOP_SECONDS = 40.0
"""How long a daemon may take to stop its tasks, of which each gets 30 seconds by default."""

ENDING_SECONDS = 5.0
"""How long what was stopped by its test may take to be gone."""

_RUN = pytest.StashKey[str]()


def started_by(run: str) -> list[psutil.Process]:
    """Return the processes whose variable has this value, without this one and its parents."""
    ours = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid not in ours and process.environ().get(VARIABLE) == run:
                found.append(process)
    return found


def end(processes: list[psutil.Process]) -> None:
    """Terminate processes, and kill those that don't end in time."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_STOP_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive)


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this run starts; a worker of pytest-xdist inherits the mark of its run."""
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = os.environ[VARIABLE] = uuid.uuid4().hex
        # `timeout` and a CI that cancels a run send SIGTERM, which would end this process at once.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Fail a run whose tests left processes behind; those of an interrupted one just end."""
    yield
    run = session.config.stash.get(_RUN, None)
    if run is None or session.exitstatus == pytest.ExitCode.INTERRUPTED:
        return
    _, left = psutil.wait_procs(started_by(run), timeout=ENDING_SECONDS)
    if left:
        names = ", ".join(f"{each.pid} ({' '.join(each.cmdline())[:100]})" for each in left)
        session.config.get_terminal_writer().line(f"\nThe tests left processes behind: {names}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End what is left; another Ctrl-C or SIGTERM doesn't stop that."""
    run = config.stash.get(_RUN, None)
    if run is None:
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        # What ends may have been starting something.
        while left := started_by(run):
            end(left)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
