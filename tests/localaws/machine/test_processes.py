"""Processes end with the one that started them, for every kind of end: real processes, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from localaws.machine.processes import CannotStartError, ChildProcess, Launcher
from tests.localaws.waiting import eventually

pytestmark = pytest.mark.slow  # real processes

ENVIRONMENT = {"PATH": os.defpath}
# A shell with a child, and a grandchild that has left its session.
FAMILY = "sleep 1000.25 & setsid sleep 1000.25 & echo ready; wait"


def sleepers() -> list[int]:
    return [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if "1000.25" in (each.info["cmdline"] or [])
    ]


def descriptors() -> list[Path]:
    """Return what this process has open."""
    return sorted(Path("/proc/self/fd").iterdir())


async def shell(launcher: Launcher, script: str) -> ChildProcess:
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        return await launcher.start_process(
            ["sh", "-c", script], env=ENVIRONMENT, cwd=Path("/"), stdout=nothing, stderr=nothing
        )
    finally:
        os.close(nothing)


async def test_exit_statuses_and_signals_are_distinguished() -> None:
    launcher = Launcher()
    assert await (await shell(launcher, "exit 3")).wait() == 3
    child = await shell(launcher, "sleep 1000.25")
    assert await child.stop(5) == -signal.SIGTERM
    child.signal(signal.SIGKILL)  # to one that is gone: nothing happens
    await launcher.close()


async def test_a_process_that_ignores_sigterm_is_killed_after_the_time_limit() -> None:
    launcher = Launcher()
    child = await shell(launcher, "trap '' TERM; while true; do sleep 0.05; done")
    await asyncio.sleep(0.1)  # for the trap to be set
    assert await child.stop(0.1) == -signal.SIGKILL
    await launcher.close()


async def test_a_program_that_is_not_there_is_an_error_that_names_it() -> None:
    launcher = Launcher()
    with pytest.raises(CannotStartError, match="no-such-program: No such file or directory"):
        await launcher.start_process(
            ["no-such-program"], env=ENVIRONMENT, cwd=Path("/"), stdout=1, stderr=2
        )
    with pytest.raises(CannotStartError, match="No such file or directory"):
        await launcher.start_process(
            ["sh"], env=ENVIRONMENT, cwd=Path("/no/such"), stdout=1, stderr=2
        )
    await launcher.close()


async def test_closing_ends_everything_even_what_left_its_session() -> None:
    launcher = Launcher()
    child = await shell(launcher, FAMILY)
    await eventually(lambda: len(sleepers()) == 2, "the family")
    await launcher.close()
    assert child.ended.result() == -signal.SIGKILL
    assert not sleepers()


async def test_closing_ends_also_the_starts_that_wait() -> None:
    launcher = Launcher()
    starts = [asyncio.create_task(shell(launcher, "sleep 1000.25")) for _ in range(200)]
    await asyncio.sleep(0)  # until they wait for the launcher
    await launcher.close()
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert {type(result) for result in results} == {CannotStartError}
    assert launcher.pid is None
    assert not sleepers()


async def test_a_start_that_is_cancelled_as_its_answer_comes_leaves_neither_process_nor_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launcher = Launcher()
    await (await shell(launcher, "exit 0")).wait()  # the launcher has its own descriptors
    open_before = descriptors()
    answered = Launcher._answered
    for starting in (
        shell(launcher, "sleep 1000.25"),
        launcher.open_socket(None, family=socket.AF_INET, type=socket.SOCK_STREAM),
    ):
        task: asyncio.Task[object] = asyncio.create_task(starting)

        def cancel(self: Launcher, answer: Any, task: asyncio.Task[object] = task) -> None:
            answered(self, answer)
            task.cancel()

        monkeypatch.setattr(Launcher, "_answered", cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
    await eventually(lambda: not sleepers(), "the process to be gone")
    assert descriptors() == open_before
    await launcher.close()


async def test_the_first_process_takes_its_group_along() -> None:
    launcher = Launcher()
    child = await shell(launcher, "sleep 1000.25 & exit 0")
    assert await child.wait() == 0
    await eventually(lambda: not sleepers(), "the end of the group")
    await launcher.close()


async def test_a_killed_launcher_takes_its_children_along_and_the_next_start_has_a_new_one() -> (
    None
):
    launcher = Launcher()
    child = await shell(launcher, "sleep 1000.25 & wait")
    await eventually(sleepers, "the child's child")
    assert launcher._process is not None
    launcher._process.kill()
    assert await child.wait() == -signal.SIGKILL
    await eventually(lambda: not sleepers(), "the end of the group")
    assert await (await shell(launcher, "exit 4")).wait() == 4
    await launcher.close()


async def test_killing_the_starter_leaves_nothing() -> None:
    script = f"""
import asyncio
from pathlib import Path
from localaws.machine.processes import Launcher
async def main():
    launcher = Launcher()
    await launcher.start_process(
        ["sh", "-c", {FAMILY!r}], env={ENVIRONMENT!r}, cwd=Path("/"), stdout=1, stderr=2)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        await eventually(lambda: len(sleepers()) == 2, "the family")
        family = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
    await eventually(lambda: not sleepers(), "the family's end")
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


async def test_the_usage_of_a_process_includes_its_descendants_and_those_that_have_ended() -> None:
    launcher = Launcher()
    spin = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"
    child = await shell(launcher, f"({spin}); ({spin}; sleep 1000.25) & wait")
    idle = await shell(launcher, "sleep 1000.25")
    deadline = time.monotonic() + 20
    used = await child.usage()
    while used.cpu_seconds < 0.02 and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        used = await child.usage()
    assert used.cpu_seconds >= 0.02, "what the two subshells used"
    assert used.memory > 100_000
    assert (await idle.usage()).cpu_seconds < used.cpu_seconds
    await child.stop(0)
    assert await child.usage() == (0, 0)
    await launcher.close()
