"""The services of a VPC's router: its DNS resolver, and the metadata of tasks."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from localaws.catalog.ec2.network import VPC
from localaws.machine.stream_server import StreamServer
from localaws.vpc.names import Names
from localaws.vpc.routing import RESOLVER_ADDRESS, TASK_METADATA_ADDRESS, resolver_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localaws.catalog.account import Account
    from localaws.vpc.model import Vpc
    from localaws.vpc.names import Running
    from localaws.vpc.network import Network

log = logging.getLogger(__name__)

_DNS_PORT = 53
_HTTP_PORT = 80
_WAITING = 128
_TIMEOUT_SECONDS = 10
"""For a client that has connected and sends nothing."""

Metadata = tuple[HTTPStatus, object]
"""An answer of the metadata service: a status, and what its JSON document holds."""


@dataclass
class _OfVpc:
    """What is open in one VPC's router."""

    transports: list[asyncio.DatagramTransport] = field(default_factory=list)
    servers: list[StreamServer] = field(default_factory=list)

    async def close(self) -> None:
        for transport in self.transports:
            transport.close()
        for server in self.servers:
            await server.close()


class RouterServices:
    """Serves names and metadata in each VPC of a network."""

    def __init__(
        self,
        network: Network,
        account: Account,
        running: Running,
        metadata: Callable[[str, str, str], Metadata | None],
    ) -> None:
        """Serve nothing until `follow`.

        Args:
            network: Where the VPCs are.
            account: What their names are read from.
            running: What has addresses that no record holds.
            metadata: Answers a path for the task at an address of a VPC: VPC, address, path.
        """
        self._network = network
        self._account = account
        self._running = running
        self._metadata = metadata
        self._open: dict[str, _OfVpc] = {}

    async def follow(self) -> None:
        """Serve in each VPC of the network, and in no other."""
        routers = self._network.routers
        for identifier in self._open.keys() - routers.keys():
            await self._open.pop(identifier).close()
        for identifier, (namespace, vpc) in routers.items():
            if identifier in self._open:
                continue
            self._open[identifier] = opened = _OfVpc()
            try:
                await self._serve_names(opened, namespace, vpc)
                await self._serve_metadata(opened, namespace, vpc)
            except BaseException:
                # The next call tries it again, which needs the same sockets.
                await self._open.pop(identifier).close()
                raise

    async def close(self) -> None:
        """Serve nothing any more."""
        while self._open:
            _, opened = self._open.popitem()
            await opened.close()

    def names(self, vpc: Vpc) -> Names:
        """Return the names that a VPC sees."""
        return Names(self._account, vpc, self._running)

    def _answer(self, identifier: str, query: bytes, *, over_tcp: bool = False) -> bytes | None:
        _, vpc = self._network.routers.get(identifier, ("", None))
        record = self._account.get(VPC, identifier)
        if vpc is None or record is None or record.outputs.get("enableDnsSupport") is False:
            return None
        # dnspython takes long to import, and most tasks look nothing up.
        from localaws.vpc import resolver  # noqa: PLC0415

        try:
            return resolver.answer(query, self.names(vpc), over_tcp=over_tcp)
        except resolver.BadRecordError as error:
            # A record may hold what is no record of its type: AWS would have refused it.
            log.warning("the resolver of %s: %s", identifier, error)
            return None

    async def _serve_names(self, opened: _OfVpc, namespace: str, vpc: Vpc) -> None:
        for address in (RESOLVER_ADDRESS, resolver_address(vpc.cidr)):
            datagrams = await self._network.open_socket(
                namespace, socket.SOCK_DGRAM, address, _DNS_PORT
            )
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(lambda query: self._answer(vpc.id, query)), sock=datagrams
            )
            opened.transports.append(transport)
            listener = await self._network.open_socket(
                namespace, socket.SOCK_STREAM, address, _DNS_PORT, listen=_WAITING
            )
            answer = partial(self._answer_stream, vpc.id)
            await _serve(listener, answer, opened)

    async def _answer_stream(
        self, vpc: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one query over TCP, where each message has its length before it."""
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        found = self._answer(vpc, await reader.readexactly(length), over_tcp=True)
        if found is not None:
            writer.write(struct.pack("!H", len(found)) + found)
            await writer.drain()

    async def _serve_metadata(self, opened: _OfVpc, namespace: str, vpc: Vpc) -> None:
        listener = await self._network.open_socket(
            namespace, socket.SOCK_STREAM, TASK_METADATA_ADDRESS, _HTTP_PORT, listen=_WAITING
        )
        await _serve(listener, partial(self._answer_http, vpc.id), opened)

    async def _answer_http(
        self, vpc: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request of HTTP and close, which every client understands."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, _, rest = head.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        address = str(writer.get_extra_info("peername")[0])
        found = self._metadata(vpc, address, path) if method == "GET" else None
        status, document = found or (HTTPStatus.NOT_FOUND, {})
        body = json.dumps(document).encode()
        lines = (
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        writer.write("\r\n".join((*lines, "", "")).encode() + body)
        await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram with another one."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = self._answer(data)
        if found is not None and self._transport is not None:
            self._transport.sendto(found, addr)


async def _serve(
    listener: socket.socket,
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    opened: _OfVpc,
) -> None:
    """Accept connections, give each one answer in bounded time, and close it."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may leave at any moment, and what it sends may make no sense.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await answer(reader, writer)

    server = StreamServer(accept)
    opened.servers.append(server)
    await server.listen(sock=listener)
