"""One connection at a time beneath httpx's interface: asyncio's streams with h11, the parser that httpx uses itself.

httpx's own transport keeps a pool, and works under any event loop. A check needs neither, and would measure its own
client: a request to a server nearby took twice the time with it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache

import h11
import httpx

from verify.target import DEFAULT_PORTS

_LONGEST_HEAD = 100 * 1024
"""Bytes of a status line and headers, or of a chunk's head."""

_BLOCK = 64 * 1024


class _Connection:
    """A connection and how far its exchange of messages is; it stays with the address that it was made to."""

    def __init__(self, origin: httpx.URL, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.origin = origin
        self.writer = writer
        self._reader = reader
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)

    @property
    def usable(self) -> bool:
        """Whether the server has neither closed it nor said something unasked."""
        return not self._reader.at_eof() and not self.writer.is_closing()

    def send(self, request: httpx.Request) -> None:
        head = _head(request.method, request.url.raw_path, tuple(request.headers.raw))
        self.writer.write((self._http.send(head) or b"") + (self._http.send(h11.EndOfMessage()) or b""))

    async def response(self) -> h11.Response:
        """The head of the answer, after any number of provisional ones."""
        event = await self._event()
        while isinstance(event, h11.InformationalResponse):
            event = await self._event()
        if not isinstance(event, h11.Response):
            raise httpx.RemoteProtocolError("the server ended the exchange without a response")
        return event

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    async def _event(self) -> h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self._reader.read(_BLOCK)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("the server disconnected without sending a response")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
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
        self.writer.transport.abort()


@lru_cache
def _head(method: str, target: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> h11.Request:
    """A run sends the same request again and again."""
    return h11.Request(method=method, target=target, headers=list(headers))


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: _Connection, transport: "Transport") -> None:
        self._connection = connection
        self._transport = transport

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body()

    async def aclose(self) -> None:
        """The answer has been read, or as much of it as was wanted."""
        self._transport.give_back(self._connection)


class Transport(httpx.AsyncBaseTransport):
    """Connects anew for each request, or with `keep` where the one before has left no connection to its address."""

    def __init__(self, context: ssl.SSLContext | None, *, keep: bool) -> None:
        self._context = context
        self._keep = keep
        self._idle: _Connection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request without a body, and read the head of its answer.

        Its extensions are as httpx's own transport has them: `trace` is told of each step, `timeout` bounds connecting,
        and `sni_hostname` is whom the certificate must name.
        """
        trace = request.extensions["trace"]
        connection, self._idle = self._idle, None
        if connection is None or connection.origin != request.url or not connection.usable:
            if connection:
                connection.end()
            connection = await self._connect(request)
        try:
            await trace("http11.send_request_headers.started", {})
            connection.send(request)
            head = await connection.response()
        except BaseException:
            connection.end()
            raise
        return httpx.Response(
            head.status_code,
            headers=list(head.headers),
            stream=_Body(connection, self),
            extensions={"network_stream": connection.writer},
        )

    async def _connect(self, request: httpx.Request) -> _Connection:
        trace = request.extensions["trace"]
        await trace("connection.connect_tcp.started", {})
        try:
            async with asyncio.timeout(request.extensions["timeout"]["connect"]):
                reader, writer = await asyncio.open_connection(
                    request.url.host, request.url.port or DEFAULT_PORTS[request.url.scheme]
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        await trace("connection.connect_tcp.complete", {})
        if self._context:
            await trace("connection.start_tls.started", {})
            try:
                await writer.start_tls(self._context, server_hostname=request.extensions["sni_hostname"])
            except BaseException:
                writer.transport.abort()
                raise
            await trace("connection.start_tls.complete", {})
        return _Connection(request.url, reader, writer)

    def give_back(self, connection: _Connection) -> None:
        """An exchange is over."""
        if self._keep and connection.can_go_on() and self._idle is None:
            self._idle = connection
        else:
            connection.end()

    async def aclose(self) -> None:
        """No more requests follow."""
        if self._idle:
            self._idle.end()
