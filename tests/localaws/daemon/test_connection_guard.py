"""The users that can connect to the daemon: the kernel's table, and real connections.

Another user is in tests/engine.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from localaws.daemon.connection_guard import Endpoint, Guard, owner
from localaws.machine.stream_server import StreamServer
from tests.second_user import ANOTHER_USER, AS_ANOTHER_USER, as_user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Container
    from pathlib import Path

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
    "timeout inode\n"
)
ROW = (
    "   0: {ends} {state} 00000000:00000000 00:00000000 00000000  {uid}        0 {inode} 2 "
    "0000000000000000 20\n"
)
V4 = "0100007F:B424 0100007F:1F90"
V6 = "0000000000000000FFFF00000100007F:B424 0000000000000000FFFF00000100007F:1F90"
PEER, OWN = Endpoint("127.0.0.1", 0xB424), Endpoint("127.0.0.1", 0x1F90)


def row(ends: str = V4, *, state: str = "01", uid: int = 1000, inode: int = 4711) -> str:
    return ROW.format(ends=ends, state=state, uid=f"{uid:5}", inode=inode)


@pytest.mark.parametrize(
    ("rows", "user"),
    [
        ([row()], 1000),
        ([row(V6)], 1000),
        ([row(uid=0)], 0),
        ([row("0100007F:B425 0100007F:1F90", uid=7), row()], 1000),
        ([row("0100007F:1F90 0100007F:B424", uid=7)], None),
        ([row("0200007F:B424 0100007F:1F90", uid=7)], None),
        ([row("0100007F:B424 0100007F:1F91", uid=7)], None),
        ([], None),
    ],
    ids=[
        "IPv4",
        "IPv6",
        "root",
        "another port",
        "our own end",
        "another address",
        "another server",
        "no row",
    ],
)
def test_the_owner_is_that_of_the_peers_row(rows: list[str], user: int | None) -> None:
    assert owner(HEAD + "".join(rows), PEER, OWN) == user


@pytest.mark.parametrize("state", ["02", "04", "05", "06", "08"])
def test_a_connection_that_its_process_closed_has_no_owner_although_the_table_lists_root(
    state: str,
) -> None:
    assert owner(HEAD + row(state=state), PEER, OWN) is None
    assert owner(HEAD + row(uid=0, inode=0), PEER, OWN) is None


@asynccontextmanager
async def guarded(
    folder: Path, users: Container[int] | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An echo behind a guard: the guard's port, and all that came through."""
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            heard.append(data)
            writer.write(data)
            await writer.drain()

    behind = str(folder / "echo.sock")
    server = StreamServer(echo)
    await server.listen_unix(behind)
    guard = Guard(behind, users=users)
    try:
        yield await guard.start(), heard
    finally:
        await guard.close()
        await server.close()


def say(port: int, *, family: int = socket.AF_INET) -> bytes:
    """What comes back; nothing where the connection is refused."""
    with socket.socket(family) as client, suppress(ConnectionError):
        client.settimeout(20)
        client.connect(("::ffff:127.0.0.1" if family == socket.AF_INET6 else "127.0.0.1", port))
        client.sendall(b"hello")
        return client.recv(5)
    return b""


@pytest.mark.parametrize(
    "family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "mapped into IPv6"]
)
async def test_a_process_of_the_same_user_gets_through_from_a_socket_of_either_family(
    tmp_path: Path, family: int
) -> None:
    async with guarded(tmp_path) as (port, _):
        assert await asyncio.to_thread(say, port, family=family) == b"hello"


async def test_much_gets_through_in_both_directions_unharmed(tmp_path: Path) -> None:
    words = os.urandom(2**20)
    async with guarded(tmp_path) as (port, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(words)
        assert await asyncio.wait_for(reader.readexactly(len(words)), 20) == words
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 20) == b"", "the end gets through too"
        assert b"".join(heard) == words
        writer.close()


async def test_a_user_who_may_not_connect_gets_no_byte_through_and_is_noted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(tmp_path, users={os.geteuid() + 1}) as (port, heard):
        assert [await asyncio.to_thread(say, port) for _ in range(3)] == [b""] * 3
        assert not heard
    assert [each.message for each in caplog.records] == [
        (
            f"refused a connection of user {os.geteuid()}: only user {os.geteuid()} and root "
            "may connect"
        )
    ]


@pytest.mark.parametrize("reset", [False, True])
async def test_who_gets_a_closed_connections_port_does_not_vouch_for_what_was_sent_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reset: bool
) -> None:
    closed, looked = threading.Event(), threading.Event()

    def own_row_of_the_next_connection(*_: Endpoint) -> int:
        closed.wait(20)
        looked.set()
        return os.geteuid()

    monkeypatch.setattr("localaws.daemon.connection_guard._look_up", own_row_of_the_next_connection)

    def refused_when_it_is_over(port: int) -> bool:
        """One more connection, whose end says that the guard has dealt with the first."""
        monkeypatch.setattr("localaws.daemon.connection_guard._look_up", lambda *_: None)
        return say(port) == b""

    async with guarded(tmp_path) as (port, heard):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        closed.set()
        await asyncio.to_thread(looked.wait, 20)
        assert await asyncio.to_thread(refused_when_it_is_over, port)
        assert not heard


@pytest.mark.usefixtures("sockets_are_closed")
@pytest.mark.parametrize("passes", range(6))
async def test_closing_ends_a_connection_at_each_step_of_its_being_accepted(
    tmp_path: Path, passes: int
) -> None:
    guard = Guard(str(tmp_path / "nothing"))
    port = await guard.start()
    with socket.create_connection(("127.0.0.1", port)):
        for _ in range(passes):
            await asyncio.sleep(0)
        await guard.close()


@AS_ANOTHER_USER
async def test_another_user_is_refused_by_either_family(tmp_path: Path) -> None:
    attempt = """
import socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")):
    client = socket.socket(family)
    client.settimeout(20)
    client.connect((address, {port}))
    client.sendall(b"hello")
    try:
        print(client.recv(5))
    except ConnectionError:
        print(b"")
"""
    async with guarded(tmp_path) as (port, heard):
        assert (
            await asyncio.to_thread(as_user, ANOTHER_USER, attempt.format(port=port))
            == "b''\nb''\n"
        )
        assert not heard
        assert (
            await asyncio.to_thread(as_user, os.geteuid(), attempt.format(port=port))
            == "b'hello'\nb'hello'\n"
        )
