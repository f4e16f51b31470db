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


_IN_FLIGHT = 0.05
"""Seconds, at least, within which what a server did before a request reached it arrives here."""


class ClosedWhileIdleError(httpx.RemoteProtocolError):
    """A kept connection was closed before this request reached its other end, which is no server's fault.

    https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1 has a client send the request again.
    """


class OtherProtocolError(httpx.RemoteProtocolError):
    """What was sent is no HTTP/1.1, and known to be something else: its message is the protocol's name."""


def _other_protocol(start: bytes) -> str:
    """The protocol whose first bytes these are, if it is one that speaks where HTTP/1.1 is expected."""
    if start[:2] in (b"\x15\x03", b"\x16\x03"):  # a TLS record: an alert, or a handshake
        return "TLS"
    if start[:1] == b"\0" and start[3:5] == b"\4\0":  # a SETTINGS frame, its length before it
        return "HTTP/2"
    return ""


class _Connection:
    """A connection and how far its exchange of messages is; it stays with the address that it was made to."""

    def __init__(
        self, origin: httpx.URL, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, round_trip: float
    ) -> None:
        self.origin = origin
        self.in_flight = max(2 * round_trip, _IN_FLIGHT)
        self.silent = True
        self._start = b""
        self._idle: asyncio.Task[bytes] | None = None
        self.writer = writer
        self._reader = reader
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)

    def rest(self) -> None:
        """Wait for the next request, and for whatever the server does meanwhile."""
        self._idle = asyncio.ensure_future(self._reader.read(1))

    async def wake(self) -> bool:
        """Whether it can be used again: the server has neither closed it nor sent what was not requested."""
        assert self._idle, "it rests until then"
        await asyncio.sleep(0)  # for what has arrived already
        self._idle.cancel()  # which does nothing to a read that has ended
        await asyncio.gather(self._idle, return_exceptions=True)
        return self._idle.cancelled() and not self.writer.is_closing()

    def send(self, request: httpx.Request) -> None:
        self.silent = True
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
                self._start = self._start or data[:16]
                self.silent = self.silent and not data
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("the server disconnected without sending a response")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            if other := _other_protocol(self._start):
                raise OtherProtocolError(other) from error
            raise httpx.RemoteProtocolError(str(error)) from error
        assert not isinstance(event, type), "what is asked for is never more than one answer"
        return event

    def can_go_on(self) -> bool:
        """Whether another request may follow."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        unasked, _ = self._http.trailing_data
        self._http.start_next_cycle()
        return not unasked and not self._reader.at_eof() and not self.writer.is_closing()

    def end(self) -> None:
        """Close it at once, whatever is still on the way."""
        if self._idle:
            self._idle.cancel()
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

        Its extensions are as httpx's own transport has them: `trace` is called at each step, `timeout` bounds
        connecting, and `sni_hostname` is the name that the certificate must have.

        Raises:
            ClosedWhileIdleError: The kept connection is gone, and asking again is right.
        """
        trace, clock = request.extensions["trace"], asyncio.get_running_loop().time
        kept = await self._awoken(request.url)
        connection = kept or await self._connect(request)
        sent = clock()
        try:
            await trace("http11.send_request_headers.started", {})
            connection.send(request)
            head = await connection.response()
        except BaseException as error:
            connection.end()
            early = connection.silent and clock() - sent <= connection.in_flight
            if kept and early and isinstance(error, (httpx.RemoteProtocolError, OSError)):
                raise ClosedWhileIdleError("the kept connection was closed as the request was sent") from error
            raise
        return httpx.Response(
            head.status_code,
            headers=list(head.headers),
            stream=_Body(connection, self),
            extensions={"network_stream": connection.writer},
        )

    async def _awoken(self, url: httpx.URL) -> _Connection | None:
        """The connection that was kept for this, if there is one."""
        kept, self._idle = self._idle, None
        if kept is None:
            return None
        try:
            if kept.origin != url:
                kept.end()
                return None
            woken = await kept.wake()
        except BaseException:
            kept.end()
            raise
        if not woken:
            kept.end()
            raise ClosedWhileIdleError("the kept connection was closed while it was idle")
        return kept

    async def _connect(self, request: httpx.Request) -> _Connection:
        trace, clock = request.extensions["trace"], asyncio.get_running_loop().time
        began = clock()
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
        round_trip = clock() - began
        await trace("connection.connect_tcp.complete", {})
        if self._context:
            await trace("connection.start_tls.started", {})
            try:
                await writer.start_tls(self._context, server_hostname=request.extensions["sni_hostname"])
            except BaseException:
                writer.transport.abort()
                raise
            await trace("connection.start_tls.complete", {})
        return _Connection(request.url, reader, writer, round_trip)

    def give_back(self, connection: _Connection) -> None:
        """An exchange is over."""
        if self._keep and connection.can_go_on() and self._idle is None:
            connection.rest()
            self._idle = connection
        else:
            connection.end()

    async def aclose(self) -> None:
        """No more requests follow."""
        if self._idle:
            self._idle.end()
