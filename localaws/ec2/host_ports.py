"""Which port of an instance the ECS agent gives a container whose definition names none. Pure.

The agent goes on from the last port that it assigned, and begins again at the range's end. After
its restart it begins at the range's first port.

Source: `agent/utils/ephemeral_ports.go` of amazon-ecs-agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain

DEFAULT_RANGE = (32768, 60999)
"""Of Amazon Linux's kernel, which the agent takes where it isn't configured."""

RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679})
"""Ports of the instance that ECS keeps: for SSH, Docker, and the agent itself.

Source: `DefaultReservedPorts` of amazon-ecs-agent.
"""

_RANGE = re.compile(r"(\d+)-(\d+)")
_LAST_PORT = 65535


class NoHostPortError(Exception):
    """All ports of an instance's range are taken, in the agent's words."""


@dataclass
class HostPorts:
    """The ports of one instance."""

    first: int = DEFAULT_RANGE[0]
    last: int = DEFAULT_RANGE[1]
    taken: set[int] = field(default_factory=set)
    _assigned: int = 0
    """The port that was assigned last."""

    def assign(self) -> int:
        """Take the next free port of the range.

        Raises:
            NoHostPortError: There is none.
        """
        begin = self._assigned + 1 if self._assigned else self.first
        for port in chain(range(begin, self.last + 1), range(self.first, begin)):
            if port not in self.taken and port not in RESERVED_PORTS:
                self.taken.add(port)
                self._assigned = port
                return port
        raise NoHostPortError("a host port is unavailable")

    def take(self, port: int) -> None:
        """Take a port that a task definition names.

        Raises:
            NoHostPortError: It is taken.
        """
        if port in self.taken or port in RESERVED_PORTS:
            raise NoHostPortError(f"host port {port} is already in use on the instance")
        self.taken.add(port)

    def release(self, port: int) -> None:
        """Free a port."""
        self.taken.discard(port)


def port_range(configured: str) -> tuple[int, int]:
    """Return the range that `ECS_DYNAMIC_HOST_PORT_RANGE` sets; the kernel's if it is empty.

    Raises:
        ValueError: It names no range.
    """
    if not configured:
        return DEFAULT_RANGE
    match = _RANGE.fullmatch(configured)
    if match is None:
        raise ValueError(
            f"ECS_DYNAMIC_HOST_PORT_RANGE={configured}; allowed: FIRST-LAST, such as 32768-60999"
        )
    first, last = int(match[1]), int(match[2])
    if not 0 < first <= last <= _LAST_PORT:
        raise ValueError(
            f"ECS_DYNAMIC_HOST_PORT_RANGE={configured}; allowed: ports from 1 to 65535, the lower "
            "first"
        )
    return first, last
