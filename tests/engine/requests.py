"""The tests' own requests to what they have deployed."""

from __future__ import annotations

from typing import Any

import httpx


def get(url: str, **options: Any) -> httpx.Response:
    """Make a request on a connection of its own, past any proxy.

    No certificate is verified: httpx would read those of all authorities for each request, also for
    one without TLS, which takes twenty times as long as the request. In test_https.py, `verify`
    looks at certificates.
    """
    return httpx.get(url, **{"timeout": 5, "trust_env": False, "verify": False, **options})
