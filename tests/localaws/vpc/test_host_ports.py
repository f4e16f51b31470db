"""What the host sees of a public address, with a network that answers as it is set to."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from localaws.machine.addresses import ListenAddress
from localaws.machine.stream_server import StreamServer
from localaws.vpc.host_ports import HostPorts
from localaws.vpc.network import OPEN, REFUSED, TIMED_OUT, Network
from tests.localaws.vpc.records import Records
from tests.localaws.vpc.test_network import RecordingLauncher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PUBLIC, OTHER = "203.0.113.5", "203.0.113.6"


class AnsweringNetwork(Network):
    """A network in which one port answers as the test says; behind it is a real server."""

    def __init__(self) -> None:
        super().__init__(RecordingLauncher(), Records().cloud)
        self.answer = REFUSED
        self.server: tuple[str, int] = ("", 0)

    async def connect(
        self,
        from_network: str | None,
        address: str,
        port: int,
        timeout: float,  # noqa: ASYNC109
    ) -> str:
        assert (from_network, port) == (None, 80)
        assert address in {PUBLIC, OTHER}
        return self.answer

    async def open_connection(
        self, from_network: str | None, address: str, port: int
    ) -> socket.socket:
        opened = socket.socket()
        opened.settimeout(0)
        await asyncio.get_running_loop().sock_connect(opened, self.server)
        return opened


@pytest.fixture
def listen() -> Iterator[ListenAddress]:
    """Return a loopback address with a free port that stands for port 80."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield ListenAddress("127.0.0.2", probe.getsockname()[1] - 80)


def seen(listen: ListenAddress) -> str:
    """Return how a connection from the host ends."""
    try:
        with socket.create_connection((listen.address, listen.port(80)), timeout=0.3) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while data := client.recv(100):
                answer += data
            return answer.decode()
    except TimeoutError:
        return TIMED_OUT
    except ConnectionRefusedError:
        return REFUSED


async def _shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer in capitals once the client has sent everything."""
    writer.write((await reader.read()).upper())
    await writer.drain()


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[AnsweringNetwork, HostPorts]]:
    """Show ports of a network whose server answers in capitals."""
    server = StreamServer(_shout)
    await server.listen("127.0.0.1", 0)
    network = AnsweringNetwork()
    network.server = "127.0.0.1", server.port
    ports = HostPorts(network)
    try:
        yield network, ports
    finally:
        await ports.close()
        await server.close()


async def test_the_host_sees_a_port_as_the_internet_does(listen: ListenAddress) -> None:
    expected = [TIMED_OUT, "HELLO", REFUSED, "HELLO", TIMED_OUT, TIMED_OUT, REFUSED]
    async with shown() as (network, ports):
        ports.show(PUBLIC, [80], listen)
        found = []
        for network.answer in (TIMED_OUT, OPEN, REFUSED, OPEN, TIMED_OUT, "No route to host"):
            await ports.refresh()
            found.append(await asyncio.to_thread(seen, listen))
        await ports.hide(PUBLIC)
        found.append(await asyncio.to_thread(seen, listen))
        result = found
    assert result == expected


@pytest.mark.parametrize("busy", [False, True], ids=["between", "during a look"])
async def test_a_port_is_shown_where_it_was_shown_last(
    listen: ListenAddress, *, busy: bool
) -> None:
    moved = ListenAddress("127.0.0.3", listen.offset)
    network = AnsweringNetwork()
    server = StreamServer(_shout)
    await server.listen("127.0.0.1", 0)
    network.server = "127.0.0.1", server.port
    network.answer = OPEN
    ports = HostPorts(network)
    ports.show(PUBLIC, [80], listen)
    look = asyncio.create_task(ports.refresh())
    if busy:
        await asyncio.sleep(0)
    else:
        await look
    ports.show(PUBLIC, [80], moved)
    await look
    await ports.refresh()
    found = [await asyncio.to_thread(seen, each) for each in (listen, moved)]
    await ports.close()
    await server.close()
    assert found == [REFUSED, "HELLO"]


async def test_another_address_takes_over_and_open_connections_end_with_the_first_one(
    listen: ListenAddress,
) -> None:
    network = AnsweringNetwork()
    server = StreamServer(_shout)
    await server.listen("127.0.0.1", 0)
    network.server = "127.0.0.1", server.port
    network.answer = OPEN
    ports = HostPorts(network)
    ports.show(PUBLIC, [80], listen)
    ports.show(OTHER, [80], ListenAddress("127.0.0.3", listen.offset))
    await ports.refresh()
    streams = []
    for _ in range(2):
        streams.append(await asyncio.open_connection(listen.address, listen.port(80)))
        streams[-1][1].write(b"before")
        await streams[-1][1].drain()
    (ending, ending_writer), (idle, idle_writer) = streams
    await ports.move(PUBLIC, OTHER)
    found: list[object] = [await asyncio.to_thread(seen, listen)]
    ending_writer.write_eof()
    found.append(await ending.read())
    await ports.hide(PUBLIC)
    found.append(await asyncio.to_thread(seen, listen))
    found.append(await asyncio.wait_for(idle.read(), 5))
    for writer in (ending_writer, idle_writer):
        writer.close()
    await ports.close()
    await server.close()
    assert found == ["HELLO", b"BEFORE", "HELLO", b""]


async def test_an_open_connection_outlives_the_rule_that_let_it_in(listen: ListenAddress) -> None:
    async with shown() as (network, ports):
        ports.show(PUBLIC, [80], listen)
        network.answer = OPEN
        await ports.refresh()
        reader, writer = await asyncio.open_connection(listen.address, listen.port(80))
        writer.write(b"before ")
        await writer.drain()
        network.answer = TIMED_OUT
        await ports.refresh()
        writer.write(b"after")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        result = answer
    assert result == b"BEFORE AFTER"


async def test_a_port_that_another_program_holds_is_reported() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        network = AnsweringNetwork()
        network.answer = OPEN
        ports = HostPorts(network)
        ports.show(PUBLIC, [80], ListenAddress("127.0.0.1", taken - 80))
        await ports.refresh()
        state = ports.states[PUBLIC, 80]
        await ports.close()
        assert state.startswith(f"can't be shown at 127.0.0.1:{taken}: ")
