"""Where load balancers listen: on addresses of this machine, or on those of their subnets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from localaws.alb.health_probe import TIMEOUT, status_in, status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from ssl import SSLContext

    from localaws.alb.model import Listener
    from localaws.catalog.account import Resource


@dataclass(frozen=True)
class Front:
    """Where one load balancer accepts connections, and where those to its targets come from."""

    network: str = ""
    """The network that its proxy runs in: load balancers of one network share a proxy."""

    addresses: tuple[str, ...] = ()
    """Its addresses in there; none where it listens where this machine's clients find it."""

    leaving: tuple[str, ...] = ()
    """Addresses in subnets that it has left, where it accepts connections a little longer."""

    @property
    def source(self) -> str:
        """The address from which it connects to its targets; empty for any."""
        return self.addresses[0] if self.addresses else ""


class Edge(Protocol):
    """What load balancers need of the network that they are in."""

    async def follow(self, load_balancers: Sequence[Resource]) -> Mapping[str, str]:
        """Have the addresses of these load balancers exist.

        Returns:
            By ARN, why some of them lack an address.
        """

    def front(self, load_balancer: Resource) -> Front:
        """Return where a load balancer listens, of those that were followed last."""

    async def release(self) -> bool:
        """Remove the addresses that are no longer needed, once the proxies use those that are.

        Returns:
            Whether a front has changed by it.
        """

    async def show(self, listeners: Sequence[Listener]) -> None:
        """Let this machine's clients reach these listeners, which the proxies have opened."""

    def why_not_shown(self, listener: Listener) -> str:
        """Return why this machine's clients can't reach a shown listener; empty if they can.

        It may become known only some time after `show`.
        """

    def outside(self, load_balancer: Resource) -> dict[str, str]:
        """Return where this machine shows each public address of a load balancer."""

    async def connect(
        self, front: Front, host: str, port: int, tls: SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection over TLS from where a load balancer is.

        Raises:
            OSError: There is none.
        """

    async def status_of(
        self,
        front: Front,
        address: str,
        port: int,
        path: str,
        *,
        version: str = "HTTP1",
        time_limit: float = TIMEOUT,
    ) -> int | None:
        """Return the status of a health check of a target; None without one.

        Args:
            front: The load balancer's.
            address: The target's.
            port: The port to check.
            path: What to request, or the method to call.
            version: The target group's; the status of GRPC is one of gRPC.
            time_limit: The seconds after which there is none.
        """


class LocalEdge:
    """Load balancers listen on this machine's loopback addresses, where its clients find them."""

    def __init__(self, ask: Callable[[str, int, str], Awaitable[int | None]] = status_of) -> None:
        """Probe targets with `ask`: address, port and path to a status."""
        self._ask = ask

    async def follow(
        self,
        load_balancers: Sequence[Resource],  # noqa: ARG002 — all of them
    ) -> Mapping[str, str]:
        """Return nothing: every loopback address is there."""
        return {}

    def front(self, load_balancer: Resource) -> Front:  # noqa: ARG002 — all have the same
        """Return this machine's own network."""
        return Front()

    async def release(self) -> bool:
        """Return False: loopback addresses are always there, so none are removed."""
        return False

    def why_not_shown(self, listener: Listener) -> str:  # noqa: ARG002 — the proxy knows
        """Return nothing: this machine's clients connect to the proxy itself."""
        return ""

    def outside(self, load_balancer: Resource) -> dict[str, str]:  # noqa: ARG002
        """Return nothing: there is no internet."""
        return {}

    async def show(self, listeners: Sequence[Listener]) -> None:
        """Do nothing: the proxy listens there itself."""

    async def connect(
        self,
        front: Front,  # noqa: ARG002 — all have the same
        host: str,
        port: int,
        tls: SSLContext,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from this machine."""
        return await asyncio.open_connection(host, port, ssl=tls)

    async def status_of(
        self,
        front: Front,  # noqa: ARG002 — all have the same
        address: str,
        port: int,
        path: str,
        *,
        version: str = "HTTP1",
        time_limit: float = TIMEOUT,
    ) -> int | None:
        """Connect from this machine."""
        if version == "HTTP1":
            return await self._ask(address, port, path)
        opening = asyncio.open_connection(address, port)
        return await status_in(version, opening, f"{address}:{port}", path, time_limit=time_limit)
