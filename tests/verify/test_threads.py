"""A runtime of threads: what comes of the steps that it takes, and of signals meanwhile."""

import asyncio
import signal
import socket
import threading
import time

import pytest

from verify.command_line import parse_options
from verify.event_loop import EventLoop
from verify.exit_codes import ExitCode
from verify.run import chosen_runtime
from verify.runtime import Runtime, completed
from verify.threads import STOPPED_BY, Threads

RUNTIMES: tuple[type[Runtime], ...] = (Threads, EventLoop)


def never(_code: ExitCode) -> None:
    raise AssertionError("nothing stopped it")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_steps_are_taken_at_the_same_time_and_return_their_results(runtime: type[Runtime]) -> None:
    waiting = threading.Barrier(2) if runtime is Threads else None

    async def step(number: int) -> int:
        if waiting:
            waiting.wait(10)
        await runtime().sleep(0.01)
        return number

    assert runtime().run([step(1), step(2)], never) == [1, 2]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_a_step_raises_is_raised(runtime: type[Runtime]) -> None:
    async def step() -> None:
        raise KeyError("a bug")

    async def gathering() -> None:
        await runtime().gather([step(), runtime().sleep(0.0)])

    for steps in ([step()], [gathering()]):
        with pytest.raises(KeyError, match="a bug"):
            runtime().run(steps, never)


@pytest.mark.parametrize("number", STOPPED_BY)
def test_a_signal_at_any_moment_leaves_the_steps_behind(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[ExitCode] = []
    before = signal.getsignal(number)
    start = threading.Thread.start

    async def step() -> int:
        time.sleep(60)  # noqa: ASYNC251 — there is no event loop
        return 1

    def started(thread: threading.Thread) -> None:
        signal.raise_signal(number)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    assert Threads().run([step()], stopped.append) == [None]
    assert stopped == [STOPPED_BY[number]]
    assert signal.getsignal(number) is before


def test_a_limit_holds_within_another() -> None:
    threads = Threads()

    async def waits() -> float:
        began = threads.clock()
        async with threads.limit(0.05):
            stream = await threads.connect("127.0.0.1", port, 60)
            async with threads.limit(60):
                with pytest.raises(TimeoutError):
                    await stream.receive()
            stream.abort()
        return threads.clock() - began

    with socket.create_server(("127.0.0.1", 0)) as listener:  # which accepts, and says nothing
        port = listener.getsockname()[1]
        assert completed(waits()) < 5


@pytest.mark.parametrize(
    ("checks", "blocking"),
    [
        ([[]], True),
        ([["--concurrency", "50"]] * 4, True),
        ([["--concurrency", "50"]] * 5, False),
        ([[]] * 1000, False),
        ([[], ["--resolver", "192.0.2.53"]], False),
    ],
)
def test_a_run_has_an_event_loop_only_where_it_needs_one(checks: list[list[str]], blocking: bool) -> None:  # noqa: FBT001 — what is expected
    assert chosen_runtime([parse_options(words) for words in checks]).blocking == blocking


def test_a_step_that_needs_an_event_loop_says_so() -> None:
    async def step() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for one"):
        completed(step())
