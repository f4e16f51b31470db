"""Keeps a network, and what this machine sees of it, in step with the cloud."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from localaws.machine.processes import CannotStartError, CommandFailedError
from localaws.not_settled import NotSettled

if TYPE_CHECKING:
    from localaws.catalog.account import Account
    from localaws.vpc.host_ports import HostPorts
    from localaws.vpc.network import Network
    from localaws.vpc.services import RouterServices

log = logging.getLogger(__name__)

_PAUSES = (0.3, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the passes after a change: what was started begins to listen only then."""


_RETRY_SECONDS = 1.0


class Follower:
    """Applies each change of the cloud to a network, and shows its effect on this machine."""

    def __init__(self, network: Network, host_ports: HostPorts, cloud: Account) -> None:
        """Follow nothing until `start`."""
        self.services: RouterServices | None = None
        """What is served in each VPC."""

        self._network = network
        self._host_ports = host_ports
        self._cloud = cloud
        self._changes = 0
        self._applied = 0
        self._wake = asyncio.Event()
        self._passed = asyncio.Condition()
        self._loop: asyncio.Task[None] | None = None
        self.problem = ""
        """Why the last change couldn't be applied; empty where it was."""

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What the cloud holds and no packet meets, as sentences."""
        return self._network.not_enforced

    async def start(self) -> None:
        """Make the network, then follow the cloud."""
        await self._network.start()
        if self.services is not None:
            await self.services.follow()
        self._cloud.on_change.append(self.touch)
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop following, and show nothing."""
        if self._loop is not None:
            self._cloud.on_change.remove(self.touch)
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None
        if self.services is not None:
            await self.services.close()
        await self._host_ports.close()

    def touch(self) -> None:
        """Begin the next pass at once, as something has changed."""
        self._changes += 1
        self._wake.set()

    async def settle(self, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until all that has changed so far is applied and shown, if anything is shown.

        Args:
            timeout: Seconds to wait.

        Raises:
            NotSettled: It can't be applied, or hasn't been in time.
        """
        if self._host_ports.states:  # otherwise nothing here can see a difference
            changes = self._changes
            try:
                async with asyncio.timeout(timeout), self._passed:
                    await self._passed.wait_for(lambda: self._applied >= changes)
            except TimeoutError:
                late = f"the local network hasn't applied it after {timeout:g} s"
                raise NotSettled("; ".join(filter(None, [late, self.problem]))) from None
        if self.problem:
            raise NotSettled(f"the local network can't be changed: {self.problem}")

    async def _run(self) -> None:
        pauses = iter(_PAUSES)
        while True:
            with suppress(TimeoutError):
                # A port that another program holds is shown as soon as it is free.
                last_pause = _RETRY_SECONDS if self._host_ports.problems else None
                async with asyncio.timeout(next(pauses, last_pause)):
                    await self._wake.wait()
            if self._wake.is_set():
                pauses = iter(_PAUSES)
                self._wake.clear()
            changes = self._changes
            await self._pass()
            async with self._passed:
                self._applied = changes
                self._passed.notify_all()

    async def _pass(self) -> None:
        try:
            await self._network.follow()
            if self.services is not None:
                await self.services.follow()
            await self._host_ports.refresh()
        except (CannotStartError, CommandFailedError, OSError, ValueError) as error:
            if str(error) != self.problem:
                log.error("the network: %s", error)  # noqa: TRY400 — it says what went wrong
            self.problem = str(error)
        else:
            self.problem = ""
