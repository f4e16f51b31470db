"""Listening sockets and their processes, from Linux's /proc (proc(5), proc_net(5))."""

from __future__ import annotations

import ipaddress
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_TABLES = ("net/tcp", "net/tcp6")
_LISTEN = "0A"
"""The state TCP_LISTEN, as the tables write it."""

_IN_USE = re.compile(
    rb"(?i)address (?:is )?already in use|EADDRINUSE|port \d+ was already in use|connection in use"
)
"""What runtimes and servers print of a port that they can't have: the C library, Node, Spring,
gunicorn.
"""

_EVERYWHERE = re.compile(rb"(?:0\.0\.0\.0|\[?::\]?|\*)['\"]?(?::|, ?| port )(\d{1,5})\b")
"""All addresses and a port, as `0.0.0.0:80`, `[::]:80`, `:::80` and `('0.0.0.0', 80)`."""


@dataclass(frozen=True)
class Listener:
    """A socket that waits for connections."""

    address: str
    """The IPv4 address; of other IPv6 sockets the IPv6 address."""

    port: int
    inode: int

    @property
    def everywhere(self) -> bool:
        """Whether it takes connections on all of this machine's addresses."""
        return self.address in {"0.0.0.0", "::"}  # noqa: S104 — compared, not bound


def parse(table: Iterable[str]) -> list[Listener]:
    """Return the listening sockets in the lines of /proc/net/tcp or /proc/net/tcp6.

    They come first (Linux's Documentation/networking/proc_net_tcp.rst), so what follows, which is
    one line for each connection of the last minute, isn't even read.
    """
    found = []
    lines = iter(table)
    next(lines, None)  # the columns' names
    for line in lines:
        fields = line.split()
        if fields[3] != _LISTEN:
            break
        address, _, port = fields[1].partition(":")
        found.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return found


def listening(proc: Path = Path("/proc")) -> list[Listener]:
    """Return every listening TCP socket of this network namespace."""
    found = []
    for name in _TABLES:
        # A kernel without IPv6 has one table only.
        with suppress(FileNotFoundError), (proc / name).open() as table:
            found += parse(table)
    return found


def inodes(session: int, proc: Path = Path("/proc")) -> set[int]:
    """Return the inodes of a session's sockets; other users' processes show none."""
    found = set()
    for folder in proc.iterdir():
        # A process may end at any moment, and another user's can't be read.
        with suppress(OSError):
            if folder.name.isdigit() and _session(folder) == session:
                for descriptor in (folder / "fd").iterdir():
                    found |= _socket(descriptor)
    return found


def reports_port_in_use(line: bytes) -> bool:
    """Return whether a line that a program printed reports that a port is in use."""
    return _IN_USE.search(line) is not None


def refused_port(
    line: bytes, ports: Collection[int], address: str, listeners: Collection[Listener]
) -> int | None:
    """Return the port on which a container can't listen, because another process does.

    Args:
        line: What it printed of a port in use.
        ports: Those that the container is to listen on.
        address: Its task's.
        listeners: What listened on this machine when it ended.
    """
    named = _EVERYWHERE.search(line)
    if named:
        return int(named[1])
    own: set[int] = set()
    others: set[int] = set()
    for each in listeners:
        if each.address == address:
            own.add(each.port)
        else:
            others.add(each.port)
    # A listener on the task's own address is its own, and would be in conflict on AWS too.
    return min((others - own).intersection(ports), default=None)


@lru_cache(maxsize=1024)
def _address(digits: str) -> str:
    """Read an address: 32-bit words in hexadecimal digits, each in the machine's byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _socket(descriptor: Path) -> set[int]:
    """Return the inode of a file descriptor that is a socket, unless it was closed meanwhile."""
    with suppress(FileNotFoundError):
        found = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
        if found:
            return {int(found[1])}
    return set()


def _session(process: Path) -> int:
    """Return a process's session, the fourth field after its name.

    The name may contain spaces and parentheses.
    """
    return int((process / "stat").read_text().rpartition(")")[2].split()[3])
