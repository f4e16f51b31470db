"""One request on a connection of its own, and what came of it."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import httpx

from verify.escaping import visible
from verify.options import Options
from verify.outcome import Answer, Failure, Phase, Timings
from verify.resolve import Resolver
from verify.target import Target

_HINTS = {
    Phase.RESOLVE: "a new load balancer's name takes a minute to appear; is the stack deployed, the name right?",
    Phase.CONNECT: "is there a listener on this port, and does the load balancer's security group admit this machine?",
    Phase.TLS: "is this port an HTTPS listener? otherwise use --scheme http",
    Phase.HTTP: "what listens here speaks no HTTP, or too slowly; is it an HTTPS port? see --scheme and --timeout",
}
_ERRNO_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "connection timed out",
}
_SHORTEST_SECRET = 6
"""Shorter words of a header's value are in every page, and masking them would only garble it."""


def user_agent() -> str:
    """How the check names itself in access logs."""
    with suppress(PackageNotFoundError):
        return f"verify/{version('fargate-web')} (post-deploy check)"
    return "verify (post-deploy check)"


def new_transport(target: Target) -> httpx.AsyncHTTPTransport:
    """A transport that keeps no connection, reads no proxy from the environment and follows nothing."""
    return httpx.AsyncHTTPTransport(
        verify=target.scheme == "https",  # a TLS context costs 20 ms, and plain HTTP has no use for it
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )


class Probe:
    """Sends the run's one request, again and again, each time from the name on."""

    def __init__(
        self, target: Target, options: Options, *, transport: httpx.AsyncBaseTransport, resolver: Resolver
    ) -> None:
        self.tls = target.scheme == "https"
        self._target = target
        self._options = options
        self._transport = transport
        self._resolver = resolver
        self._sent = 0
        words = {word for _, value in options.header for word in (value, *value.split())}
        self._secrets = sorted((word for word in words if len(word) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._headers = [
            ("Host", options.host or target.authority),
            ("User-Agent", user_agent()),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),  # nothing to unpack, so nothing that can explode
            ("Connection", "close"),
            *options.header,
        ]

    async def __call__(self, limit: float) -> Answer | Failure:
        """Resolve, connect, ask and read, all within `limit` seconds."""
        marks: dict[str, float] = {"start": asyncio.get_running_loop().time()}
        try:
            async with asyncio.timeout(limit):
                addresses = await self._resolve()
                marks["resolved"] = asyncio.get_running_loop().time()
                return await self._first_that_connects(addresses, limit, marks)
        except (TimeoutError, httpx.TimeoutException):
            phase = self._reached(marks)
            return _failure(phase, f"no {'complete answer' if phase is Phase.HTTP else 'answer'} within {limit:.3g} s")
        except socket.gaierror as error:
            return _failure(Phase.RESOLVE, f"the name does not resolve (yet): {visible(error.strerror or str(error))}")
        except (httpx.TransportError, OSError) as error:
            return self._explained(error, self._reached(marks))

    async def _resolve(self) -> list[str]:
        addresses = await self._resolver(self._target.host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        turn = self._sent % len(addresses)
        self._sent += 1
        return [*addresses[turn:], *addresses[:turn]]

    async def _first_that_connects(self, addresses: list[str], limit: float, marks: dict[str, float]) -> Answer:
        for address in addresses[:-1]:
            try:
                return await self._exchange(address, addresses, limit / len(addresses), marks)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if "connection.connect_tcp.complete" in marks:
                    raise
        return await self._exchange(addresses[-1], addresses, limit / len(addresses), marks)

    async def _exchange(
        self, address: str, addresses: list[str], connect_limit: float, marks: dict[str, float]
    ) -> Answer:
        clock = asyncio.get_running_loop().time

        async def trace(event: str, _: object) -> None:
            marks[event] = clock()

        host = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            self._options.method,
            f"{self._target.scheme}://{host}:{self._target.port}{self._target.path}",
            headers=self._headers,
            extensions={
                "trace": trace,
                "timeout": {"connect": connect_limit},
                "sni_hostname": self._target.host,
            },
        )
        response = await self._transport.handle_async_request(request)
        marks["first_byte"] = clock()
        try:
            body, truncated = await self._read(response)
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code,
            headers=tuple((name.lower(), self._masked(value)) for name, value in _decoded(response.headers.raw)),
            body=body,
            truncated=truncated,
            address=address,
            addresses=tuple(addresses),
            timings=_timings(marks, clock()),
        )

    async def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._options.max_body:
                break
        kept = bytes(body[: self._options.max_body])
        for secret in self._secrets:
            kept = kept.replace(secret.encode("latin-1"), b"***")
        return kept, len(body) > self._options.max_body

    def _reached(self, marks: dict[str, float]) -> Phase:
        """The phase that an attempt was in when it stopped."""
        if "resolved" not in marks:
            return Phase.RESOLVE
        if "connection.connect_tcp.complete" not in marks:
            return Phase.CONNECT
        return Phase.TLS if self.tls and "connection.start_tls.complete" not in marks else Phase.HTTP

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _explained(self, error: Exception, phase: Phase) -> Failure:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = f"the certificate is refused: {visible(self._masked(cause.verify_message))}"
                return Failure(
                    phase=Phase.TLS, reason=reason, hint="does the certificate cover this name, and is it in date?",
                    final=True,
                )  # fmt: skip
            if isinstance(cause, OSError) and cause.errno in _ERRNO_REASONS:
                return _failure(phase, _ERRNO_REASONS[cause.errno])
        text = next((str(cause) for cause in causes if str(cause)), type(error).__name__)
        return _failure(phase, visible(self._masked(text)))


def _failure(phase: Phase, reason: str) -> Failure:
    return Failure(phase=phase, reason=reason, hint=_HINTS[phase])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _decoded(raw: list[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


def _timings(marks: dict[str, float], end: float) -> Timings:
    def between(first: str, last: str) -> float:
        return max(0.0, marks.get(last, 0.0) - marks.get(first, 0.0)) if last in marks and first in marks else 0.0

    tls = "connection.start_tls.complete" in marks
    return Timings(
        resolve=between("start", "resolved"),
        connect=between("connection.connect_tcp.started", "connection.connect_tcp.complete"),
        tls=between("connection.start_tls.started", "connection.start_tls.complete") if tls else None,
        first_byte=between("start", "first_byte"),
        total=end - marks["start"],
    )
