"""Requests to an identity provider, on connections that the caller opens, over TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from localaws.alb.login import Reply, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

TIMEOUT = 10.0
"""Seconds within which an endpoint must have answered."""

_CHUNK = 2**16
_MOST = 2**20
"""Bytes of an answer that are read."""

_PORT = 443


async def fetch(
    connect: Callable[[str, int], Awaitable[Streams]],
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Reply:
    """Send a request and return the answer.

    Args:
        connect: Opens a connection over TLS to a host and port.
        method: `GET` or `POST`.
        url: With scheme https.
        headers: Without those that belong to the connection.
        body: May be empty.

    Raises:
        UnreachableError: There is no answer.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORT
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await connect(host, port)
            try:
                connection = h11.Connection(h11.CLIENT)
                writer.write(_request(connection, method, url, headers, body))
                await writer.drain()
                return await _reply(connection, reader)
            finally:
                writer.transport.abort()  # a peer may take its time to end TLS
    except (OSError, h11.ProtocolError) as error:
        reason = str(error) or "it doesn't answer in time"
        raise UnreachableError(f"{host}:{port} can't be reached: {reason}") from error


def _request(
    connection: h11.Connection, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> bytes:
    parts = urlsplit(url)
    whole = {
        "Host": parts.netloc.rpartition("@")[2],
        **headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    request = h11.Request(method=method, target=target, headers=list(whole.items()))
    text = connection.send(request) or b""
    text += connection.send(h11.Data(data=body)) or b""
    return text + (connection.send(h11.EndOfMessage()) or b"")


async def _reply(connection: h11.Connection, reader: asyncio.StreamReader) -> Reply:
    status, content = 0, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data) and len(content) < _MOST:
            content += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, content)
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("the connection ended early")
