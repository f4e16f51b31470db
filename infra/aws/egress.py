"""Destinations that tasks may connect to beyond HTTPS. Pure."""

from __future__ import annotations

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
        if self.first_port == self.last_port:
            return f"{self.network}:{self.first_port}"
        return f"{self.network}:{self.first_port}-{self.last_port}"

    @property
    def is_ipv6(self) -> bool:
        """Whether the network is an IPv6 range."""
        return ":" in self.network

    @property
    def name(self) -> str:
        """The destination as part of a resource's name: `10-0-0-0-8-5432`."""
        return re.sub(r"[^0-9a-z]+", "-", str(self))
