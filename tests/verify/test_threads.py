"""A runtime of threads: what comes of the steps that it takes, and of signals meanwhile."""

import asyncio
import os
import signal
import socket
import threading
import time

import pytest

from verify.checking.run import chosen_runtime
from verify.checking.still_waiting import StillWaiting
from verify.cli.parser import parse_options
from verify.exit_codes import ExitCode
from verify.network.event_loop import EventLoop
from verify.network.runtime import Runtime, completed
from verify.network.threads import STOPPED_BY, Threads

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
def test_an_exception_of_a_step_is_raised(runtime: type[Runtime]) -> None:
    async def step() -> None:
        raise KeyError("a bug")

    async def gathering() -> None:
        await runtime().gather([step(), runtime().sleep(0.0)])

    for steps in ([step()], [gathering()]):
        with pytest.raises(KeyError, match="a bug"):
            runtime().run(steps, never)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux lets a program choose")
def test_threads_that_take_turns_share_a_processor_as_long_as_they_run() -> None:
    allowed = os.sched_getaffinity(0)
    seen: list[set[int]] = []

    async def step() -> None:
        seen.append(os.sched_getaffinity(0))

    async def fail() -> None:
        raise KeyError("a bug")

    completed(Threads().gather([step(), step(), step()]))
    assert len(seen[0]) == 1
    assert seen[0] < allowed or seen[0] == allowed
    assert seen == [seen[0]] * 3
    assert os.sched_getaffinity(0) == allowed
    with pytest.raises(KeyError):
        completed(Threads().gather([fail(), step()]))
    assert os.sched_getaffinity(0) == allowed
    completed(Threads().gather([step()]))
    assert seen[-1] == allowed, "one alone has nothing to share"


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_where_no_processor_can_be_chosen_threads_run_on_any(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    async def step() -> None:
        done.append(1)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    completed(Threads().gather([step(), step()]))
    assert len(done) == 2


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


def test_only_the_main_thread_takes_a_signal_that_stops_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The kernel gives a signal to any thread that doesn't block it, and wakes no other one up.
    blocked: list[set[int]] = []

    def note(*_: object, **__: object) -> list[tuple[object, ...]]:
        blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", note)
    shown = threading.Event()

    def show() -> None:
        note()
        shown.set()

    async def step() -> None:
        note()
        await Threads().look_up("a.example", None)
        await Threads().start(other()).result()

    async def other() -> None:
        note()

    with StillWaiting(show, (0.0,)):
        assert shown.wait(10)
    Threads().run([step(), other()], never)
    assert len(blocked) >= 5
    assert all(set(STOPPED_BY) <= signals for signals in blocked)
    assert not set(STOPPED_BY) & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_signal_that_does_not_wake_the_main_thread_up_stops_a_run_all_the_same() -> None:
    """One that another thread takes doesn't, nor one just before the main thread waits."""
    began = threading.Event()
    over = threading.Event()
    codes: list[ExitCode] = []

    async def step() -> bool:
        began.set()
        return over.wait(10)

    def interrupt() -> None:
        assert began.wait(10)
        time.sleep(0.05)  # by now the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    other = threading.Thread(target=interrupt)
    other.start()
    Threads().run([step()], codes.append)
    over.set()
    other.join()
    assert codes == [ExitCode.TERMINATED]


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


def test_a_look_up_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
    threads = Threads()

    async def asks() -> None:
        async with threads.limit(0.05):
            await threads.look_up("a.example", None)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        completed(asks())
    assert time.monotonic() - began < 5
    over.set()


def test_a_name_is_looked_up_by_the_system() -> None:
    assert completed(Threads().look_up("localhost", 4)) == ("127.0.0.1",)


def test_the_systems_error_about_an_unknown_name_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="Temporary failure"):
        completed(Threads().look_up("a.example", None))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_of_either_family_is_connected_to(host: str) -> None:
    async def connects(port: int) -> bytes:
        threads = Threads()
        stream = await threads.connect(host, port, 5.0)
        received = await stream.receive()
        stream.abort()
        return received

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        greeting = threading.Thread(target=lambda: _greet(listener), daemon=True)
        greeting.start()
        assert completed(connects(listener.getsockname()[1])) == b"hello"
        greeting.join()


def _greet(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"hello")


@pytest.mark.parametrize(
    ("each", "number", "more", "blocking"),
    [
        ([], 1, [], True),
        (["--concurrency", "50"], 4, [], True),
        (["--concurrency", "50"], 5, [], False),
        ([], 1000, [], False),
        ([], 1, [["--resolver", "192.0.2.53"]], False),
    ],
)
def test_a_run_has_an_event_loop_only_where_it_needs_one(
    each: list[str],
    number: int,
    more: list[list[str]],
    *,
    blocking: bool,
) -> None:
    checks = [parse_options(each)] * number + [parse_options(words) for words in more]
    assert chosen_runtime(checks).blocking == blocking


def test_a_step_that_suspends_without_an_event_loop_is_an_error() -> None:
    async def step() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for one"):
        completed(step())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_started_step_is_taken_beside_the_current_one(runtime: type[Runtime]) -> None:
    order: list[str] = []

    async def step() -> int:
        await runtime().sleep(0.05)
        order.append("step")
        return 1

    async def fail() -> None:
        raise KeyError("a bug")

    async def run() -> None:
        started, failed = runtime().start(step()), runtime().start(fail())
        order.append("current")
        seen = [started.ended]
        assert await started.result() == 1
        assert [*seen, started.ended] == [False, True]
        with pytest.raises(KeyError):
            await failed.result()

    runtime().run([run()], never)
    assert order == ["current", "step"]
