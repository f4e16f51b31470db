"""The progress of one attempt, and what a failure in each of its phases may come from."""

import os
from collections.abc import Callable

from verify.network.outcome import Failure, Phase, Timings
from verify.options.values import HostPort, Proxy

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
_BROKEN_OFF = (
    "the answer broke off: did the application crash over it, or something on the way time out?"
)
_STILL_COMING = "the answer was still on its way: is its body large, or the application slow?"


def _proxy_variable(*, tls: bool) -> str:
    """Return the environment variable by which other clients would find a proxy.

    Its value may hold a password.
    """
    name = "https_proxy" if tls else "http_proxy"
    for variable in (name, name.upper(), "all_proxy", "ALL_PROXY"):
        if os.environ.get(variable):
            return variable
    return ""


class Course:
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
        self._tls = tls
        self.addresses: tuple[str, ...] = ()
        """Those that the attempt may connect to, once they are known."""

        self.unreachable: list[str] = []
        """Those that it couldn't connect to, before another one."""

        self.marks = {"start": self.clock()}
        """When it came to each step last; the steps are those of `Client.exchange`."""

    def passed(self, step: str) -> None:
        """Record when the client came to a step."""
        self.marks[step] = self.clock()

    def begin_again(self) -> None:
        """Forget the steps that were passed, but not when the attempt started."""
        self.addresses = ()
        self.marks = {"start": self.marks["start"]}

    @property
    def answered(self) -> bool:
        """Return whether the head of an answer has come."""
        return "first_byte" in self.marks

    @property
    def phase(self) -> Phase:
        """The current phase of the attempt."""
        if not self.addresses:
            return Phase.RESOLVE
        if "sending" in self.marks:  # the first step on a kept connection
            return Phase.HTTP
        if "connected" not in self.marks:
            return Phase.CONNECT
        if self._tls and "secured" not in self.marks:
            return Phase.TLS
        return Phase.HTTP

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
