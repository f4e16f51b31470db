"""Sends what a container prints to the log router of its task, by Fluentd's forward protocol.

Docker's log driver `fluentd` does it on AWS: one connection for each container, records with the
same members, and a buffer for what the router doesn't take yet. Sources: the Fluentd Forward
Protocol Specification v1.5 and the MessagePack specification; github.com/moby/moby,
`daemon/logger/fluentd`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterable, Mapping

log = logging.getLogger(__name__)

_PAUSE = 0.1
"""Seconds between two attempts to connect."""

_NANOSECONDS = 10**9


class LogForwarder:
    """The connection of one container to its log router."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[socket.socket]],
        tag: str,
        about: Mapping[str, str],
        *,
        limit: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Start with nothing to send.

        Args:
            connect: Connects to the router, or raises an OSError while that isn't possible.
            tag: Tag of the records.
            about: Members of each record beside the line itself.
            limit: Lines that wait at most; further ones are lost.
            clock: Nanoseconds since 1970.
        """
        self._connect = connect
        self._tag = tag
        self._about = about
        self._limit = limit
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._added = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()
        self._lost = 0
        self._sending = asyncio.create_task(self._send())

    def add(self, lines: Iterable[bytes]) -> None:
        """Send lines as soon as the router takes them."""
        for line in lines:
            if len(self._waiting) >= self._limit:
                self._lost += 1
                continue
            record: dict[str, str | bytes] = {**self._about, "log": line}
            self._waiting.append(message(self._tag, self._clock(), record))
        if self._waiting:
            self._sent.clear()
            self._added.set()

    async def flush(self, time_limit: float) -> None:
        """Wait until all is sent, for `time_limit` seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._sent.wait(), time_limit)

    async def close(self) -> None:
        """Close the connection; what waits is lost."""
        self._sending.cancel()
        with suppress(asyncio.CancelledError):
            await self._sending
        lost = self._lost + len(self._waiting)
        if lost:
            log.info("%s: %d lines didn't reach the log router", self._tag, lost)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        connection: socket.socket | None = None
        try:
            while True:
                if not self._waiting:
                    self._sent.set()
                    self._added.clear()
                    await self._added.wait()
                try:
                    connection = connection or await self._connect()
                    await loop.sock_sendall(connection, self._waiting[0])
                except OSError:
                    if connection is not None:
                        connection.close()
                        connection = None
                    await asyncio.sleep(_PAUSE)
                else:
                    self._waiting.popleft()
        finally:
            if connection is not None:
                connection.close()


def message(tag: str, nanoseconds: int, record: Mapping[str, str | bytes]) -> bytes:
    """Return one record in the protocol's message mode: an array of tag, time and record."""
    seconds, fraction = divmod(nanoseconds, _NANOSECONDS)
    # EventTime is an extension of type 0 with two numbers of four bytes.
    event_time = b"\xd7\x00" + seconds.to_bytes(4, "big") + fraction.to_bytes(4, "big")
    members = [bytes([0x80 | len(record)])]
    for name, value in record.items():
        members += [
            _text(name.encode()),
            _text(value if isinstance(value, bytes) else value.encode()),
        ]
    return b"".join([b"\x93", _text(tag.encode()), event_time, *members])


def _text(value: bytes) -> bytes:
    """Encode a text, which may be any bytes: containers print what they like."""
    size = len(value)
    if size < 2**5:
        return bytes([0xA0 | size]) + value
    if size < 2**8:
        return b"\xd9" + size.to_bytes(1, "big") + value
    if size < 2**16:
        return b"\xda" + size.to_bytes(2, "big") + value
    return b"\xdb" + size.to_bytes(4, "big") + value
