"""One connection at a time, made anew for each request or kept for the next one."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from verify.network.http1 import (
    ClosedWhileIdleError,
    ConnectError,
    ConnectTimeoutError,
    Exchange,
    Head,
    Headers,
    ProtocolError,
    Request,
)
from verify.network.proxy import Tunnel, connect_through, tunnel_to
from verify.options.groups import Options
from verify.options.target import Target
from verify.options.values import HostPort

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from verify.network.outcome import TlsSeen
    from verify.network.runtime import Runtime, Stream

_IN_FLIGHT = 0.05
"""Seconds, at least, within which what a server did before a request reached it arrives here."""


class Reply(NamedTuple):
    """An answer's head, and its body up to the request's limit."""

    status: int
    headers: Headers
    body: bytes | bytearray
    truncated: bool
    tls: "TlsSeen | None"


class Client(Protocol):
    """Sends requests to addresses."""

    async def exchange(
        self, request: Request, to: HostPort, seconds: float, passed: "Callable[[str], None]"
    ) -> Reply:
        """Connect within `seconds`, send a request and read its answer.

        `passed` is called at each step: connecting, connected, securing, secured, sending,
        first_byte, complete.

        Raises:
            ConnectError: Nothing can be connected to there.
            ProxyRefusedError: The proxy doesn't connect to the service.
            ClosedWhileIdleError: The kept connection is gone, and asking again is right.
            ProtocolError: The answer isn't HTTP/1.1.
            TimeoutError: The time is over.
            OSError: The connection broke.
        """

    async def aclose(self) -> None:
        """Close the client: no more requests follow."""


class _Connection(NamedTuple):
    to: HostPort
    stream: "Stream"
    round_trip: float
    tls: "TlsSeen | None"
    """What the handshake came to: a stream that has ended no longer has it."""


class DirectClient:
    """Connects to an address, and speaks HTTP/1.1 there."""

    def __init__(
        self,
        runtime: "Runtime",
        *,
        context: "ssl.SSLContext | None",
        name: str,
        keep: bool = False,
        tunnel: "Tunnel | None" = None,
    ) -> None:
        """Connect by a runtime.

        With a TLS context to a server of that name, and maybe through a proxy.
        """
        self._runtime = runtime
        self._context = context
        self._name = name
        self._keep = keep
        self._tunnel = tunnel
        self._idle: _Connection | None = None

    async def exchange(
        self, request: Request, to: HostPort, seconds: float, passed: "Callable[[str], None]"
    ) -> Reply:
        """See `Client`."""
        kept = self._idle_connection(to)
        connection = kept or await self._connect(to, seconds, passed)
        stream = connection.stream
        exchange = Exchange(stream, request)
        sent = self._runtime.clock()
        try:
            passed("sending")
            head = await _answered(stream, request, exchange)
            passed("first_byte")
            body, truncated = await exchange.body()
            passed("complete")
        except BaseException as error:
            stream.abort()
            took = self._runtime.clock() - sent
            # Then the server may have closed it before the request arrived.
            early = exchange.silent and took <= max(2 * connection.round_trip, _IN_FLIGHT)
            if kept and early and isinstance(error, (ProtocolError, OSError)):
                raise ClosedWhileIdleError(
                    "the kept connection was closed as the request was sent"
                ) from error
            raise
        if self._keep and exchange.reusable and self._idle is None:
            self._idle = connection
        else:
            stream.abort()
        return Reply(head.status, head.headers, body, truncated, connection.tls)

    async def aclose(self) -> None:
        """Close the kept connection."""
        if self._idle:
            self._idle.stream.abort()

    def _idle_connection(self, to: HostPort) -> _Connection | None:
        """Return the connection that was kept for this, if there is one."""
        kept, self._idle = self._idle, None
        if kept is None:
            return None
        if kept.to != to:
            kept.stream.abort()
            return None
        if not kept.stream.is_idle():
            kept.stream.abort()
            raise ClosedWhileIdleError("the kept connection was closed while it was idle")
        return kept

    async def _connect(
        self, to: HostPort, seconds: float, passed: "Callable[[str], None]"
    ) -> _Connection:
        began = self._runtime.clock()
        passed("connecting")
        try:
            stream = await self._runtime.connect(to.host, to.port, seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError("no connection in time") from error
        except OSError as error:
            raise ConnectError(str(error)) from error
        round_trip = self._runtime.clock() - began
        if self._tunnel:
            try:
                await connect_through(stream, self._tunnel)
            except BaseException:
                stream.abort()
                raise
        passed("connected")
        secured = None
        if self._context:
            passed("securing")
            try:
                await stream.start_tls(self._context, self._name)
                secured = _seen(stream)
            except BaseException:
                stream.abort()
                raise
            passed("secured")
        return _Connection(to, stream, round_trip, secured)


async def _answered(stream: "Stream", request: Request, exchange: Exchange) -> Head:
    """Send a request, and read the head of its answer, which may come before all of a body is sent.

    With TLS 1.3 a server refuses a client's certificate after the handshake, and closes the
    connection: its alert is read even where the request can't be sent any more.
    """
    try:
        await stream.send(request.head() + request.body)
    except (BrokenPipeError, ConnectionResetError):
        if not request.body and stream.secured is None:
            raise
    except OSError as error:
        if stream.secured is None or isinstance(error, TimeoutError):
            raise
    return await exchange.head()


def _seen(stream: "Stream") -> "TlsSeen | None":
    if stream.secured is None:
        return None
    from verify.network.tls import seen  # noqa: PLC0415 — plain HTTP needs no ssl

    return seen(stream.secured)


def new_client(
    target: Target, options: Options, runtime: "Runtime", *, keep: bool = False
) -> Client:
    """Return a client for a run's requests; with `keep` it keeps one idle connection."""
    context = None
    if target.scheme == "https":
        from verify.network.tls import tls_context  # noqa: PLC0415 — plain HTTP needs no ssl

        context = tls_context(target, options)
    return DirectClient(
        runtime, context=context, name=target.host, keep=keep, tunnel=tunnel_to(target, options)
    )
