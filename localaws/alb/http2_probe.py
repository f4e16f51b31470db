"""One request in HTTP/2 without TLS, as health checks of groups with version HTTP2 or GRPC."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Awaitable

_NO_MESSAGE = b"\0" * 5
"""A message of gRPC without any bytes: not compressed, and of length 0."""

_CHUNK = 2**16


async def status_of(
    opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    host: str,
    path: str,
    *,
    time_limit: float,
) -> int | None:
    """Return the status of the answer to a request; None without an answer in HTTP/2."""
    headers = [(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path)]
    return _number((await _exchange(opening, headers, b"", time_limit)).get(":status"))


async def grpc_status_of(
    opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    host: str,
    path: str,
    *,
    time_limit: float,
) -> int | None:
    """Return the status of gRPC that a call of a method has; None without one."""
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", host),
        (":path", path),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
    return _number((await _exchange(opening, headers, _NO_MESSAGE, time_limit)).get("grpc-status"))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


async def _exchange(
    opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    headers: list[tuple[str, str]],
    body: bytes,
    time_limit: float,
) -> dict[str, str]:
    """Return the headers and trailers of an answer; empty without a complete one."""
    try:
        async with asyncio.timeout(time_limit):
            reader, writer = await opening
            try:
                return await _answer(reader, writer, headers, body)
            finally:
                writer.close()
    except (OSError, ProtocolError):
        return {}


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    headers: list[tuple[str, str]],
    body: bytes,
) -> dict[str, str]:
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    agent = ("user-agent", "ELB-HealthChecker/2.0")
    connection.send_headers(1, [*headers, agent], end_stream=not body)
    if body:
        connection.send_data(1, body, end_stream=True)
    answer = _Answer()
    while not answer.ended:
        writer.write(connection.data_to_send())
        received = await reader.read(_CHUNK)
        if not received:
            return {}
        for event in connection.receive_data(received):
            if isinstance(event, DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            answer.take(event)
    return answer.fields if answer.complete else {}


class _Answer:
    """What has come of an answer."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.ended = self.complete = False

    def take(self, event: Event) -> None:
        """Note what an event adds."""
        match event:
            case ResponseReceived() | TrailersReceived():
                for name, value in event.headers or ():
                    self.fields[str(name)] = str(value)
            case StreamEnded():
                self.ended = self.complete = True
            case StreamReset() | ConnectionTerminated():
                self.ended = True
