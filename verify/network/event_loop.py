"""A runtime of asyncio: for watching, and for what only an event loop can do beside a check."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from verify.exit_codes import ExitCode
from verify.network.runtime import BLOCK
from verify.network.threads import STOPPED_BY, addresses_of, family_of

_Result = TypeVar("_Result")


class AsyncStream:
    """A connection on a socket of the running event loop.

    Not on asyncio's streams: those drop what has arrived once something can't be written, and so
    lose the alert of a server that refuses a client after the handshake.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = connected
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._sending: asyncio.Future[None] | None = None
        self.secured: ssl.SSLObject | None = None

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Shake hands as a client of that name's server."""
        self.secured = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                self.secured.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._take()
            except ssl.SSLError:
                with suppress(OSError):  # the reason counts more than a clean end for the server
                    await self._flush()
                raise
            else:
                await self._flush()
                return

    async def send(self, data: bytes) -> None:
        """Write the data.

        What does not fit into the system's buffer is written while the answer is waited for, which
        may come first and shows best why nothing more can be written.
        """
        if self.secured:
            self.secured.write(data)
            data = self._outgoing.read()
        self._sending = asyncio.ensure_future(self._loop.sock_sendall(self._socket, data))
        self._sending.add_done_callback(_retrieve)

    async def receive(self) -> bytes:
        """Read what is there, nothing at the end of the stream."""
        if self.secured is None:
            return await self._loop.sock_recv(self._socket, BLOCK)
        while True:
            try:
                return self.secured.read(BLOCK)
            except ssl.SSLWantReadError:
                if self._sending is None or self._sending.done():
                    await self._flush()  # an update of the keys, for example
                await self._take()
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""

    def abort(self) -> None:
        """Close it at once."""
        if self._sending and not self._sending.done():
            # Before the next socket gets its number, and would lose its own writer.
            self._loop.remove_writer(self._socket)
            self._sending.cancel()
        self._socket.close()

    def is_idle(self) -> bool:
        """Return whether nothing has come since the last answer, not even the end."""
        while True:
            if self.secured:
                try:
                    self.secured.read(1)
                except ssl.SSLWantReadError:  # which took session tickets, if there were any
                    pass
                except ssl.SSLError:
                    return False
                else:
                    return False
            try:
                data = self._socket.recv(BLOCK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if self.secured is None or not data:
                return False
            self._incoming.write(data)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._socket, self._outgoing.read())

    async def _take(self) -> None:
        data = await self._loop.sock_recv(self._socket, BLOCK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def _retrieve(sending: "asyncio.Future[None]") -> None:
    """Mark a failure to write as retrieved, since reading raises it too."""
    if not sending.cancelled():
        sending.exception()


class _Started(Generic[_Result]):
    def __init__(self, task: "asyncio.Task[_Result]") -> None:
        self._task = task

    @property
    def ended(self) -> bool:
        return self._task.done()

    async def result(self) -> _Result:
        return await self._task

    def cancel(self) -> None:
        self._task.cancel()


class EventLoop:
    """Tasks of the running event loop."""

    blocking = False
    limit = staticmethod(asyncio.timeout)
    sleep = staticmethod(asyncio.sleep)

    def clock(self) -> float:
        """Return the seconds on the running loop's clock."""
        return asyncio.get_running_loop().time()

    async def connect(self, address: str, port: int, seconds: float) -> AsyncStream:
        """Connect within that time, or the enclosing limit's."""
        made = socket.socket(family_of(address), socket.SOCK_STREAM)
        try:
            made.setblocking(False)  # noqa: FBT003 — the name of the method says what it sets
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(made, (address, port))
        except BaseException:
            made.close()
            raise
        return AsyncStream(made)

    async def look_up(self, host: str, family: int | None) -> tuple[str, ...]:
        """Ask the operating system, on a separate thread: `getaddrinfo` can't be stopped."""
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

    def start(self, step: Coroutine[Any, Any, _Result]) -> "_Started[_Result]":
        """Take a step as another task."""
        return _Started(asyncio.create_task(step))

    def run(
        self, steps: Sequence[Coroutine[Any, Any, _Result]], stop: Callable[[ExitCode], None]
    ) -> list[_Result | None]:
        """Take steps at the same time; a signal cancels them, and each may return what it has."""

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
