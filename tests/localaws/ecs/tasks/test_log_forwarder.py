"""Records that a log router gets by the forward protocol; the router is a socket of the test."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from localaws.ecs.tasks.log_forwarder import LogForwarder, message

ABOUT = {"container_id": "1-2", "container_name": "/web", "source": "stdout"}
TIME = 1_764_439_200 * 10**9 + 5


def decoded(data: bytes) -> list[Any]:
    """Decode MessagePack, as far as records need it, by its specification."""
    found = []
    at = 0
    while at < len(data):
        value, at = _value(data, at)
        found.append(value)
    return found


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """Return the value at a position, and the position after it; its first byte has its kind."""
    kind = data[at]
    if 0x80 <= kind <= 0x8F:  # a map of so many members
        members = {}
        at = at + 1
        for _ in range(kind & 0x0F):
            name, at = _value(data, at)
            members[name], at = _value(data, at)
        return members, at
    if 0x90 <= kind <= 0x9F:  # an array of so many items
        items = []
        at = at + 1
        for _ in range(kind & 0x0F):
            item, at = _value(data, at)
            items.append(item)
        return items, at
    if kind == 0xD7:  # an extension of eight bytes: Fluentd's time
        _, seconds, nanoseconds = struct.unpack_from(">BII", data, at + 1)
        return (seconds, nanoseconds), at + 10
    if 0xA0 <= kind <= 0xBF:  # a text of so many bytes
        size = kind & 0x1F
        at = at + 1
    else:  # a text whose size follows
        form = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}[kind]
        (size,) = struct.unpack_from(form, data, at + 1)
        at += 1 + struct.calcsize(form)
    return data[at : at + size].decode(errors="surrogateescape"), at + size


def test_a_record_has_the_tag_the_time_and_dockers_fields() -> None:
    record: dict[str, str | bytes] = {**ABOUT, "log": b"GET / 200"}
    assert decoded(message("web-firelens-1", TIME, record)) == [
        ["web-firelens-1", (1_764_439_200, 5), {**ABOUT, "log": "GET / 200"}]
    ]


def test_lines_of_any_length_and_bytes_are_sent_unchanged() -> None:
    for size in (0, 31, 32, 255, 256, 65_535, 65_536):
        (found,) = decoded(message("t" * 40, TIME, {"log": b"x" * size}))
        assert found[2] == {"log": "x" * size}
    (found,) = decoded(message("t", TIME, {"log": b"\xff\xfe"}))
    assert found[2]["log"].encode(errors="surrogateescape") == b"\xff\xfe"


class Router:
    """A socket that a forwarder connects to, once it listens."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0)
        self.listening = True
        self.refused = asyncio.Event()

    async def connect(self) -> socket.socket:
        if not self.listening:
            self.refused.set()
            raise ConnectionRefusedError
        made = socket.socket()
        made.settimeout(0)
        await asyncio.get_running_loop().sock_connect(made, self.listener.getsockname())
        return made

    async def lines(self, number: int) -> list[str]:
        """Accept a connection, and return the lines of so many records."""
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(self.listener)
        connection.settimeout(0)
        with connection:
            data = b""
            while data.count(b"\xa3log") < number:
                data += await loop.sock_recv(connection, 65_536)
        return [record["log"] for _, _, record in decoded(data)]

    def forwarder(self, *, limit: int = 100) -> LogForwarder:
        return LogForwarder(self.connect, "web", ABOUT, limit=limit, clock=lambda: TIME)


async def test_lines_wait_until_the_router_listens() -> None:
    router = Router()
    router.listening = False
    forwarder = router.forwarder()
    forwarder.add([b"first", b"second"])
    await router.refused.wait()
    router.listening = True
    found = await router.lines(2)
    await forwarder.flush(10)
    await forwarder.close()
    router.listener.close()
    assert found == ["first", "second"]


async def test_lines_beyond_the_limit_are_lost_while_the_router_does_not_listen() -> None:
    router = Router()
    router.listening = False
    forwarder = router.forwarder(limit=2)
    forwarder.add([b"first", b"second", b"lost"])
    router.listening = True
    found = await router.lines(2)
    await forwarder.flush(10)
    forwarder.add([b"third"])
    await forwarder.flush(10)
    await forwarder.close()
    router.listener.close()
    assert found == ["first", "second"]


async def test_flush_ends_after_its_timeout_while_the_router_does_not_listen() -> None:
    router = Router()
    router.listening = False
    forwarder = router.forwarder()
    forwarder.add([b"first"])
    async with asyncio.timeout(10):
        await forwarder.flush(0.01)
        await forwarder.close()
    router.listener.close()
