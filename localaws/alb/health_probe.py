"""One health check by hand, to learn the code that a target answers with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

TIMEOUT = 1.0
"""Seconds until the answer doesn't matter any more."""


async def status_of(address: str, port: int, path: str) -> int | None:
    """Return the status of the answer to a health check; None without an answer in HTTP."""
    return await ask(asyncio.open_connection(address, port), f"{address}:{port}", path)


async def status_in(
    version: str,
    opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    host: str,
    path: str,
    *,
    time_limit: float = TIMEOUT,
) -> int | None:
    """Check the health of a target of a group with this protocol version, as `ask` does."""
    if version not in ("GRPC", "HTTP2"):
        return await ask(opening, host, path, time_limit=time_limit)
    # Brings h2, and few groups have these versions.
    from localaws.alb import http2_probe  # noqa: PLC0415

    if version == "GRPC":
        return await http2_probe.grpc_status_of(opening, host, path, time_limit=time_limit)
    return await http2_probe.status_of(opening, host, path, time_limit=time_limit)


async def ask(
    opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    host: str,
    path: str,
    *,
    time_limit: float = TIMEOUT,
) -> int | None:
    """Send a health check request on a connection that is being opened.

    Args:
        opening: Opens the connection.
        host: The target as the request names it, `address:port`.
        path: What to request.
        time_limit: The seconds after which there is no answer.

    Returns:
        The status of the answer; None without an answer in HTTP.
    """
    try:
        async with asyncio.timeout(time_limit):
            reader, writer = await opening
            try:
                request = (
                    f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ELB-HealthChecker/2.0\r\n"
                )
                writer.write(f"{request}Connection: close\r\n\r\n".encode())
                status_line = (await reader.readline()).split()
                return int(status_line[1])
            finally:
                writer.close()
    except (OSError, ValueError, IndexError):
        return None
