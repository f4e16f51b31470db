"""Requests through an HTTP proxy, which forwards them or connects through to the service.

https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6 has CONNECT; plain HTTP is forwarded as curl
and browsers do it.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from verify.network.http1 import Exchange, Request
from verify.options.target import Target
from verify.options.values import HostPort, Proxy

if TYPE_CHECKING:
    from verify.network.runtime import Stream
    from verify.options.groups import Options

WRONG_CREDENTIALS = (
    "the proxy wants another user name and password: write "
    "http://USER:PASSWORD@HOST:PORT into a file, and give it "
    "with --proxy @FILE"
)


class ProxyRefusedError(Exception):
    """The proxy made no connection to the service; the status is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status

    @property
    def final(self) -> bool:
        """Return whether asking again can't help."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def reason(self) -> str:
        """The answer, in words."""
        phrase = f" {HTTPStatus(self.status).phrase}" if self.status in set(HTTPStatus) else ""
        return f"the proxy answers CONNECT with {self.status}{phrase}"

    @property
    def hint(self) -> str:
        """The advice for this status."""
        # tinyproxy answers wrong credentials with 401.
        if self.status in (HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED):
            return WRONG_CREDENTIALS
        if self.final:
            return "does the proxy allow connections to this host and port? its access rules say"
        return "can the proxy resolve the service's name, and connect to it? its log says"


class Tunnel(NamedTuple):
    """A proxy, and where it is to connect."""

    proxy: Proxy
    to: HostPort


def tunnel_to(target: Target, options: "Options") -> Tunnel | None:
    """Return the tunnel of a run's connections; None without a proxy, or where it forwards.

    What is forwarded goes to the host of its URL, so another `Host` or address needs a tunnel.
    """
    if options.proxy is None:
        return None
    needs_tunnel = target.scheme == "https" or options.host or options.connect_to
    if not needs_tunnel:
        return None
    host, port = options.connect_to or (target.host, target.port)
    return Tunnel(options.proxy, HostPort(host or target.host, port))


def forwarded(target: Target, proxy: Proxy) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the request target and the headers for a proxy that forwards the request."""
    return target.url, _credentials(proxy)


async def connect_through(stream: "Stream", tunnel: Tunnel) -> None:
    """Have the proxy connect to the service.

    Raises:
        ProxyRefusedError: It answered that it doesn't.
        ProtocolError: It isn't an HTTP proxy.
    """
    authority = str(tunnel.to)
    headers = (("Host", authority), *_credentials(tunnel.proxy))
    request = Request("CONNECT", authority, headers, max_body=0)
    await stream.send(request.head())
    head = await Exchange(stream, request).head()
    if not HTTPStatus.OK <= head.status < HTTPStatus.MULTIPLE_CHOICES:
        raise ProxyRefusedError(head.status)


def _credentials(proxy: Proxy) -> tuple[tuple[str, str], ...]:
    return (("Proxy-Authorization", f"Basic {proxy.token}"),) if proxy.token else ()
