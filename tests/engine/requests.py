"""The tests' own requests to what they have deployed."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from typing import Any, NamedTuple
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


class Page(NamedTuple):
    """An answer to a plain request."""

    status: int
    text: str


def page(url: str) -> Page:
    """Request a page without TLS, for a fifth of the CPU time of `get`.

    Raises:
        OSError: There is no connection.
        http.client.HTTPException: The answer is no HTTP, or ends too early.
    """
    parts = urlsplit(url)
    assert parts.scheme == "http"
    assert parts.hostname
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)) as connection:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        return Page(answer.status, answer.read().decode())
