"""The tests' own requests to what they have deployed."""

from __future__ import annotations

import http.client
import select
import ssl
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import httpx

_UNVERIFIED = ssl.create_default_context()
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


def get(url: str, **options: Any) -> httpx.Response:
    """Make a request on its own connection, past any proxy.

    No certificate is verified: httpx would read those of all authorities for each request, also for
    one without TLS, which takes twenty times as long as the request. In test_https.py, `verify`
    looks at certificates.
    """
    return httpx.get(url, **{"timeout": 5, "trust_env": False, "verify": _UNVERIFIED, **options})


def over_tls(dns_name: str) -> str:
    """Return the URL by which this machine reaches a load balancer's HTTPS listener."""
    address, _, port = dns_name.partition(":")
    # Ports below 1024 are the administrator's on some machines.
    return f"https://{address}:{8443 if port else 443}"


class Page(NamedTuple):
    """An answer."""

    status: int
    text: str


class Connection:
    """A connection that is kept for one request of a page after the other.

    Such a request costs half the CPU time of one on its own connection, for which what shows the
    load balancer on this machine connects anew, too.
    """

    def __init__(self, url: str, *, host: str = "") -> None:
        """Connect when the page is first requested.

        Args:
            url: The page.
            host: The host to request it of, if that isn't the URL's.
        """
        parts = urlsplit(url)
        assert parts.hostname
        self._path = parts.path or "/"
        self._headers = {"Host": host} if host else {}
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=5, context=_UNVERIFIED
            )

    def page(self) -> Page:
        """Request the page, on a new connection if the server has closed this one since.

        A connection that ends during a request is an error, as for one on its own connection.

        Raises:
            OSError: There is no connection.
            http.client.HTTPException: The answer is no HTTP, or ends too early.
        """
        idle = self._connection.sock
        if idle is not None and select.select([idle], [], [], 0)[0]:
            self.close()
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
            return Page(answer.status, answer.read().decode())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Close it; the next request connects again."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def page(url: str, *, host: str = "") -> Page:
    """Request a page on its own connection, for a fifth of the CPU time of `get`.

    Args:
        url: The page.
        host: The host to request it of, if that isn't the URL's.

    Raises:
        OSError: There is no connection.
        http.client.HTTPException: The answer is no HTTP, or ends too early.
    """
    with Connection(url, host=host) as connection:
        return connection.page()
