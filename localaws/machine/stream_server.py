"""A server of asyncio's streams that leaves no socket open, however it and its handlers end.

asyncio's own server closes its listening sockets only. A connection stays open when its handler is
cancelled before its first step, when the handler doesn't close it, and when it was accepted just
before the server closed (https://github.com/python/cpython/issues/109564). A listening socket stays
open when `asyncio.start_server` is cancelled at its last step.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

_PASSES_UNTIL_CLOSED = 3
"""Of the event loop: it makes the transport of a connection that was just accepted, hands its
streams over, and closes its socket once it was aborted.
"""


class StreamServer:
    """Serves each connection in a separate task."""

    def __init__(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        """Listen to nothing yet.

        Args:
            serve: Serves one connection, which is closed when it returns.
        """
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()
        """Those of all connections that may be open: asyncio keeps these alive."""

        self._closed = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def is_listening(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    async def listen(self, *address: Any, **options: Any) -> None:
        """Accept connections; takes the arguments of `asyncio.start_server`."""
        # It has no step after the sockets are open at which it could be cancelled.
        server = await asyncio.start_server(self._accept, *address, start_serving=False, **options)
        await self._start(server)

    async def listen_unix(self, path: str) -> None:
        """Accept connections at a Unix socket."""
        server = await asyncio.start_unix_server(self._accept, path, start_serving=False)
        await self._start(server)

    async def stop_listening(self) -> None:
        """Accept no further connections; open ones are served to their end."""
        server, self._server = self._server, None
        if server is None:
            return
        loop = asyncio.get_running_loop()
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
        try:
            # What was just accepted gets its transport now, which a closed server refuses.
            await asyncio.sleep(0)
        finally:
            server.close()

    async def close(self) -> None:
        """Accept no further connections, and close the open ones."""
        self._closed = True
        await self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for _ in range(_PASSES_UNTIL_CLOSED):
            await asyncio.sleep(0)

    async def _start(self, server: asyncio.Server) -> None:
        if self._closed:
            server.close()
            return
        self._server = server
        await server.start_serving()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        self._writers.add(writer)
        task.add_done_callback(partial(self._ended, writer))

    def _ended(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            writer.transport.abort()
            return
        error = task.exception()
        if error is not None:
            log.error("a connection's handler failed", exc_info=error)
        writer.close()
