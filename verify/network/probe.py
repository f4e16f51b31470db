"""The run's request, sent again and again, and each outcome: an answer or a failure."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address

from verify import VERSION
from verify.escaping import visible
from verify.network.client import Client
from verify.network.http1 import (
    ClosedWhileIdleError,
    ConnectError,
    ConnectTimeoutError,
    MalformedError,
    OtherProtocolError,
    ProtocolError,
    Request,
)
from verify.network.outcome import Answer, Failure, Phase, Timings
from verify.network.proxy import ProxyRefusedError, forwarded, tunnel_to
from verify.network.resolve import NameServerError, Resolver, destination
from verify.network.runtime import Runtime
from verify.options.groups import Options
from verify.options.masking import mask_of
from verify.options.target import Target, no_balancer
from verify.options.values import Body, HostPort, Proxy

_HINTS = {
    Phase.RESOLVE: (
        "a new load balancer's name takes a minute to appear; is the stack deployed, the "
        "name right?"
    ),
    Phase.CONNECT: (
        "is there a listener on this port, and does the load balancer's security group admit "
        "this machine?"
    ),
    Phase.TLS: "is this port an HTTPS listener? otherwise use --scheme http",
    Phase.HTTP: (
        "what listens here speaks no HTTP, or too slowly; is it an HTTPS port? see --scheme "
        "and --timeout"
    ),
}
_NO_HTTP_IN_TLS = (
    "does the listener want a client certificate (mutual TLS), or speak another protocol "
    "than HTTP/1.1?"
)
_SLOW = "is the application stuck, or slow? raise --timeout if it may take longer"
_ERRNO_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "connection timed out",
}
_OWN_HEADERS = (
    ("User-Agent", f"verify/{VERSION} (post-deploy check)"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),  # nothing to unpack, so nothing that can explode
)
"""Sent unless one of the same name is given; as with curl, one given without a value is not sent at
all.
"""


_NO_ADDRESS = (socket.EAI_NODATA, socket.EAI_ADDRFAMILY)
"""What the system says of a name that exists, but not with an address of this kind."""

_BROKEN_OFF = (
    "the answer broke off: did the application crash over it, or something on the way time out?"
)
_STILL_COMING = "the answer was still on its way: is its body large, or the application slow?"
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


def _proxy_variable(*, tls: bool) -> str:
    """Return the environment variable by which other clients would find a proxy.

    Its value may hold a password.
    """
    name = "https_proxy" if tls else "http_proxy"
    for variable in (name, name.upper(), "all_proxy", "ALL_PROXY"):
        if os.environ.get(variable):
            return variable
    return ""


def _default_headers(options: Options, body: Body | None) -> Iterator[tuple[str, str]]:
    """See `_OWN_HEADERS`; with a body also its type, and with --json it is what is accepted too."""
    for name, value in _OWN_HEADERS:
        if name == "Accept" and options.json:
            yield name, options.json.content_type
        else:
            yield name, value
    if body is not None:
        yield "Content-Type", body.content_type


def _headers(
    target: Target, options: Options, body: Body | None, *, keep: bool
) -> Iterator[tuple[str, str]]:
    yield "Host", options.host or target.authority
    given = {header.name.lower() for header in options.header}
    defaults = set()
    for name, value in _default_headers(options, body):
        defaults.add(name.lower())
        if name.lower() not in given:
            yield name, value
    if body is not None:
        yield "Content-Length", str(len(body.content))
    if not keep:
        yield "Connection", "close"
    for header in options.header:
        if header.value or header.name.lower() not in defaults:
            yield header.name, header.value


class _Course:
    """The progress of one attempt: the steps that it passed, and when."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        tls: bool,
        proxy: Proxy | None = None,
        forwarded: bool = False,
    ) -> None:
        self.clock = clock
        self._proxy = proxy
        self._forwarded = forwarded
        self.addresses: tuple[str, ...] = ()
        self.unreachable: list[str] = []
        self.marks = {"start": self.clock()}
        self._tls = tls

    def passed(self, step: str) -> None:
        """Record when the client came to a step."""
        self.marks[step] = self.clock()

    def begin_again(self) -> None:
        """Forget the steps that were passed, but not when the attempt started."""
        self.addresses, self.marks = (), {"start": self.marks["start"]}

    @property
    def answered(self) -> bool:
        """Return whether the head of an answer has come."""
        return "first_byte" in self.marks

    @property
    def phase(self) -> Phase:
        """The current phase of the attempt."""
        if not self.addresses:
            return Phase.RESOLVE
        sent = self.marks.get("sending", 0.0)
        if sent > self.marks.get("connecting", 0.0):
            return Phase.HTTP  # on a kept connection the steps before are missing
        if "connected" not in self.marks:
            return Phase.CONNECT
        return Phase.TLS if self._tls and "secured" not in self.marks else Phase.HTTP

    def failed(self, reason: str, hint: str = "") -> Failure:
        """End the attempt with a failure in its current phase."""
        hint = hint or self._likely
        if self.phase in (Phase.RESOLVE, Phase.CONNECT) and self._proxy is None:
            variable = _proxy_variable(tls=self._tls)
            if variable:
                hint = f"{hint}; verify takes no proxy from {variable}, only from --proxy"
        return Failure(phase=self.phase, reason=reason, hint=hint, addresses=self.addresses)

    @property
    def before_proxy(self) -> bool:
        """Return whether the proxy in front of the service hasn't answered yet."""
        early = self.phase in (Phase.RESOLVE, Phase.CONNECT) or self._forwarded
        return self._proxy is not None and early and not self.answered

    @property
    def _likely(self) -> str:
        if self._proxy and self.before_proxy:
            return (
                f"is there an HTTP proxy at {HostPort(self._proxy.host, self._proxy.port)}, "
                "which this machine may use?"
            )
        if self.answered:
            return _BROKEN_OFF
        return _NO_HTTP_IN_TLS if self._tls and self.phase is Phase.HTTP else _HINTS[self.phase]

    def out_of_time(self, limit: float, timeout: float) -> Failure:
        """End the attempt after `limit` seconds; fewer than `timeout` are all the deadline left."""
        what = "complete answer" if self.phase is Phase.HTTP else "answer"
        failure = self.failed(f"no {what} within {limit:.3g} s")._replace(timed_out=True)
        if limit < timeout:
            reason = f"{failure.reason}, which was all that the deadline left"
            hint = _STILL_COMING if self.answered else failure.hint
            return failure._replace(reason=reason, hint=f"raise --deadline; {hint}", cut=True)
        if failure.phase is Phase.HTTP:
            hint = _SLOW
            if not (self._tls or self.answered):
                hint = f"{_SLOW}; is it an HTTPS port? see --scheme"
            return failure._replace(hint=hint)
        return failure

    def timings(self) -> Timings:
        """End the attempt well, and return how long its steps took."""
        tls = self._between("securing", "secured")
        return Timings(
            resolve=self._between("start", "resolved"),
            connect=self._between("connecting", "connected"),
            tls=tls if self._tls else None,
            first_byte=self._between("start", "first_byte"),
            total=self._between("start", "complete"),
        )

    def _between(self, first: str, last: str) -> float:
        if first in self.marks and last in self.marks:
            return self.marks[last] - self.marks[first]
        return 0.0


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
        self._course: _Course | None = None
        body = options.data if options.json is None else options.json
        headers = tuple(_headers(target, options, body, keep=keep))
        path = target.path
        self._forwarded = options.proxy is not None and tunnel_to(target, options) is None
        if options.proxy and self._forwarded:
            path, credentials = forwarded(target, options.proxy)
            headers += credentials
        method = options.method or ("GET" if body is None else "POST")
        self._request = Request(
            method, path, headers, options.max_body, b"" if body is None else body.content
        )

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
        course = self._course = _Course(
            self._runtime.clock, tls=self.tls, proxy=self._options.proxy, forwarded=self._forwarded
        )
        outcome = await self._outcome(limit, address, course)
        self._course = None  # where a signal ends the attempt, it stays
        return outcome

    async def _outcome(
        self, limit: float, address: str | None, course: _Course
    ) -> Answer | Failure:
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

    async def _within(self, limit: float, address: str | None, course: _Course) -> Answer | Failure:
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

    async def _resolve(self, course: _Course) -> None:
        addresses = await self.resolver(self.host_port.host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NODATA, "the name has no address")
        turn = self._sent % len(addresses)
        self._sent += 1
        course.addresses = (*addresses[turn:], *addresses[:turn])
        course.marks["resolved"] = course.clock()

    async def _first_that_connects(self, course: _Course, limit: float) -> Answer:
        share = limit / len(course.addresses)
        for address in course.addresses[:-1]:
            try:
                return await self._exchange(address, course, share)
            except ConnectError:
                if course.phase is not Phase.CONNECT:
                    raise
                course.unreachable.append(address)
        return await self._exchange(course.addresses[-1], course, share)

    async def _exchange(self, address: str, course: _Course, connect_limit: float) -> Answer:
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

    def _unresolved(self, error: socket.gaierror, course: _Course) -> Failure:
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

    def _explained(self, error: Exception, course: _Course) -> Failure:
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


def _refused(address: str, course: _Course) -> Failure:
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


def _refused_by_tls(cause: BaseException, course: _Course) -> Failure | None:
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
