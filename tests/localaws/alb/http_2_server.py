"""A target that answers requests in HTTP/2."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    import asyncio


async def serve_http_2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests in HTTP/2 with their method and path, and those in HTTP/1.1 with nothing."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    with suppress(ProtocolError, ConnectionError):
        while not reader.at_eof():
            for event in connection.receive_data(await reader.read(2**16)):
                if isinstance(event, RequestReceived) and event.stream_id:
                    fields = {str(name): str(value) for name, value in event.headers or ()}
                    seen = f"{fields[':method']} {fields[':path']}".encode()
                    headers = [(":status", "200"), ("grpc-status", "12")]
                    connection.send_headers(event.stream_id, headers)
                    connection.send_data(event.stream_id, seen, end_stream=True)
            writer.write(connection.data_to_send())
