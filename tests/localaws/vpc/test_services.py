"""What a VPC's router serves, on sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from localaws.vpc.services import RouterServices

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("sockets_are_closed")


class LoopbackSockets:
    """A network with one VPC, whose router's sockets are at free ports of the loopback address."""

    def __init__(self, *, broken: int = 0) -> None:
        """Refuse the socket with this number."""
        self.routers: dict[str, Any] = {
            "vpc-1": ("router-1", SimpleNamespace(id="vpc-1", cidr="10.0.0.0/16"))
        }
        self.broken = broken
        self.opened = 0
        self.http: tuple[str, int] = ("", 0)

    async def open_socket(
        self, network: str, kind: int, address: str, port: int, listen: int = 0
    ) -> socket.socket:
        assert network == "router-1"
        self.opened += 1
        if self.opened == self.broken:
            raise OSError("Cannot assign requested address")
        made = socket.socket(type=kind)
        made.setblocking(False)  # noqa: FBT003 — the standard library's signature
        made.bind(("127.0.0.1", 0))
        if listen:
            made.listen(listen)
        if port == 80:
            self.http = made.getsockname()
        return made


def services(network: LoopbackSockets, answered: Callable[..., Any]) -> RouterServices:
    return RouterServices(cast("Any", network), cast("Any", None), cast("Any", None), answered)


def no_metadata(*_: str) -> None:
    """Answer nothing."""


async def status_line(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /v4/x HTTP/1.1\r\n\r\n")
    try:
        return (await reader.read()).partition(b"\r\n")[0]
    finally:
        writer.close()


@pytest.mark.parametrize("broken", range(1, 6))
async def test_a_vpc_whose_sockets_could_not_be_opened_is_served_by_the_next_attempt(
    broken: int,
) -> None:
    network = LoopbackSockets(broken=broken)
    served = services(network, no_metadata)
    with pytest.raises(OSError, match="Cannot assign"):
        await served.follow()
    await served.follow()
    assert network.opened == broken + 5
    assert await status_line(network.http) == b"HTTP/1.1 404 Not Found"
    await served.close()


async def test_closing_ends_a_connection_that_sends_nothing() -> None:
    network = LoopbackSockets()
    served = services(network, no_metadata)
    await served.follow()
    reader, writer = await asyncio.open_connection(*network.http)
    for _ in range(10):  # until it is accepted
        await asyncio.sleep(0)
    await served.close()
    async with asyncio.timeout(5):  # less than a client has to send a request
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*network.http)


async def test_a_vpc_that_is_gone_is_served_no_longer() -> None:
    network = LoopbackSockets()
    served = services(network, no_metadata)
    await served.follow()
    network.routers.clear()
    await served.follow()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*network.http)
    await served.close()
