"""Interface to a clock, connections and concurrency, by threads or by an event loop.

The steps of a run are coroutines. On an event loop they wait as any others do. Without one,
whatever they await returns at once or blocks its thread, so each runs to its end in one go:
`completed` does that. A plain check then starts without asyncio, and its requests cost half the
processor time (docs/adr/0026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from verify.exit_codes import ExitCode

_Result = TypeVar("_Result")
_Result_co = TypeVar("_Result_co", covariant=True)

BLOCK = 64 * 1024
"""Bytes that are read at once."""


class Stream(Protocol):
    """A connection. Each step raises `TimeoutError` when its time is over, or another `OSError`."""

    @property
    def secured(self) -> ssl.SSLSocket | ssl.SSLObject | None:
        """The TLS session, where there is one."""

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Shake hands as a client of that name's server."""

    async def send(self, data: bytes) -> None:
        """Write all of the data."""

    async def receive(self) -> bytes:
        """Read what is there, nothing at the end of the stream."""

    def abort(self) -> None:
        """Close it at once, whatever is still on the way."""

    def is_idle(self) -> bool:
        """Return whether nothing has come since the last answer, not even the end."""


class Started(Protocol[_Result_co]):
    """A step that is taken beside the one that started it."""

    @property
    def ended(self) -> bool:
        """Whether it has a result or an error."""

    async def result(self) -> _Result_co:
        """Wait for its end, and return its result or raise its error."""

    def cancel(self) -> None:
        """End it where that is possible; its result is no longer needed."""


class Runtime(Protocol):
    """Threads or an event loop."""

    blocking: bool
    """Whether nothing suspends."""

    def clock(self) -> float:
        """Return the seconds on the clock that pauses and limits are measured by."""

    async def sleep(self, seconds: float) -> None:
        """Pause."""

    def limit(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Have the steps within raise `TimeoutError` after that time."""

    async def connect(self, address: str, port: int, seconds: float) -> Stream:
        """Connect within that time, or the enclosing limit's."""

    async def look_up(self, host: str, family: int | None) -> tuple[str, ...]:
        """Ask the operating system for a name's addresses.

        Raises:
            socket.gaierror: There are none.
        """

    async def gather(self, steps: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Take steps at the same time, until all have ended."""

    def start(self, step: Coroutine[Any, Any, _Result]) -> Started[_Result]:
        """Take a step beside the current one."""

    def run(
        self,
        steps: Sequence[Coroutine[Any, Any, _Result]],
        stop: Callable[[ExitCode], None],
    ) -> list[_Result | None]:
        """Take steps at the same time until all have ended, or a signal comes.

        After a signal, steps that have not ended have no result.
        """


def completed(step: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in which nothing suspends to its end."""
    try:
        step.send(None)
    except StopIteration as end:
        result: _Result = end.value
        return result
    step.close()
    raise RuntimeError("a step without an event loop waits for one")
