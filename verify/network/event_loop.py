"""A runtime of asyncio: for watching, and for what only an event loop can do beside a check."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from verify.exit_codes import ExitCode
from verify.network.runtime import BLOCK
from verify.network.threads import STOPPED_BY, addresses_of

_Result = TypeVar("_Result")


class AsyncStream:
    """A connection on asyncio's streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._idle: asyncio.Task[bytes] | None = None

    @property
    def secured(self) -> ssl.SSLObject | None:
        """The TLS session, where there is one."""
        session: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return session

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Shake hands as a client of that name's server."""
        await self._writer.start_tls(context, server_hostname=name)

    async def send(self, data: bytes) -> None:
        """Write the data.

        What does not fit into the system's buffer is written while the answer is waited for.
        """
        self._writer.write(data)

    async def receive(self) -> bytes:
        """Read what is there, nothing at the end of the stream."""
        return await self._reader.read(BLOCK)

    def abort(self) -> None:
        """Close it at once."""
        if self._idle:
            self._idle.cancel()
        self._writer.transport.abort()

    def rest(self) -> None:
        """Watch it while no request is on the way."""
        self._idle = asyncio.ensure_future(self._reader.read(1))

    async def wake(self) -> bool:
        """Whether it can be used again: the server has neither closed it nor sent what was not requested."""
        assert self._idle, "it rests until then"
        await asyncio.sleep(0)  # for what has arrived already
        self._idle.cancel()  # which does nothing to a read that has ended
        await asyncio.gather(self._idle, return_exceptions=True)
        return self._idle.cancelled() and not self._writer.is_closing()


class EventLoop:
    """Tasks of the running event loop."""

    blocking = False
    limit = staticmethod(asyncio.timeout)
    sleep = staticmethod(asyncio.sleep)

    def clock(self) -> float:
        """Seconds on the running loop's clock."""
        return asyncio.get_running_loop().time()

    async def connect(self, address: str, port: int, seconds: float) -> AsyncStream:
        """Connect within that time, or the enclosing limit's."""
        async with asyncio.timeout(seconds):
            return AsyncStream(*await asyncio.open_connection(address, port))

    async def look_up(self, host: str, family: int | None) -> tuple[str, ...]:
        """Ask the operating system, on a thread of its own: `getaddrinfo` can't be stopped, only left behind."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

        def deliver(addresses: tuple[str, ...], error: OSError | None) -> None:
            if answer.done():
                return
            if error:
                answer.set_exception(error)
            else:
                answer.set_result(addresses)

        def ask() -> None:
            found: tuple[str, ...] = ()
            failure = None
            try:
                found = addresses_of(host, family)
            except OSError as error:
                failure = error
            with suppress(RuntimeError):  # the run ended first, and its loop is closed
                loop.call_soon_threadsafe(deliver, found, failure)

        threading.Thread(target=ask, daemon=True).start()
        return await answer

    async def gather(self, steps: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Take steps at the same time, until all have ended."""
        await asyncio.gather(*steps)

    def run(
        self, steps: Sequence[Coroutine[Any, Any, _Result]], stop: Callable[[ExitCode], None]
    ) -> list[_Result | None]:
        """Take steps at the same time; a signal cancels them, and each may still return what it has."""

        async def until_stopped() -> list[_Result | None]:
            tasks = [asyncio.create_task(step) for step in steps]

            def handle(code: ExitCode) -> None:
                stop(code)
                for task in tasks:
                    task.cancel()

            for number, code in STOPPED_BY.items():
                asyncio.get_running_loop().add_signal_handler(number, handle, code)
            return list(await asyncio.gather(*tasks))

        return asyncio.run(until_stopped())
