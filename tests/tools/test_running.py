"""Commands of set-up: errors, progress and time limits, and no process survives an interrupt."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tools import running
from tools.running import TAIL_LINES, CommandFailedError, reminders, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_failed_command_is_reported_by_exit_code_and_last_lines() -> None:
    script = "for i in $(seq 1 100); do echo line $i; done; exit 7"
    with pytest.raises(CommandFailedError) as failure:
        run(["sh", "-c", script], what="counting")
    lines = str(failure.value).splitlines()
    assert lines[0] == "counting: exit code 7"
    assert [line.strip() for line in lines[1:]] == [
        f"line {n}" for n in range(101 - TAIL_LINES, 101)
    ]


def test_a_missing_command_is_reported_by_name() -> None:
    with pytest.raises(CommandFailedError, match="no-such-command"):
        run(["no-such-command"], what="trying")


def test_a_command_out_of_time_is_ended() -> None:
    with pytest.raises(CommandFailedError, match=r"sleeping: not done after 0 s"):
        run(["sleep", "60"], what="sleeping", timeout_seconds=0.1)


@pytest.mark.slow  # waits for the time limit of a remaining process
def test_processes_that_a_command_leaves_running_are_ended(tmp_path: Path) -> None:
    run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid"], what="leaving a process")
    assert_ends(int((tmp_path / "pid").read_text()))


def test_progress_is_printed_at_first_more_often(
    printed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert list(itertools.islice(reminders(), 6)) == [2, 10, 30, 60, 90, 120]
    first_is_printed = tmp_path / "printed"

    def two_reminders() -> Iterator[float]:
        yield 0.05
        first_is_printed.touch()
        yield 30

    monkeypatch.setattr(running, "reminders", two_reminders)
    script = f"until [ -e {first_is_printed} ]; do sleep 0.01; done"
    run(["sh", "-c", script], what="sleeping")
    assert printed == ["  … sleeping: 0 s"]


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_ends_its_commands(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    # A shell that ignores the interrupt itself, with a child: the group has to be ended, not only
    # the command.
    command = f"trap '' INT; sleep 60 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"
    code = (
        "import signal, sys; from tools.running import run\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "run(['sh', '-c', sys.argv[1]], what='waiting')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, command], stderr=subprocess.DEVNULL
    ) as set_up:
        deadline = time.monotonic() + 30
        while not pid.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        set_up.send_signal(number)
    assert set_up.returncode != 0
    assert_ends(int(pid.read_text()))


def test_an_interrupt_while_a_command_starts_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            started.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(["sleep", "60"], what="sleeping")
    (pid,) = started
    assert_ends(pid)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def assert_ends(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(timeout=10)
    except psutil.NoSuchProcess:
        return
