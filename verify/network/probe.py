"""The run's request, sent again and again, and each outcome: an answer or a failure."""

import errno
import socket
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

from verify.escaping import visible
from verify.network.client import Client
from verify.network.course import Course
from verify.network.http1 import (
    ClosedWhileIdleError,
    ConnectError,
    ConnectTimeoutError,
    MalformedError,
    OtherProtocolError,
    ProtocolError,
)
from verify.network.outcome import Answer, Failure, Phase
from verify.network.proxy import ProxyRefusedError
from verify.network.resolve import NameServerError, Resolver, destination
from verify.network.run_request import is_forwarded, request_of
from verify.network.runtime import Runtime
from verify.options.groups import Options
from verify.options.masking import mask_of
from verify.options.target import Target, no_balancer
from verify.options.values import HostPort

_ERRNO_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "connection timed out",
}
_NO_ADDRESS = (socket.EAI_NODATA, socket.EAI_ADDRFAMILY)
"""What the system says of a name that exists, but not with an address of this kind."""

_MALFORMED = (
    "the answer breaks the rules of HTTP/1.1: see it with `curl -i --raw`, then what made it "
    "or passed it on"
)
_OTHER_PROTOCOLS = {
    "TLS": (
        "it answers in TLS",
        "this is an HTTPS port: give the URL with https://, or --scheme https",
    ),
    "HTTP/2": (
        "it answers in HTTP/2",
        (
            "verify speaks HTTP/1.1: a gRPC or HTTP/2 service is checked through a listener "
            "that takes both"
        ),
    ),
}


class Probe:
    """Sends the run's one request, again and again, each time from the name on.

    To `keep` a connection for the next request is also to stay with its address for as long as it
    answers.
    """

    def __init__(
        self,
        target: Target,
        options: Options,
        *,
        client: Client,
        resolver: Resolver,
        runtime: Runtime,
        keep: bool = False,
    ) -> None:
        self.tls = target.scheme == "https"
        self.target = target
        self.host_port = destination(target, options)
        self._options = options
        self._client = client
        self._runtime = runtime
        self.resolver = resolver
        self._url = f"{target.scheme}://{options.host or target.authority}{target.path}"
        self._sent = 0
        self._keep = keep
        self._kept: str | None = None
        self._course: Course | None = None
        self._forwarded = is_forwarded(target, options)
        self._request = request_of(target, options, keep=keep)

    async def __call__(self, limit: float, address: str | None = None) -> Answer | Failure:
        """Resolve, connect, ask and read, all within `limit` seconds.

        A given address needs no resolving.
        """
        outcome = await self._attempt(limit, address or self._kept)
        if self._keep:
            self._kept = outcome.address if isinstance(outcome, Answer) else None
        return outcome

    def unfinished(self) -> tuple[Phase, float, tuple[str, ...]] | None:
        """Return the current attempt's phase, its seconds so far, and the addresses it has.

        None between attempts.
        """
        course = self._course
        if course is None:
            return None
        return course.phase, course.clock() - course.marks["start"], course.addresses

    async def _attempt(self, limit: float, address: str | None) -> Answer | Failure:
        course = self._course = Course(
            self._runtime.clock, tls=self.tls, proxy=self._options.proxy, forwarded=self._forwarded
        )
        outcome = await self._outcome(limit, address, course)
        self._course = None  # where a signal ends the attempt, it stays
        return outcome

    async def _outcome(self, limit: float, address: str | None, course: Course) -> Answer | Failure:
        try:
            async with self._runtime.limit(limit):
                return await self._within(limit, address, course)
        except (TimeoutError, ConnectTimeoutError):
            return course.out_of_time(limit, self._options.timeout)
        except socket.gaierror as error:
            return self._unresolved(error, course)
        except ProxyRefusedError as error:
            return course.failed(error.reason, error.hint)._replace(final=error.final)
        except (ConnectError, ProtocolError, OSError) as error:
            return self._explained(error, course)

    async def _within(self, limit: float, address: str | None, course: Course) -> Answer | Failure:
        if address is not None:
            course.addresses = (address,)
            try:
                return await self._first_that_connects(course, limit)
            except (ClosedWhileIdleError, ConnectError):
                if address != self._kept or course.phase is Phase.TLS:
                    raise
                course.begin_again()  # as any client does, from the name on
        await self._resolve(course)
        for each in course.addresses:
            if _refusable(each):
                return _refused(each, course)
        return await self._first_that_connects(course, limit)

    async def _resolve(self, course: Course) -> None:
        addresses = await self.resolver(self.host_port.host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NODATA, "the name has no address")
        turn = self._sent % len(addresses)
        self._sent += 1
        course.addresses = (*addresses[turn:], *addresses[:turn])
        course.marks["resolved"] = course.clock()

    async def _first_that_connects(self, course: Course, limit: float) -> Answer:
        share = limit / len(course.addresses)
        for address in course.addresses[:-1]:
            try:
                return await self._exchange(address, course, share)
            except ConnectError:
                if course.phase is not Phase.CONNECT:
                    raise
                course.unreachable.append(address)
        return await self._exchange(course.addresses[-1], course, share)

    async def _exchange(self, address: str, course: Course, connect_limit: float) -> Answer:
        to = HostPort(address, self.host_port.port)
        reply = await self._client.exchange(self._request, to, connect_limit, course.passed)
        answer = Answer(
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            truncated=reply.truncated,
            address=address,
            addresses=course.addresses,
            timings=course.timings(),
            unreachable=tuple(course.unreachable),
            tls=reply.tls,
            url=self._url,
            forwarded=self._forwarded,
        )
        return self._decoded(answer)

    def _decoded(self, answer: Answer) -> Answer:
        """Return an answer with its body decoded, or with the encoding that it is still in."""
        given = [value for name, value in answer.headers if name == "content-encoding"]
        encoding = given[0].strip().lower() if given else ""
        if not answer.body or encoding in ("", "identity"):
            return answer
        from verify.network.decoding import decoded  # noqa: PLC0415 — for few

        limit = self._options.max_body
        body = decoded(answer.body, encoding, limit)
        if body is None:
            return answer._replace(encoding=mask_of(self._options)(encoding, 20))
        truncated = answer.truncated or len(body) > limit
        del body[limit:]
        return answer._replace(body=body, truncated=truncated)

    def _unresolved(self, error: socket.gaierror, course: Course) -> Failure:
        problem = visible(error.strerror or str(error))
        if isinstance(error, NameServerError):
            return course.failed(
                problem,
                "does a server for this name listen there, and answer this machine? see --resolver",
            )
        if self._options.family and error.errno in _NO_ADDRESS:
            other = {4: 6, 6: 4}[self._options.family]
            reason = f"the name has no IPv{self._options.family} address (yet): {problem}"
            return course.failed(
                reason, f"has it only IPv{other} ones? then leave out -{self._options.family}"
            )
        return course.failed(f"the name does not resolve (yet): {problem}")

    def _explained(self, error: Exception, course: Course) -> Failure:
        """Return the failure of an attempt, by the first of the error's causes that explains it."""
        from_service = not course.before_proxy
        text = ""
        for cause in _causes(error):
            if isinstance(cause, OtherProtocolError):
                reason, hint = _OTHER_PROTOCOLS[str(cause)]
                return course.failed(reason, hint if from_service else "")
            if isinstance(cause, MalformedError) and from_service:
                return course.failed(mask_of(self._options)(str(cause)), _MALFORMED)
            refused = _refused_by_tls(cause, course) if self.tls else None
            if refused:
                return refused
            if isinstance(cause, OSError) and cause.errno in _ERRNO_REASONS:
                return course.failed(_ERRNO_REASONS[cause.errno])
            text = text or str(cause)
        return course.failed(mask_of(self._options)(text or type(error).__name__))


@cache
def _refusable(address: str) -> bool:
    return no_balancer(ip_address(address))


def _refused(address: str, course: Course) -> Failure:
    """Refuse an address of this machine's metadata service, which a record may name."""
    return Failure(
        phase=Phase.RESOLVE,
        reason=(
            f"the name resolves to {visible(address)}, which is no load balancer's address: "
            "nothing was sent"
        ),
        hint=(
            "who controls this name's record? the address of a machine's own services is "
            "never checked"
        ),
        addresses=course.addresses,
        final=True,
    )


def _refused_by_tls(cause: BaseException, course: Course) -> Failure | None:
    import ssl  # noqa: PLC0415 — plain HTTP needs none of it

    from verify.network import tls  # noqa: PLC0415

    if isinstance(cause, ssl.SSLCertVerificationError):
        reason, hint = tls.refusal(cause)
        return course.failed(reason)._replace(phase=Phase.TLS, hint=hint, final=True)
    hint = tls.alert_hint(cause) if isinstance(cause, ssl.SSLError) else ""
    if hint:
        # With TLS 1.3 a server refuses a client only after the handshake, where HTTP has begun.
        return course.failed(visible(str(cause)), hint)._replace(phase=Phase.TLS)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
