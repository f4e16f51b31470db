"""One connection at a time: asyncio's streams beneath h11.

An HTTP client's pool, redirects, cookies and proxies are what a check must not have, and it would measure them.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import h11

from verify.values import Door

Step = Literal["connecting", "connected", "secured", "sending", "first_byte"]
"""What an exchange has come to; on a kept connection the first three are missing."""

_LONGEST_HEAD = 100 * 1024
"""Bytes of a status line and headers, or of a chunk's head."""

_BLOCK = 64 * 1024


class Response(NamedTuple):
    """What a server sent, and through which encryption; the body is longer than `max_body` if there was more of it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    secured: ssl.SSLObject | None = None


class Exchange(Protocol):
    """What a probe needs of a network."""

    async def __call__(
        self, to: Door, request: h11.Request, *, connect_limit: float, max_body: int, mark: Callable[[Step], None]
    ) -> Response:
        """Send a request without a body to an address, and read the answer.

        Connecting is bounded by `connect_limit` seconds, the rest by whoever waits for it; `mark` is told of each step.
        Raises `OSError` or `h11.RemoteProtocolError`.
        """


class _Connection:
    """A connection and how far its exchange of messages is; it stays with the address that it was made to."""

    def __init__(self, to: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.to = to
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)

    @property
    def usable(self) -> bool:
        """Whether the server has neither closed it nor said something unasked."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def exchange(self, request: h11.Request, max_body: int, mark: Callable[[Step], None]) -> Response:
        mark("sending")
        self._writer.write((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        head = await self._event()
        while isinstance(head, h11.InformationalResponse):
            head = await self._event()
        if not isinstance(head, h11.Response):
            raise h11.RemoteProtocolError("the server ended the exchange without a response")
        mark("first_byte")
        body = bytearray()
        while len(body) <= max_body and isinstance(event := await self._event(), h11.Data):
            body += event.data
        return Response(head.status_code, tuple(head.headers), bytes(body), self._writer.get_extra_info("ssl_object"))

    async def _event(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(_BLOCK)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise h11.RemoteProtocolError("the server disconnected without sending a response")
            self._http.receive_data(data)
        assert not isinstance(event, type), "what is asked for is never more than one answer"
        return event

    def can_go_on(self) -> bool:
        """Whether another request may follow."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return self.usable

    def end(self) -> None:
        """Close it at once, whatever is still on the way."""
        self._writer.transport.abort()


class Transport:
    """An `Exchange` that connects anew for each, or to `keep` one where the last has left no connection to its address.

    With a `context` it speaks TLS, to whom a certificate names as `server_name`.
    """

    def __init__(self, context: ssl.SSLContext | None, server_name: str, *, keep: bool) -> None:
        self._context = context
        self._server_name = server_name
        self._keep = keep
        self._idle: _Connection | None = None

    async def __call__(
        self, to: Door, request: h11.Request, *, connect_limit: float, max_body: int, mark: Callable[[Step], None]
    ) -> Response:
        """As `Exchange` says."""
        idle, self._idle = self._idle, None
        if idle and (idle.to != to or not idle.usable):
            idle.end()
            idle = None
        connection = idle or await self._connect(to, connect_limit, mark)
        try:
            response = await connection.exchange(request, max_body, mark)
        except BaseException:
            connection.end()
            raise
        self._give_back(connection)
        return response

    async def _connect(self, to: Door, limit: float, mark: Callable[[Step], None]) -> _Connection:
        mark("connecting")
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection(to.host, to.port)
        mark("connected")
        if self._context:
            try:
                await writer.start_tls(self._context, server_hostname=self._server_name)
            except BaseException:
                writer.transport.abort()
                raise
            mark("secured")
        return _Connection(to, reader, writer)

    def _give_back(self, connection: _Connection) -> None:
        if self._keep and self._idle is None and connection.can_go_on():
            self._idle = connection
        else:
            connection.end()

    def close(self) -> None:
        """No more requests follow."""
        if self._idle:
            self._idle.end()
