"""A local VPC whose packets are real."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from localaws.machine.isolation import Isolation
from localaws.vpc.network import Network
from tests.localaws.machine.conftest import launcher
from tests.localaws.vpc.records import Records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localaws.machine.processes import Launcher
    from localaws.vpc.model import Interface

__all__ = ["launcher"]

TIMEOUT = 0.3
"""Seconds without an answer until a port counts as closed; packets here take microseconds."""


@pytest.fixture(params=[Isolation.ROOT, Isolation.ONE_ID])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Root's, and that of a user without privileges.

    The latter runs in a user namespace of root's here, which has the rights of any other user's.
    """
    chosen: Isolation = request.param
    if chosen == Isolation.ROOT and os.geteuid() != 0:
        pytest.skip("needs root")
    return chosen


Attempt = tuple[str | None, str, int]
"""A connection from a namespace, None for the internet, to an address and a port."""


class Packets:
    """A network that has real namespaces, listeners in them, and checks of connections."""

    def __init__(self, launcher: Launcher, records: Records) -> None:
        self.launcher = launcher
        self.network = Network(launcher, records.cloud)
        self._listeners: list[socket.socket] = []

    async def listen(self, network: str | None, *ports: int) -> None:
        """Accept connections on ports of every address of a namespace."""
        for port in ports:
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                self._listeners.append(
                    await self.launcher.open_socket(
                        network,
                        family=family,
                        type=socket.SOCK_STREAM,
                        bind=(address, port),
                        listen=64,
                    )
                )

    async def attach(self, *interfaces: Interface, listen: tuple[int, ...] = ()) -> None:
        """Attach interfaces, and accept connections on these ports of each."""
        for each in interfaces:
            await self.listen(await self.network.attach(each), *listen)

    async def check(self, expected: dict[Attempt, str]) -> None:
        """Assert how connections end that are tried at the same time."""
        tries = [self.network.connect(*attempt, TIMEOUT) for attempt in expected]
        outcomes = await asyncio.gather(*tries)
        assert dict(zip(expected, outcomes, strict=True)) == expected

    def close(self) -> None:
        for each in self._listeners:
            each.close()


StartNetwork = Callable[[Records], Awaitable[Packets]]


@pytest.fixture
async def start_network(launcher: Launcher) -> AsyncIterator[StartNetwork]:
    """What starts the network of records; its listeners are closed after the test."""
    started: list[Packets] = []

    async def start(records: Records) -> Packets:
        packets = Packets(launcher, records)
        await packets.network.start()
        started.append(packets)
        return packets

    yield start
    for packets in started:
        packets.close()
