"""A client for the load balancers of tests."""

from __future__ import annotations

import httpx


def plain_client() -> httpx.AsyncClient:
    """Return a client for HTTP without TLS.

    To load the authorities that httpx trusts by default takes 40 ms of CPU time for each client.
    """
    return httpx.AsyncClient(verify=False, trust_env=False)
