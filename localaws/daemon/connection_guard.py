"""Allows only the processes of the daemon's user, and of root, to connect to it.

The engine attaches by a bare port number, without credentials, and gRPC can't find out which user
is at the other end of a connection. So gRPC listens on a Unix socket in a folder that only the
daemon's user may enter, and the guard listens on the port. It looks each peer's user up in the
kernel's table of TCP connections, once, and then forwards bytes. The decision holds for that
connection only, so a port number that another process gets later has no effect.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from localaws.machine.stream_copy import copy
from localaws.machine.stream_server import StreamServer

if TYPE_CHECKING:
    from collections.abc import Container

log = logging.getLogger(__name__)

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_MAPPED = "0000000000000000FFFF0000"
"""What precedes an IPv4 address in the table of IPv6, where a socket of that family is connected to
it.
"""

_UID, _INODE = 6, 8
"""Columns of the tables, after the one that numbers the rows."""

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02
"""The tables aren't read in one piece: a row can be missed while others come and go."""


class Endpoint(NamedTuple):
    """One end of a connection over IPv4."""

    address: str
    port: int


def owner(table: str, peer: Endpoint, own: Endpoint) -> int | None:
    """Return the user id of the process at a connection's other end, or None if unlisted.

    Args:
        table: Content of `/proc/net/tcp` or `/proc/net/tcp6`.
        peer: The other end.
        own: This end.
    """
    ends = f"{_hex(peer)} {_hex(own)} {_ESTABLISHED} "
    mapped = f"{_MAPPED}{_hex(peer)} {_MAPPED}{_hex(own)} {_ESTABLISHED} "
    for start in (table.find(f" {ends}"), table.find(f" {mapped}")):
        if start >= 0:
            columns = table[start:].split(maxsplit=_INODE + 1)
            # A connection that its process has closed has no inode, and is listed as root's,
            # also if another user opened it.
            return int(columns[_UID]) if columns[_INODE] != "0" else None
    return None


def _hex(end: Endpoint) -> str:
    number = int.from_bytes(socket.inet_aton(end.address), sys.byteorder)
    return f"{number:08X}:{end.port:04X}"


class Guard:
    """Listens on a port of 127.0.0.1 and forwards connections of some users to a Unix socket."""

    def __init__(self, behind: str, *, users: Container[int] | None = None) -> None:
        """Listen to nothing until `start`.

        Args:
            behind: Path of the Unix socket.
            users: Ids of the allowed users; by default this process's user and root, which could
                read the socket's folder in any case.
        """
        self._behind = behind
        self._users = {os.geteuid(), 0} if users is None else users
        self._server = StreamServer(self._serve)
        self._numbers = itertools.count()
        self._prefix = f"\0localaws-{secrets.token_hex(8)}"
        self._refused: set[int | None] = set()

    async def start(self, listener: socket.socket | None = None) -> int:
        """Begin to accept connections; return the port.

        Args:
            listener: The socket that listens already; by default a new one.
        """
        if listener is None:
            await self._server.listen("127.0.0.1", 0)
        else:
            await self._server.listen(sock=listener)
        return self._server.port

    async def close(self) -> None:
        """End all connections."""
        await self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            user = await self._user(writer)
            if user is not None and user in self._users:
                await self._forward(reader, writer)
            else:
                self._log_refusal(user)

    async def _user(self, writer: asyncio.StreamWriter) -> int | None:
        """Return the id of the connection's user; None where the kernel doesn't list it."""
        peer = Endpoint(*writer.get_extra_info("peername"))
        own = Endpoint(*writer.get_extra_info("sockname"))
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_SECONDS)
            found = await asyncio.to_thread(_look_up, peer, own)
            # As long as this end is established no other connection can have the same two ends, so
            # the row is about this one.
            if not _established(writer.get_extra_info("socket")):
                return None
            if found is not None:
                return found
        return None

    def _log_refusal(self, user: int | None) -> None:
        """Log a refused attempt once for each user; more would fill the log."""
        if user not in self._refused:
            self._refused.add(user)
            who = "an unknown user" if user is None else f"user {user}"
            log.warning(
                "refused a connection of %s: only user %d and root may connect", who, os.geteuid()
            )

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward bytes in both directions until both have ended.

        This end of the Unix socket has a name, by which the server behind it distinguishes
        connections.
        """
        with socket.socket(socket.AF_UNIX) as ours:
            ours.bind(f"{self._prefix}-{next(self._numbers)}")
            ours.settimeout(0)
            await asyncio.get_running_loop().sock_connect(ours, self._behind)
            inner_reader, inner_writer = await asyncio.open_unix_connection(sock=ours)
            try:
                await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
            finally:
                inner_writer.close()


def _look_up(peer: Endpoint, own: Endpoint) -> int | None:
    for table in _TABLES:
        with suppress(FileNotFoundError):  # IPv6 may be switched off
            found = owner(table.read_text(), peer, own)
            if found is not None:
                return found
    return None


def _established(connection: socket.socket) -> bool:
    """Return whether neither end has closed the connection.

    `struct tcp_info` begins with its state.
    """
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state == bytes([int(_ESTABLISHED, 16)])
