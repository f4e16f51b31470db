"""What tests start ends with their run, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests import child_pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow  # each test runs pytest with workers

TIMEOUT = 60

DAEMON = """\
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
with open("pids", "a") as pids:
    pids.write(f"{os.getpid()}\\n")
time.sleep(600)
"""
"""A process like the local AWS's daemon, which Ctrl-C in a terminal doesn't stop."""

TESTS = f"""\
import subprocess, sys, time
import pytest

@pytest.fixture
def daemon():
    subprocess.Popen([sys.executable, "-c", {DAEMON!r}], start_new_session=True)
    yield
    time.sleep(600)  # longer than pytest-xdist waits for a worker

@pytest.mark.parametrize("number", range(2))
def test_with_a_daemon(daemon, number):
    time.sleep(600)

def test_that_forgets_its_daemon():
    subprocess.Popen([sys.executable, "-c", {DAEMON!r}], start_new_session=True)
    while not open("pids").read():
        time.sleep(0.02)
"""

CONFTEST = """\
from xdist.workermanage import NodeManager

from tests import leftovers

NodeManager.EXIT_TIMEOUT = 1  # seconds instead of ten
leftovers.ENDING_SECONDS = 0.5
"""
"""What waits for workers and for processes that never end waits for less time."""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run those tests with the plugin in a process group that can be interrupted."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_daemons.py").write_text(TESTS)
    (folder / "pids").touch()
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.leftovers", "-p", "no:cacheprovider"),
            *("-p", "xdist.plugin", "--rootdir", str(folder), "-q", *arguments),
        ],
        cwd=folder,
        env={**os.environ, **child_pytest.ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def daemons(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids").read_text().splitlines()]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "whole_group"),
    [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False)],
    ids=["Ctrl-C in a terminal", "kill -INT", "kill"],
)
def test_an_interrupted_run_leaves_nothing_of_two_workers(
    tmp_path: Path, number: signal.Signals, *, whole_group: bool
) -> None:
    """A terminal interrupts the workers too, `kill` only the process that is named."""
    run = start(tmp_path, "-n2", "-k", "with_a_daemon")
    try:
        until(lambda: len(daemons(tmp_path)) == 2)
        send = os.killpg if whole_group else os.kill
        send(run.pid, number)
        output, _ = run.communicate(timeout=TIMEOUT)
    finally:
        run.kill()
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert not [pid for pid in daemons(tmp_path) if psutil.pid_exists(pid)]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_process_that_a_test_forgets_fails_the_run_and_ends(tmp_path: Path, workers: str) -> None:
    run = start(tmp_path, workers, "-k", "forgets")
    output, _ = run.communicate(timeout=TIMEOUT)
    (pid,) = daemons(tmp_path)
    assert "1 passed" in output
    assert f"left processes behind: {pid} (" in output
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, output
    assert not psutil.pid_exists(pid)
