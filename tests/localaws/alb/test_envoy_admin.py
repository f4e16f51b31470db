"""Questions to Envoy's admin interface over one connection, with a server in its place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from localaws.alb.envoy_admin import EnvoyAdmin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SOCKET = "admin.sock"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\nfour\r\nA\r\n and a ten\r\n0\r\n\r\n"
)


class Interface:
    """Answers each question by its path; /last ends the connection then, and /end before."""

    def __init__(self) -> None:
        self.connections: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            path = b""
            while path not in {b"/last", b"/end"}:
                path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                writer.write(self.answer(path))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def answer(self, path: bytes) -> bytes:
        if path == b"/end":
            return b""
        if path == b"/chunked":
            return CHUNKED
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(path), path)


@asynccontextmanager
async def interface(folder: Path, admin: EnvoyAdmin) -> AsyncIterator[Interface]:
    found = Interface()
    server = await asyncio.start_unix_server(found.serve, folder / SOCKET)
    try:
        yield found
    finally:
        server.close()
        admin.close()
        await asyncio.gather(*(each for each in found.connections if each))
        (folder / SOCKET).unlink(missing_ok=True)


@pytest.fixture
def admin(tmp_path: Path) -> EnvoyAdmin:
    return EnvoyAdmin(tmp_path, SOCKET)


async def test_questions_share_a_connection_until_it_is_closed(
    tmp_path: Path, admin: EnvoyAdmin
) -> None:
    async with interface(tmp_path, admin) as envoy:
        assert await admin.ask("/a") == "/a"
        assert await admin.ask("/chunked") == "four and a ten"
        both = await asyncio.gather(admin.ask("/b"), admin.ask("/c"))
        assert list(both) == ["/b", "/c"]  # typed as a tuple, and returned as a list
        assert len(envoy.connections) == 1
        admin.close()
        assert await admin.ask("/d") == "/d"
        assert len(envoy.connections) == 2


async def test_a_question_after_the_end_of_the_connection_opens_another(
    tmp_path: Path, admin: EnvoyAdmin
) -> None:
    async with interface(tmp_path, admin) as envoy:
        for _ in range(3):
            assert await admin.ask("/last") == "/last"
        assert len(envoy.connections) == 3
    with pytest.raises(OSError, match="No such file"):
        await admin.ask("/a")
    async with interface(tmp_path, admin):
        assert await admin.ask("/a") == "/a"


async def test_a_question_that_gets_no_whole_answer_is_an_error(
    tmp_path: Path, admin: EnvoyAdmin
) -> None:
    async with interface(tmp_path, admin):
        with pytest.raises(ConnectionResetError):
            await admin.ask("/end")
        assert await admin.ask("/a") == "/a"


async def test_an_answer_that_nothing_waits_for_any_more_is_not_taken_for_the_next_ones(
    tmp_path: Path, admin: EnvoyAdmin
) -> None:
    async with interface(tmp_path, admin):
        await admin.ask("/a")
        given_up = asyncio.create_task(admin.ask("/b"))
        await asyncio.sleep(0)
        given_up.cancel()
        assert await admin.ask("/c") == "/c"
