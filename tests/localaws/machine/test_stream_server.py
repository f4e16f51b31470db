"""A server leaves no socket open, whenever it ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from localaws.machine.stream_server import StreamServer

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("sockets_are_closed")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()


async def wait_for_ever(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("passes", range(6))
async def test_closing_ends_a_connection_at_each_step_of_its_being_accepted(passes: int) -> None:
    server = StreamServer(wait_for_ever)
    await server.listen("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(5)
        for _ in range(passes):
            await asyncio.sleep(0)
        await server.close()
        with suppress(ConnectionResetError):  # as one that no program accepted ends
            assert await asyncio.to_thread(client.recv, 1) == b""


@pytest.mark.parametrize("passes", range(4))
async def test_a_server_whose_start_is_cancelled_listens_no_more(passes: int) -> None:
    server = StreamServer(echo)
    starting = asyncio.create_task(server.listen("127.0.0.1", 0))
    for _ in range(passes):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await server.close()


async def test_a_connection_whose_client_reads_nothing_is_closed() -> None:
    returned = asyncio.Event()

    async def fill(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(2**24))
        returned.set()

    server = StreamServer(fill)
    await server.listen("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        assert await asyncio.to_thread(client.recv, 1)
        assert returned.is_set()
        await server.close()


async def test_a_connection_goes_on_when_the_server_listens_no_more(tmp_path: Path) -> None:
    server = StreamServer(echo)
    await server.listen_unix(str(tmp_path / "socket"))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "socket"))
    for word in (b"first", b"second"):
        writer.write(word)
        assert await reader.readexactly(len(word)) == word
        await server.stop_listening()
    assert not server.is_listening
    with pytest.raises(OSError):  # noqa: PT011 — which one depends on the moment
        await asyncio.open_unix_connection(str(tmp_path / "socket"))
    writer.write_eof()
    assert await reader.read() == b"", "the handler has returned"
    writer.close()
    await server.close()


async def test_a_failed_handler_is_logged_and_its_connection_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        raise ValueError("a fault")

    server = StreamServer(fail)
    await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert await reader.read() == b""
    writer.close()
    await server.close()
    assert "ValueError: a fault" in caplog.text
