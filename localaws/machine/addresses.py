"""Loopback addresses: one for every local load balancer and one for every task.

A state directory (a project's `.local/`) owns a block of 1024 addresses between 127.64.0.0 and
127.191.255.255, chosen by its path, so that several checkouts run side by side. Load balancers live
in the block's first quarter and keep their address for life; tasks take turns in the rest.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import json
import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.machine.files import read_what_can_be_made_anew, write_atomically
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FIRST_PRIVATE_PORT = 1024
"""Ports below it may need privileges (Linux: net.ipv4.ip_unprivileged_port_start)."""

PORT_OFFSET = 8000
"""Added to a port below FIRST_PRIVATE_PORT where such ports can't be bound: 80 becomes 8080, 443
becomes 8443.
"""

_FIRST_BLOCK = int(ipaddress.IPv4Address("127.64.0.0"))
_BLOCKS = 2**13
_BLOCK_SIZE = 2**10
_LOAD_BALANCERS = range(1, 256)
_WEB_PORTS = (80, 443)
"""What a load balancer must be able to listen on, whatever its first listener is."""
_TASKS = range(256, _BLOCK_SIZE - 1)


class NoAddressError(UserError):
    """No loopback address is left, or this system has only one."""


def no_such_subnet(subnet: str) -> NoAddressError:
    """Return the error for a subnet that isn't a resource of the local AWS."""
    return NoAddressError(
        f"subnet {subnet} isn't a resource of the local AWS, so nothing can run in it here"
    )


@dataclass(frozen=True)
class ListenAddress:
    """Where something listens on the loopback interface."""

    address: str
    offset: int
    """What is added to ports below FIRST_PRIVATE_PORT here: 0 or PORT_OFFSET."""

    def port(self, port: int) -> int:
        """Return the port that is really bound for a nominal one."""
        return port + self.offset if port < FIRST_PRIVATE_PORT else port

    @property
    def dns_name(self) -> str:
        """The host, and port if needed, by which a client reaches the listener on port 80."""
        return self.address if not self.offset else f"{self.address}:{self.port(80)}"


class Addresses:
    """Assigns a state directory's addresses; `addresses.json` keeps those of load balancers."""

    def __init__(self, directory: Path) -> None:
        """Read the addresses of earlier load balancers.

        Raises:
            NoAddressError: The system doesn't answer on all of 127.0.0.0/8: only Linux does.
        """
        if sys.platform != "linux":
            raise NoAddressError(
                "the local AWS needs Linux, which answers on every address in "
                f"127.0.0.0/8; this is {sys.platform}. "
                "Use a Linux machine, virtual machine or container (on Windows: WSL 2)."
            )
        digest = hashlib.sha256(os.fsencode(directory.resolve())).digest()
        self._base = _FIRST_BLOCK + int.from_bytes(digest[:4]) % _BLOCKS * _BLOCK_SIZE
        self._file = directory / "addresses.json"
        self._load_balancers: dict[str, ListenAddress] = read_what_can_be_made_anew(
            self._file,
            _from_json,
            otherwise={},
            then="load balancers keep the addresses that their names say",
        )
        self._taken: set[str] = set()
        self._turn = 0

    def load_balancer(self, arn: str, subnet: str = "") -> ListenAddress:
        """Return a load balancer's address, the same for every call and across restarts.

        Args:
            arn: The load balancer.
            subnet: One in which it has a further address; empty for that of its name.

        Raises:
            NoAddressError: All 255 addresses are taken, or other programs hold the ports on every
                one.
        """
        name = f"{arn} {subnet}" if subnet else arn
        if name in self._load_balancers:
            return self._load_balancers[name]
        taken = {listen_address.address for listen_address in self._load_balancers.values()}
        candidates = [each for each in self._block(_LOAD_BALANCERS) if each not in taken]
        if not candidates:
            raise NoAddressError(
                f"all {len(_LOAD_BALANCERS)} loopback addresses for load balancers are taken; "
                "delete a load balancer first"
            )
        for candidate in candidates:
            listen_address = _free(candidate, _WEB_PORTS)
            if listen_address is not None:
                self._load_balancers[name] = listen_address
                self._save()
                return listen_address
        raise _in_use(_WEB_PORTS)

    def restore(self, arn: str, dns_name: str) -> None:
        """Give a load balancer that the file lacks the address in its DNS name."""
        address, _, port = dns_name.partition(":")
        if arn not in self._load_balancers:
            self._load_balancers[arn] = ListenAddress(address, int(port or 80) - 80)
            self._save()

    def forget_load_balancer(self, arn: str) -> None:
        """Make a deleted load balancer's addresses free again."""
        gone = [each for each in self._load_balancers if each.partition(" ")[0] == arn]
        for each in gone:
            del self._load_balancers[each]
        if gone:
            self._save()

    def take_task(self, ports: list[int]) -> ListenAddress:
        """Take an address on which all these ports are free, until `release_task`.

        Raises:
            NoAddressError: There is none, say because a program listens on 0.0.0.0 with one of the
                ports.
        """
        order = list(_TASKS)
        for candidate in self._block(order[self._turn :] + order[: self._turn]):
            self._turn = (self._turn + 1) % len(order)
            listen_address = None if candidate in self._taken else _free(candidate, ports)
            if listen_address is not None:
                self._taken.add(candidate)
                return listen_address
        raise _in_use(ports)

    def release_task(self, listen_address: ListenAddress) -> None:
        """Make a task's address free again."""
        self._taken.discard(listen_address.address)

    def _block(self, numbers: range | list[int]) -> Iterator[str]:
        for number in numbers:
            yield str(ipaddress.IPv4Address(self._base + number))

    def _save(self) -> None:
        documents: dict[str, dict[str, Any]] = {}
        for arn, each in self._load_balancers.items():
            documents[arn] = {"address": each.address, "offset": each.offset}
        write_atomically(self._file, json.dumps(documents, indent=1))


def _from_json(saved: dict[str, Any]) -> dict[str, ListenAddress]:
    found: dict[str, ListenAddress] = {}
    for arn, document in saved.items():
        found[arn] = ListenAddress(**document)
    return found


class SubnetAddresses:
    """Private addresses of subnets, as network interfaces get them."""

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = {}

    def take(self, subnet: str, cidr: str) -> str:
        """Take a free address in a subnet, until `release`.

        Raises:
            NoAddressError: The subnet is full.
        """
        taken = self._taken.setdefault(subnet, set())
        address = private_address(cidr, taken)
        taken.add(address)
        return address

    def keep(self, subnet: str, address: str) -> None:
        """Take the address that something had before a restart."""
        self._taken.setdefault(subnet, set()).add(address)

    def release(self, subnet: str, address: str) -> None:
        """Make an address free again."""
        self._taken.get(subnet, set()).discard(address)


def _in_use(ports: Iterable[int]) -> NoAddressError:
    """Return the error for ports that other programs hold on every address."""
    return NoAddressError(
        f"ports {list(ports)} are in use on every loopback address of this project; stop what "
        "holds them"
    )


def _free(address: str, ports: Iterable[int]) -> ListenAddress | None:
    """Return where all these ports are free: at their own numbers, or shifted; None if neither."""
    for offset in (0, PORT_OFFSET):
        found = ListenAddress(address, offset)
        if all(can_bind(address, found.port(port)) for port in ports):
            return found
    return None


def can_bind(address: str, port: int) -> bool:
    """Return whether the port is free and this user may listen on it."""
    with socket.socket() as probe:
        # Connections of an ended task may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EADDRINUSE}:
                return False
            raise
        return True


def private_address(cidr: str, taken: set[str]) -> str:
    """Return a free private address in a subnet, as an elastic network interface gets one.

    Raises:
        NoAddressError: The subnet is full. AWS keeps the first four addresses and the last for
            itself.
    """
    network = ipaddress.IPv4Network(cidr)
    for number in range(4, network.num_addresses - 1):
        candidate = str(network[number])
        if candidate not in taken:
            return candidate
    raise NoAddressError(f"subnet {cidr} has no free address")
