"""Where tasks may connect to beyond HTTPS. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Destination:
    """TCP ports of a network."""

    network: str
    """An IPv4 or IPv6 range in CIDR notation."""

    first_port: int
    last_port: int

    def __str__(self) -> str:
        ports = (
            f"{self.first_port}"
            if self.first_port == self.last_port
            else f"{self.first_port}-{self.last_port}"
        )
        return f"{self.network}:{ports}"

    @property
    def is_ipv6(self) -> bool:
        """Whether the network is an IPv6 range."""
        return ":" in self.network

    @property
    def name(self) -> str:
        """The destination as part of a resource's name: `10-0-0-0-8-5432`."""
        return re.sub(r"[^0-9a-z]+", "-", str(self))


@dataclass(frozen=True)
class Destinations:
    """The kind of value that a destination is read from."""

    allowed: str = (
        "a network and its TCP port or ports, like 10.0.0.0/8:5432 or 2001:db8::/32:8000-8100"
    )

    def read(self, text: str) -> Destination:
        """The destination that `text` names.

        Raises:
            ValueError: It names none.
        """
        network, _, ports = text.rpartition(":")
        found = re.fullmatch(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", ports)
        if found is None or str(ipaddress.ip_network(network)) != network:
            raise ValueError(text)
        first = int(found[1])
        last = int(found[2] or first)
        if not first <= last <= 65535:  # noqa: PLR2004 — the last TCP port
            raise ValueError(text)
        return Destination(network, first, last)
