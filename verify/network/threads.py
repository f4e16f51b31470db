"""A runtime of plain sockets and threads.

Each step blocks its thread, and every operation has the time that is left.
"""

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from verify.exit_codes import ExitCode
from verify.network.runtime import BLOCK, completed

if TYPE_CHECKING:
    import ssl

_Result = TypeVar("_Result")

FAMILIES = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
STOPPED_BY = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}

_EXACT = 0.005
"""Seconds by which an operation may end too late."""

_NOTICED = 0.2
"""Seconds until a signal is noticed that didn't wake the main thread up."""

_PROCESSOR = 36
"""Which field after the name in `/proc/thread-self/stat` has the processor: the 39th by proc(5),
from the id on.
"""

_now = threading.local()
"""The end of the time that a thread's current step has, as `deadline`."""


def leave_signals_to_the_main_thread() -> None:
    """Block the signals that stop a run, in this thread and those that it starts.

    The kernel may give a signal to any thread. Python handles it in the main thread, which a signal
    that another thread takes doesn't wake up: where it waits for this one, Ctrl-C had no effect.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPED_BY)


def _time_left() -> float:
    deadline: float | None = getattr(_now, "deadline", None)
    left = 3600.0 if deadline is None else deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Limit:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before: float | None = None

    async def __aenter__(self) -> None:
        self._before = getattr(_now, "deadline", None)
        deadline = time.monotonic() + self._seconds
        _now.deadline = deadline if self._before is None else min(self._before, deadline)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _now.deadline = self._before


class SocketStream:
    """A connection on a blocking socket."""

    def __init__(self, connected: socket.socket, timed: float) -> None:
        """Take a connected socket; what it has for a timeout was the time left at `timed`."""
        self._socket = connected
        self._timed = timed
        self.secured: ssl.SSLSocket | None = None

    async def start_tls(self, context: "ssl.SSLContext", name: str) -> None:
        """Shake hands as a client of that name's server."""
        self._set_timeout()
        # It takes the socket over, and closes it where the handshake fails.
        self._socket = self.secured = context.wrap_socket(
            self._socket,
            server_hostname=name,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        self.secured.do_handshake()

    async def send(self, data: bytes) -> None:
        """Write all of the data."""
        self._set_timeout()
        self._socket.sendall(data)

    async def receive(self) -> bytes:
        """Read what is there, nothing at the end of the stream."""
        self._set_timeout()
        if self.secured is None:
            return self._socket.recv(BLOCK)
        from verify.network.tls import received  # noqa: PLC0415 — plain HTTP needs no ssl

        return received(self.secured, BLOCK)

    def _set_timeout(self) -> None:
        """Give the next operation the time that is left.

        Not if it was set a moment ago: it costs a system call.
        """
        left = _time_left()
        now = time.monotonic()
        if now - self._timed > _EXACT:
            self._socket.settimeout(left)
            self._timed = now

    def abort(self) -> None:
        """Close it at once."""
        self._socket.close()

    def is_idle(self) -> bool:
        """Raise: only watching keeps connections, and that has an event loop."""
        raise NotImplementedError


class Threads:
    """A thread for each step that is taken beside others."""

    blocking = True
    clock = staticmethod(time.monotonic)
    limit = _Limit

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        time.sleep(max(0.0, seconds))  # noqa: ASYNC251 — there is no event loop

    async def connect(self, address: str, port: int, seconds: float) -> SocketStream:
        """Connect within that time, or the enclosing limit's."""
        made = socket.socket(family_of(address), socket.SOCK_STREAM)
        try:
            began = time.monotonic()
            left = _time_left()
            made.settimeout(min(seconds, left))
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return SocketStream(made, began if seconds >= left else 0.0)

    async def look_up(self, host: str, family: int | None) -> tuple[str, ...]:
        """Ask the operating system, on a separate thread: `getaddrinfo` can't be stopped."""
        answer: queue.SimpleQueue[tuple[str, ...] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            leave_signals_to_the_main_thread()
            try:
                answer.put(addresses_of(host, family))
            except OSError as error:
                answer.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answer.get(timeout=_time_left())
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(found, OSError):
            raise found
        return found

    async def gather(self, steps: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Take the first step on this thread, and each other one on its own thread."""
        first, *others = steps
        with _one_processor() if others else nullcontext():
            threads = _started(others)
            await first
            for thread in threads:
                thread.join()
                thread.check()

    def start(self, step: Coroutine[Any, Any, _Result]) -> "_Started[_Result]":
        """Take a step on a new thread."""
        return _Started(step)

    def run(
        self, steps: Sequence[Coroutine[Any, Any, _Result]], stop: Callable[[ExitCode], None]
    ) -> list[_Result | None]:
        """Take each step on its own thread.

        A signal leaves them behind: they end with the process.
        """
        events: queue.SimpleQueue[ExitCode | None] = queue.SimpleQueue()

        def handle(number: int, _frame: object) -> None:
            # What a handler raises would end whatever the main thread happens to be doing.
            events.put(STOPPED_BY[signal.Signals(number)])

        before = {}
        if threading.current_thread() is threading.main_thread():  # the only one that may
            before = {number: signal.signal(number, handle) for number in STOPPED_BY}
        try:
            threads = _started(steps, lambda: events.put(None))
            for _ in threads:
                code = _next(events)
                if code is not None:
                    stop(code)
                    return [thread.result for thread in threads]
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        for thread in threads:
            thread.check()
        return [thread.result for thread in threads]


def _next(events: "queue.SimpleQueue[ExitCode | None]") -> ExitCode | None:
    """Wait for an event.

    A signal that comes just before this thread waits doesn't end the wait, nor does one that
    another thread takes: their handlers run after it.
    """
    while True:
        with suppress(queue.Empty):
            return events.get(timeout=_NOTICED)


class _Thread(threading.Thread, Generic[_Result]):
    """Takes a step, and keeps its result or error."""

    def __init__(self, step: Coroutine[Any, Any, _Result], ended: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.result: _Result | None = None
        self._step = step
        self._ended = ended
        self._error: BaseException | None = None

    def run(self) -> None:
        leave_signals_to_the_main_thread()
        try:
            self.result = completed(self._step)
        except BaseException as error:  # noqa: BLE001 — it is raised again by `check`
            self._error = error
        self._ended()

    def check(self) -> None:
        """Raise what the step raised."""
        if self._error:
            raise self._error


class _Started(Generic[_Result]):
    def __init__(self, step: Coroutine[Any, Any, _Result]) -> None:
        (self._thread,) = _started([step])

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    async def result(self) -> _Result:
        self._thread.join()
        self._thread.check()
        return cast("_Result", self._thread.result)

    def cancel(self) -> None:
        """Leave the thread behind: it ends with its step, or with the process."""


@contextmanager
def _one_processor() -> Iterator[None]:
    """Keep this thread, and those that it starts, on the processor on which it runs.

    They take turns anyway, as one at a time holds the interpreter's lock. With several processors
    each turn also wakes another processor up, which cost as much again as the work itself.
    """
    try:
        allowed = os.sched_getaffinity(0)
        # `pathlib` takes 10 ms to import
        with open("/proc/thread-self/stat", encoding="ascii", errors="replace") as status:  # noqa: PTH123
            fields = status.read().rpartition(")")[2].split()
        os.sched_setaffinity(0, {int(fields[_PROCESSOR])})
    except (AttributeError, OSError, ValueError, IndexError):  # only Linux has all of this
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _started(
    steps: Iterable[Coroutine[Any, Any, _Result]], ended: Callable[[], None] = lambda: None
) -> list[_Thread[_Result]]:
    threads = [_Thread(step, ended) for step in steps]
    for thread in threads:
        thread.start()
    return threads


def family_of(address: str) -> socket.AddressFamily:
    """Return the family of a socket for an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def addresses_of(host: str, family: int | None) -> tuple[str, ...]:
    """Return a name's addresses in the system's order, each once."""
    records = socket.getaddrinfo(host, None, family=FAMILIES[family], type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(record[4][0]) for record in records))
