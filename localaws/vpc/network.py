"""Keeps the machine's network namespaces in step with the cloud. The only module that does."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from localaws.machine.processes import CommandFailedError
from localaws.vpc.desired import desired
from localaws.vpc.plan import Plan
from localaws.vpc.steps import merged, shell_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account
    from localaws.vpc.model import Interface, Vpc
    from localaws.vpc.steps import Step

INTERNET: Final = None
"""The namespace to connect from as a host on the internet does."""

OPEN, REFUSED, TIMED_OUT = "open", "refused", "timed out"
"""How an attempt to connect ends; anything else is the kernel's own words."""

_PASSES_UNTIL_SEEN = 3
"""Of the event loop: it finds the socket's event, ends the attempt, and reports its end."""


class Launcher(Protocol):
    """What this module needs of `localaws.machine.processes.Launcher`."""

    async def run(self, argv: Sequence[str], *, feed: str = "", network: str | None = None) -> str:
        """Run a program to its end; return what it printed."""

    async def open_socket(
        self,
        network: str | None,
        *,
        family: int,
        type: int,  # noqa: A002 — the socket module's name
        bind: tuple[str, int] | None = None,
        listen: int = 0,
    ) -> socket.socket:
        """Open a socket that stays in a namespace."""


@dataclass(frozen=True, eq=False)
class _Change:
    """An interface that is to come or to go, and when that is done."""

    interface: Interface
    network: str
    """The namespace that it comes into; empty if the interface goes."""

    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Network:
    """The VPCs of an account, made of network namespaces behind a launcher."""

    def __init__(self, launcher: Launcher, cloud: Account) -> None:
        self._launcher = launcher
        self._cloud = cloud
        self._lock = asyncio.Lock()
        self._plan = Plan()
        self._changes: deque[_Change] = deque()
        """What waits for the next script, in the order of the calls."""

        self._worker: asyncio.Task[None] | None = None
        self.not_enforced: tuple[str, ...] = ()
        """What the cloud holds and no packet meets, as sentences."""

    @property
    def routers(self) -> dict[str, tuple[str, Vpc]]:
        """Each VPC, and the namespace of its router, by the VPC's id."""
        return self._plan.routers()

    async def open_socket(
        self, network: str, kind: int, address: str, port: int, listen: int = 0
    ) -> socket.socket:
        """Open a socket of a namespace, bound to one of its IPv4 addresses.

        Args:
            network: The namespace.
            kind: SOCK_STREAM or SOCK_DGRAM.
            address: Where to bind it.
            port: Where to bind it.
            listen: How many connections may wait, if it takes any.
        """
        return await self._launcher.open_socket(
            network, family=socket.AF_INET, type=kind, bind=(address, port), listen=listen
        )

    async def start(self) -> None:
        """Set up the internet, then everything that the cloud holds."""
        async with self._lock:
            await self._execute([*self._plan.start(), *self._follow()])

    async def follow(self) -> None:
        """Make the network as the cloud's records are now; only differences are changed."""
        async with self._lock:
            await self._execute(self._follow())

    async def attach(self, interface: Interface, network: str = "") -> str:
        """Add an interface, or change the groups and the public address of one that is there.

        Args:
            interface: The interface.
            network: The namespace that it shares with others of its VPC; by default it gets one.

        Returns:
            The name of its namespace.

        Raises:
            KeyError: The cloud has no such VPC or subnet.
            CommandFailedError: The machine refuses; nothing is left of the interface.
        """
        change = _Change(interface, network or interface.id)
        try:
            await self._do(change)
        except asyncio.CancelledError:
            if change in self._changes:
                self._changes.remove(change)
            else:
                # Its script goes on, since others may be in it.
                await self.detach(interface)
            raise
        return change.network

    async def detach(self, interface: Interface) -> None:
        """Remove an interface; its namespace goes with the last one."""
        await self._do(_Change(interface, ""))

    async def connect(
        self,
        from_network: str | None,
        address: str,
        port: int,
        timeout: float,  # noqa: ASYNC109
    ) -> str:
        """Return how an attempt to connect ends: OPEN, REFUSED, TIMED_OUT or the kernel's words.

        Args:
            from_network: The namespace to connect from; INTERNET for a host on the internet.
            address: Where to, IPv4 or IPv6.
            port: A TCP port.
            timeout: How many seconds to wait.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = await self._launcher.open_socket(
            from_network, family=family, type=socket.SOCK_STREAM
        )
        loop = asyncio.get_running_loop()
        with opened:
            connecting = asyncio.create_task(loop.sock_connect(opened, (address, port)))
            try:
                await asyncio.wait({connecting}, timeout=timeout)
                # This program may have been busy when the answer came: it gets to see it first.
                for _ in range(_PASSES_UNTIL_SEEN):
                    await asyncio.sleep(0)
            finally:
                connecting.cancel()
                (found,) = await asyncio.gather(connecting, return_exceptions=True)
        return _words(found)

    async def open_connection(
        self, from_network: str | None, address: str, port: int
    ) -> socket.socket:
        """Connect from a namespace, which is the only way to a VPC's addresses.

        Raises:
            OSError: The connection failed.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = await self._launcher.open_socket(
            from_network, family=family, type=socket.SOCK_STREAM
        )
        try:
            await asyncio.get_running_loop().sock_connect(opened, (address, port))
        except BaseException:
            opened.close()
            raise
        return opened

    async def _do(self, change: _Change) -> None:
        """Queue a change, and wait until it is done, in one script with others that wait."""
        self._changes.append(change)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await asyncio.shield(change.done)

    async def _work(self) -> None:
        """Make the changes that wait, as many at once as can be."""
        try:
            while self._changes:
                async with self._lock:
                    await self._make(self._next_changes())
        finally:
            self._worker = None

    def _next_changes(self) -> list[_Change]:
        """Return the first changes that wait and can be one script.

        They are new interfaces or interfaces that go, so that nothing of one depends on another's.
        """
        found: list[_Change] = []
        while self._changes and (not found or self._fits(self._changes[0], found)):
            found.append(self._changes.popleft())
        return found

    def _fits(self, change: _Change, others: list[_Change]) -> bool:
        """Return whether a change can be in one script with others."""
        for other in others:
            if change.interface.id == other.interface.id:
                return False
        first = others[0]
        if not change.network or not first.network:
            return change.network == first.network
        # An interface that is there is changed in a separate script.
        return not (self._plan.has(change.interface) or self._plan.has(first.interface))

    async def _make(self, changes: list[_Change]) -> None:
        """Make changes in one script, and end each one's wait."""
        try:
            if not changes[0].network:
                await self._remove([each.interface for each in changes])
            elif len(changes) == 1:
                await self._add(changes)
            else:
                await self._add_several(changes)
        except BaseException as error:
            for each in changes:
                _end(each, error)
            if not isinstance(error, Exception):
                raise
        for each in changes:
            _end(each)

    async def _add_several(self, changes: list[_Change]) -> None:
        """Add interfaces in one script, and each in its own if that fails: one may be at fault."""
        try:
            await self._add(changes)
        except (CommandFailedError, KeyError):
            for each in changes:
                await self._make([each])

    async def _add(self, changes: list[_Change]) -> None:
        if not all(self._plan.knows(each.interface) for each in changes):
            await self._execute(self._follow())
        networks = {each.interface: each.network for each in changes}
        try:
            await self._execute(self._plan.attach(networks))
        except BaseException:
            # What was done before it failed must not be in the way of the next one.
            await self._remove([each.interface for each in changes])
            raise

    async def _remove(self, interfaces: list[Interface]) -> None:
        """Remove interfaces, whatever is there of them."""
        steps = self._plan.detach(interfaces)
        try:
            await self._execute(merged(steps))
        except CommandFailedError:
            for step in steps:
                with suppress(CommandFailedError):
                    await self._execute([step])

    def _follow(self) -> list[Step]:
        model = desired(self._cloud)
        self.not_enforced = model.not_enforced
        return self._plan.follow(model)

    async def _execute(self, steps: list[Step]) -> None:
        """Execute steps in one run of a shell: each program that is started costs milliseconds."""
        script = shell_script(steps)
        if not script:
            return
        try:
            await self._launcher.run(["sh", "-e"], feed=script)
        except BaseException:
            self._plan.distrust()
            raise


def _end(change: _Change, error: BaseException | None = None) -> None:
    """End the wait for a change, unless that has ended."""
    if change.done.done():
        return
    if error is None:
        change.done.set_result(None)
    elif isinstance(error, asyncio.CancelledError):
        change.done.cancel()
    else:
        change.done.set_exception(error)


def _words(outcome: BaseException | None) -> str:
    """Return how an attempt to connect ended, that ended with this."""
    match outcome:
        case None:
            return OPEN
        case ConnectionRefusedError():
            return REFUSED
        case TimeoutError() | asyncio.CancelledError():
            return TIMED_OUT
        case OSError():
            return outcome.strerror or str(outcome)
        case _:
            raise outcome
