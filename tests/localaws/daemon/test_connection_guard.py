"""The users that can connect to the daemon: the kernel's table, and real connections."""

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
def test_the_owner_is_the_user_in_the_peers_row(rows: list[str], user: int | None) -> None:
    assert owner(HEAD + "".join(rows), PEER, OWN) == user


@pytest.mark.parametrize("state", ["02", "04", "05", "06", "08"])
def test_a_connection_that_its_process_closed_has_no_owner(
    state: str,
) -> None:
    assert owner(HEAD + row(state=state), PEER, OWN) is None
    assert owner(HEAD + row(uid=0, inode=0), PEER, OWN) is None, "such a row lists root"


@asynccontextmanager
async def guarded(
    folder: Path, users: Container[int] | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Start an echo server behind a guard; yield the guard's port and the received data."""
    received: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            received.append(data)
            writer.write(data)
            await writer.drain()

    behind = str(folder / "echo.sock")
    server = StreamServer(echo)
    await server.listen_unix(behind)
    guard = Guard(behind, users=users)
    try:
        yield await guard.start(), received
    finally:
        await guard.close()
        await server.close()


def echo_of_hello(port: int, *, family: int = socket.AF_INET) -> bytes:
    """Send hello, and return the answer; nothing if the connection is refused."""
    with socket.socket(family) as client, suppress(ConnectionError):
        client.settimeout(20)
        client.connect(("::ffff:127.0.0.1" if family == socket.AF_INET6 else "127.0.0.1", port))
        client.sendall(b"hello")
        return client.recv(5)
    return b""


@pytest.mark.parametrize(
    "family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "mapped into IPv6"]
)
async def test_a_process_of_the_same_user_can_connect_from_a_socket_of_either_family(
    tmp_path: Path, family: int
) -> None:
    async with guarded(tmp_path) as (port, _):
        assert await asyncio.to_thread(echo_of_hello, port, family=family) == b"hello"


async def test_much_data_is_forwarded_unchanged_in_both_directions(tmp_path: Path) -> None:
    data = os.urandom(2**20)
    async with guarded(tmp_path) as (port, received):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        assert await asyncio.wait_for(reader.readexactly(len(data)), 20) == data
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 20) == b"", "the end is forwarded too"
        assert b"".join(received) == data
        writer.close()


async def test_data_of_a_user_who_may_not_connect_is_not_forwarded_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(tmp_path, users={os.geteuid() + 1}) as (port, received):
        assert [await asyncio.to_thread(echo_of_hello, port) for _ in range(3)] == [b""] * 3
        assert not received
    assert [each.message for each in caplog.records] == [
        (
            f"refused a connection of user {os.geteuid()}: only user {os.geteuid()} and root "
            "may connect"
        )
    ]


@pytest.mark.parametrize("reset", [False, True])
async def test_the_next_owner_of_a_closed_connections_port_is_not_taken_for_the_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reset: bool
) -> None:
    closed, looked_up = threading.Event(), threading.Event()

    def own_row_of_the_next_connection(*_: Endpoint) -> int:
        closed.wait(20)
        looked_up.set()
        return os.geteuid()

    monkeypatch.setattr("localaws.daemon.connection_guard._look_up", own_row_of_the_next_connection)

    def refused_when_it_is_over(port: int) -> bool:
        """Connect once more; when that is refused, the guard has handled the first connection."""
        monkeypatch.setattr("localaws.daemon.connection_guard._look_up", lambda *_: None)
        return echo_of_hello(port) == b""

    async with guarded(tmp_path) as (port, received):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        closed.set()
        await asyncio.to_thread(looked_up.wait, 20)
        assert await asyncio.to_thread(refused_when_it_is_over, port)
        assert not received


@pytest.mark.usefixtures("sockets_are_closed")
@pytest.mark.parametrize("passes", range(6))
async def test_closing_the_guard_ends_a_connection_that_is_being_accepted(
    tmp_path: Path, passes: int
) -> None:
    guard = Guard(str(tmp_path / "nothing"))
    port = await guard.start()
    with socket.create_connection(("127.0.0.1", port)):
        for _ in range(passes):
            await asyncio.sleep(0)
        await guard.close()


@pytest.mark.slow  # a new Python, as another user
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
    async with guarded(tmp_path) as (port, received):
        code = attempt.format(port=port)
        printed = await asyncio.to_thread(as_user, ANOTHER_USER, code)
        assert printed == "b''\nb''\n"
        assert not received
        printed = await asyncio.to_thread(as_user, os.geteuid(), code)
        assert printed == "b'hello'\nb'hello'\n"
