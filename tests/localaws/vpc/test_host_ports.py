"""What the host sees of a public address, with a network whose answer a test sets."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from localaws.machine.addresses import ListenAddress
from localaws.machine.stream_server import StreamServer
from localaws.vpc.host_ports import HostPorts
from localaws.vpc.network import OPEN, REFUSED, TIMED_OUT, Network
from tests.localaws.vpc.recording_launcher import RecordingLauncher
from tests.localaws.vpc.records import Records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PUBLIC, OTHER = "203.0.113.5", "203.0.113.6"


class AnsweringNetwork(Network):
    """A network of one open or closed port, behind which is a real server."""

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


async def connect_from_host(listen: ListenAddress, time_limit: float = 5.0) -> str:
    """Send `hello` to port 80; return the answer, or how the connection failed."""
    return await asyncio.to_thread(_connect_from_host, listen, time_limit)


def _connect_from_host(listen: ListenAddress, time_limit: float) -> str:
    try:
        address = listen.address, listen.port(80)
        with socket.create_connection(address, timeout=time_limit) as client:
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


async def answer_in_capitals(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer in capitals once the client has sent everything."""
    writer.write((await reader.read()).upper())
    await writer.drain()


@pytest.fixture
async def network() -> AsyncIterator[AnsweringNetwork]:
    """A network whose server answers in capitals."""
    server = StreamServer(answer_in_capitals)
    await server.listen("127.0.0.1", 0)
    network = AnsweringNetwork()
    network.server = "127.0.0.1", server.port
    yield network
    await server.close()


@pytest.fixture
async def ports(network: AnsweringNetwork) -> AsyncIterator[HostPorts]:
    ports = HostPorts(network)
    yield ports
    await ports.close()


async def test_the_host_sees_a_port_as_the_internet_does(
    network: AnsweringNetwork, ports: HostPorts, listen: ListenAddress
) -> None:
    ports.show(PUBLIC, [80], listen)
    for answer, expected in (
        (TIMED_OUT, TIMED_OUT),
        (OPEN, "HELLO"),
        (REFUSED, REFUSED),
        (OPEN, "HELLO"),
        (TIMED_OUT, TIMED_OUT),
        ("No route to host", TIMED_OUT),
    ):
        network.answer = answer
        await ports.refresh()
        time_limit = 0.1 if expected == TIMED_OUT else 5.0
        assert await connect_from_host(listen, time_limit) == expected
    await ports.hide(PUBLIC)
    assert await connect_from_host(listen) == REFUSED


@pytest.mark.parametrize("during", [False, True], ids=["between refreshes", "during a refresh"])
async def test_a_port_is_shown_where_it_was_shown_last(
    network: AnsweringNetwork, ports: HostPorts, listen: ListenAddress, *, during: bool
) -> None:
    network.answer = OPEN
    ports.show(PUBLIC, [80], listen)
    refresh = asyncio.create_task(ports.refresh())
    if during:
        await asyncio.sleep(0)
    else:
        await refresh
    moved = ListenAddress("127.0.0.3", listen.offset)
    ports.show(PUBLIC, [80], moved)
    await refresh
    await ports.refresh()
    assert await connect_from_host(listen) == REFUSED
    assert await connect_from_host(moved) == "HELLO"


async def test_another_address_takes_over_and_open_connections_end_with_the_first_one(
    network: AnsweringNetwork, ports: HostPorts, listen: ListenAddress
) -> None:
    network.answer = OPEN
    ports.show(PUBLIC, [80], listen)
    ports.show(OTHER, [80], ListenAddress("127.0.0.3", listen.offset))
    await ports.refresh()
    streams = []
    for _ in range(2):
        reader, writer = await asyncio.open_connection(listen.address, listen.port(80))
        writer.write(b"before")
        await writer.drain()
        streams.append((reader, writer))
    (ending, ending_writer), (idle, idle_writer) = streams

    await ports.move(PUBLIC, OTHER)
    assert await connect_from_host(listen) == "HELLO"
    ending_writer.write_eof()
    assert await ending.read() == b"BEFORE"

    await ports.hide(PUBLIC)
    assert await connect_from_host(listen) == "HELLO"
    assert await asyncio.wait_for(idle.read(), 5) == b"", "it is closed"
    for writer in (ending_writer, idle_writer):
        writer.close()


async def test_an_open_connection_outlives_the_rule_that_let_it_in(
    network: AnsweringNetwork, ports: HostPorts, listen: ListenAddress
) -> None:
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
    assert await reader.read() == b"BEFORE AFTER"
    writer.close()


async def test_a_port_that_another_program_holds_is_reported(
    network: AnsweringNetwork, ports: HostPorts
) -> None:
    network.answer = OPEN
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        ports.show(PUBLIC, [80], ListenAddress("127.0.0.1", taken - 80))
        await ports.refresh()
    assert ports.states[PUBLIC, 80].startswith(f"can't be shown at 127.0.0.1:{taken}: ")
