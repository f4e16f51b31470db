"""Asking one name server directly, past what the machine's own resolver remembers.

A negative answer is kept by every resolver on the way, for as long as the zone says; the zone's own server knows first.
Messages as in RFC 1035, chapter 4; an answer too long for a datagram is asked for again by TCP.
"""

import asyncio
import secrets
import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address

from verify.values import Door

_RECORDS = {4: 1, 6: 28}
"""Type of the record that holds an address, A or AAAA."""

_SIZES = {1: 4, 28: 16}
_TRUNCATED = 0x0200
_FAILURES = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
_AGAIN = 1.0
"""Seconds after which a datagram counts as lost."""


async def ask(host: str, server: Door, family: int | None) -> tuple[str, ...]:
    """The addresses of a name; raises `socket.gaierror` with what the server said when there are none."""
    kinds = [kind for version, kind in _RECORDS.items() if family in (None, version)]
    return tuple([address for kind in kinds for address in await _ask(host, server, kind)])


async def _ask(host: str, server: Door, kind: int) -> list[str]:
    question = _name(host) + struct.pack("!HH", kind, 1)
    query = struct.pack("!HHHHHH", secrets.randbits(16), 0x0100, 1, 0, 0, 0) + question
    message = await _by_udp(query, server)
    if int.from_bytes(message[2:4], "big") & _TRUNCATED:
        message = await _by_tcp(query, server)
    try:
        return list(_addresses(message, len(query), kind))
    except (struct.error, IndexError, ValueError):
        raise socket.gaierror(socket.EAI_FAIL, "the name server's answer is garbled") from None


def _name(host: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in host.split(".")) + b"\0"


class _Answer(asyncio.DatagramProtocol):
    """Waits for the datagram that answers a query; what somebody else sends is none."""

    def __init__(self, query: bytes) -> None:
        self.query = query
        self.message: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _sender: object) -> None:
        """Take it if it repeats the query's number and question."""
        same = data[:2] == self.query[:2] and data[12 : len(self.query)].lower() == self.query[12:].lower()
        if same and not self.message.done():
            self.message.set_result(data)

    def error_received(self, error: Exception) -> None:
        """Nobody is there."""
        if not self.message.done():
            self.message.set_exception(socket.gaierror(socket.EAI_AGAIN, f"name server: {error}"))


async def _by_udp(query: bytes, server: Door) -> bytes:
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_datagram_endpoint(lambda: _Answer(query), remote_addr=server)
    try:
        while not answer.message.done():
            transport.sendto(query)
            await asyncio.wait([answer.message], timeout=_AGAIN)
        return answer.message.result()
    finally:
        transport.close()


async def _by_tcp(query: bytes, server: Door) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    except asyncio.IncompleteReadError:
        raise socket.gaierror(socket.EAI_AGAIN, "name server: no whole answer by TCP") from None
    finally:
        writer.close()


def _addresses(message: bytes, at: int, kind: int) -> Iterator[str]:
    """Every address record of the answer: aliases on the way come with what they lead to."""
    _, flags, _, answers, _, _ = struct.unpack_from("!HHHHHH", message)
    if code := flags & 15:
        again = socket.EAI_AGAIN if code == 2 else socket.EAI_NONAME  # noqa: PLR2004 — SERVFAIL
        raise socket.gaierror(again, f"{_FAILURES.get(code, f'error {code}')} from the name server")
    for _ in range(answers):
        while 0 < message[at] < 64:  # noqa: PLR2004 — labels up to 63 octets; longer marks where the rest is
            at += 1 + message[at]
        at += 2 if message[at] else 1
        record, _, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10 + length
        if record == kind:
            if length != _SIZES[kind] or at > len(message):
                raise ValueError
            yield str(ip_address(message[at - length : at]))
