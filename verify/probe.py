"""One request on a connection of its own, and what came of it."""

import asyncio
import errno
import socket
import ssl
from functools import cache
from ipaddress import ip_address

import h11

from verify import tls
from verify.escaping import visible
from verify.options import Options
from verify.outcome import Answer, Failure, Phase, Timings
from verify.resolve import Resolver, destination
from verify.target import Target, no_balancer
from verify.transport import Exchange, Transport
from verify.values import Door

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


def new_transport(target: Target, *, keep: bool = False, cafile: str | None = None) -> Transport:
    """A transport that trusts `cafile`, or Mozilla's authorities; it may `keep` one idle connection."""
    context = None
    if target.scheme == "https":
        import certifi  # noqa: PLC0415 — plain HTTP has no use for it, nor for the 20 ms that a context costs

        context = ssl.create_default_context(cafile=cafile or certifi.where())
    return Transport(context, target.host, keep=keep)


class _Course:
    """What one attempt has passed, and when."""

    def __init__(self) -> None:
        self.clock = asyncio.get_running_loop().time
        self.addresses: tuple[str, ...] = ()
        self.passed_over: list[str] = []
        self._marks = {"start": self.clock()}

    def mark(self, step: str) -> None:
        """Called as it goes."""
        self._marks[step] = self.clock()

    @property
    def phase(self) -> Phase:
        """The phase that the attempt is in."""
        if not self.addresses:
            return Phase.RESOLVE
        if "sending" in self._marks:
            return Phase.HTTP  # on a kept connection the steps before are missing
        return Phase.TLS if "connected" in self._marks else Phase.CONNECT

    def failed(self, reason: str) -> Failure:
        """The attempt ends here."""
        return Failure(phase=self.phase, reason=reason, hint=_HINTS[self.phase], addresses=self.addresses)

    def timings(self) -> Timings:
        """The attempt ends well, now."""
        return Timings(
            resolve=self._between("start", "resolved"),
            connect=self._between("connecting", "connected"),
            tls=self._between("connected", "secured") if "secured" in self._marks else None,
            first_byte=self._between("start", "first_byte"),
            total=self.clock() - self._marks["start"],
        )

    def _between(self, first: str, last: str) -> float:
        return self._marks[last] - self._marks[first] if first in self._marks and last in self._marks else 0.0


class Probe:
    """Sends the run's one request, again and again, each time from the name on.

    To `keep` a connection for the next request is also to stay with its address for as long as it answers.
    """

    def __init__(
        self, target: Target, options: Options, *, exchange: Exchange, resolver: Resolver, keep: bool = False
    ) -> None:
        self.tls = target.scheme == "https"
        self.target = target
        self.door = destination(target, options)
        self._options = options
        self._exchange = exchange
        self.resolver = resolver
        self._sent = 0
        self._keep = keep
        self._kept: str | None = None
        words = {word for _, value in options.header for word in (value, *value.split())}
        self._secrets = sorted((word for word in words if len(word) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._request = h11.Request(
            method=options.method,
            target=target.path,
            headers=[
                ("Host", options.host or target.authority),
                ("User-Agent", "verify (post-deploy check)"),
                ("Accept", "*/*"),
                ("Accept-Encoding", "identity"),  # nothing to unpack, so nothing that can explode
                *(() if keep else (("Connection", "close"),)),
                *options.header,
            ],
        )

    async def __call__(self, limit: float, address: str | None = None) -> Answer | Failure:
        """Resolve, connect, ask and read, all within `limit` seconds; a given address needs no resolving."""
        outcome = await self._attempt(limit, address or self._kept)
        if self._keep:
            self._kept = outcome.address if isinstance(outcome, Answer) else None
        return outcome

    async def _attempt(self, limit: float, address: str | None) -> Answer | Failure:
        course = _Course()
        try:
            async with asyncio.timeout(limit):
                if address is None:
                    await self._resolve(course)
                    for each in filter(_refusable, course.addresses):
                        return _refused(each, course)
                else:
                    course.addresses = (address,)
                return await self._first_that_connects(course, limit)
        except (h11.RemoteProtocolError, OSError) as error:
            return self._explained(error, course, limit)

    async def _resolve(self, course: _Course) -> None:
        addresses = await self.resolver(self.door.host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        turn = self._sent % len(addresses)
        self._sent += 1
        course.addresses = (*addresses[turn:], *addresses[:turn])
        course.mark("resolved")

    async def _first_that_connects(self, course: _Course, limit: float) -> Answer:
        share = limit / len(course.addresses)
        for address in course.addresses[:-1]:
            try:
                return await self._ask(address, course, share)
            except OSError:
                if course.phase is not Phase.CONNECT:
                    raise
                course.passed_over.append(address)
        return await self._ask(course.addresses[-1], course, share)

    async def _ask(self, address: str, course: _Course, connect_limit: float) -> Answer:
        max_body = self._options.max_body
        response = await self._exchange(
            Door(address, self.door.port),
            self._request,
            connect_limit=connect_limit,
            max_body=max_body,
            mark=course.mark,
        )
        headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        return Answer(
            status=response.status,
            headers=tuple((name.lower(), self._masked(value)) for name, value in headers),
            body=self._masked(response.body[:max_body].decode("latin-1")).encode("latin-1"),
            truncated=len(response.body) > max_body,
            address=address,
            addresses=course.addresses,
            timings=course.timings(),
            passed_over=tuple(course.passed_over),
            tls=tls.seen(response.secured) if response.secured else None,
        )

    def _masked(self, text: str) -> str:
        """A secret that a server sends back gets no further than this."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _explained(self, error: Exception, course: _Course, limit: float) -> Failure:
        if isinstance(error, TimeoutError) and error.errno is None:  # ours, not the system's
            what = "complete answer" if course.phase is Phase.HTTP else "answer"
            return course.failed(f"no {what} within {limit:.3g} s")
        if isinstance(error, socket.gaierror):
            return course.failed(f"the name does not resolve (yet): {visible(error.strerror or str(error))}")
        if isinstance(error, ssl.SSLCertVerificationError):
            reason, hint = tls.refusal(error)
            return course.failed(reason)._replace(phase=Phase.TLS, hint=hint, final=True)
        known = _ERRNO_REASONS.get(error.errno or 0) if isinstance(error, OSError) else None
        return course.failed(known or visible(self._masked(str(error) or type(error).__name__)))


@cache
def _refusable(address: str) -> bool:
    return no_balancer(ip_address(address))


def _refused(address: str, course: _Course) -> Failure:
    """Whoever controls a name's record must not make this machine ask its own metadata service."""
    return Failure(
        phase=Phase.RESOLVE,
        reason=f"the name leads to {visible(address)}, which is no load balancer's address: nothing was sent",
        hint="who controls this name's record? the address of a machine's own services is never checked",
        addresses=course.addresses,
        final=True,
    )
