"""Shows public addresses on this machine, with each port as a host on the internet finds it.

A public address is shown at a loopback address. An open port is relayed; one that refuses has no
listener; and one that a security group closes times out here too. For that there is a listener
whose queue of connections is full: the kernel then drops every further request to connect, as a
security group does, and it needs no privilege.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from localaws.machine.stream_copy import copy
from localaws.machine.stream_server import StreamServer
from localaws.vpc.network import INTERNET, OPEN, REFUSED, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Collection

    from localaws.machine.addresses import ListenAddress
    from localaws.vpc.network import Network

_WAITING = 512
"""Connections that may wait for their turn, as many as servers usually let."""

_QUICK_SECONDS = 0.1
"""After which a port that wasn't open counts as closed; the kernel answers for an open one at once.
"""

_TIMEOUT_SECONDS = 10
"""For the connection behind one that a client opened here."""


class HostPorts:
    """The public addresses that the host sees."""

    def __init__(self, network: Network, *, timeout: float = 1.0) -> None:
        """Show nothing yet.

        Args:
            network: Where the public addresses are.
            timeout: After how many seconds without an answer a port counts as closed.
        """
        self._network = network
        self._timeout = timeout
        self._ports: dict[tuple[str, int], _HostPort] = {}
        self._replaced: list[_HostPort] = []
        """Those of ports that are shown elsewhere from the next `refresh` on."""

        self._lock = asyncio.Lock()

    @property
    def states(self) -> dict[tuple[str, int], str]:
        """How each port was found, by public address and port."""
        return {key: each.state for key, each in self._ports.items()}

    @property
    def problems(self) -> dict[tuple[str, int], str]:
        """Why ports can't be shown, by public address and port; those that can aren't in it."""
        fine = (OPEN, REFUSED, TIMED_OUT)
        return {key: state for key, state in self.states.items() if state not in fine}

    def show(self, public_address: str, ports: Collection[int], on: ListenAddress) -> None:
        """Show ports of a public address at a loopback address, from the next `refresh` on."""
        for port in ports:
            public = (public_address, port)
            listen = (on.address, on.port(port))
            there = self._ports.get(public)
            if there is None or there.listen != listen:
                if there is not None:
                    self._replaced.append(there)
                self._ports[public] = _HostPort(self._network, public, listen)

    async def move(self, public_address: str, other: str) -> None:
        """Show another public address where this one is shown, without a gap for clients.

        Connections that are open stay where they are.
        """
        async with self._lock:
            await self._close_all(other)
            for key in self._keys_of(public_address):
                port = self._ports.pop(key)
                port.public = (other, key[1])
                self._ports[port.public] = port

    async def hide(self, public_address: str) -> None:
        """Show an address no longer; connections that are open are closed."""
        async with self._lock:
            await self._close_all(public_address)
            for port in self._ports.values():
                port.disconnect(public_address)

    async def refresh(self) -> None:
        """Find out how each port answers, and show it so.

        Every open port gets a connection by this, which the server sees.
        """
        async with self._lock:
            await self._close_replaced()
            refreshes = [each.refresh(self._timeout) for each in self._ports.values()]
            await asyncio.gather(*refreshes)

    async def close(self) -> None:
        """Show nothing any more."""
        async with self._lock:
            await self._close_replaced()
            while self._ports:
                _, port = self._ports.popitem()
                await port.close()

    def _keys_of(self, public_address: str) -> list[tuple[str, int]]:
        return [each for each in self._ports if each[0] == public_address]

    async def _close_all(self, public_address: str) -> None:
        for key in self._keys_of(public_address):
            await self._ports.pop(key).close()

    async def _close_replaced(self) -> None:
        while self._replaced:
            await self._replaced.pop().close()


class _HostPort:
    """One port of a public address, and what stands for it at a loopback address."""

    def __init__(self, network: Network, public: tuple[str, int], listen: tuple[str, int]) -> None:
        self.network = network
        self.public = public
        self.listen = listen
        self.state = REFUSED
        self.server = StreamServer(self._relay)
        self._full: list[socket.socket] = []
        self._relays: dict[asyncio.Task[None] | None, str] = {}
        """The public address that each connects to: an earlier one, for those before a move."""

    async def refresh(self, timeout: float) -> None:  # noqa: ASYNC109 — of the connection
        # One that wasn't open is tried again soon; one that was must not seem closed on a busy
        # machine.
        time_limit = timeout if self.state == OPEN else min(timeout, _QUICK_SECONDS)
        found = await self.network.connect(INTERNET, *self.public, time_limit)
        # Other errors, such as an unreachable network, aren't the port's answer.
        state = found if found in (OPEN, REFUSED) else TIMED_OUT
        if state == self.state:
            return
        await self._stop_listening()
        try:
            await self._show(state)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            self.state = f"can't be shown at {self.listen[0]}:{self.listen[1]}: {why}"

    async def _show(self, state: str) -> None:
        if state == OPEN:
            await self.server.listen(*self.listen, backlog=_WAITING, reuse_address=True)
        elif state == TIMED_OUT:
            self._full = _full_listener(self.listen)
        self.state = state

    async def close(self) -> None:
        await self._stop_listening()
        await self.server.close()

    def disconnect(self, public_address: str) -> None:
        """Close the connections to an address that was shown here before."""
        for relay, address in self._relays.items():
            if relay and address == public_address:
                relay.cancel()

    async def _stop_listening(self) -> None:
        """Take no new connections; those that are open go on, as behind a security group."""
        await self.server.stop_listening()
        for each in self._full:
            each.close()
        self._full = []
        self.state = REFUSED

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._relays[task] = self.public[0]
        try:
            await self._relay_to(self.public, reader, writer)
        finally:
            del self._relays[task]

    async def _relay_to(
        self,
        public: tuple[str, int],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                opened = await self.network.open_connection(INTERNET, *public)
        except OSError:  # a time-out is one too
            return
        far_reader, far_writer = await asyncio.open_connection(sock=opened)
        try:
            await asyncio.gather(
                _copy_or_abort(reader, far_writer), _copy_or_abort(far_reader, writer)
            )
            for each in (writer, far_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()
        finally:
            far_writer.transport.abort()


async def _copy_or_abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction of a connection; if it breaks, break what it is copied to."""
    try:
        await copy(reader, writer)
    except OSError:
        writer.transport.abort()


def _full_listener(listen: tuple[str, int]) -> list[socket.socket]:
    """Return a listener whose queue is full, and the connection that fills it."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(listen)
        listener.listen(0)
        return [listener, socket.create_connection(listen, timeout=1)]
    except OSError:
        listener.close()
        raise
