"""Repeats the controller's pass: at once when something happens, else after a pause."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

log = logging.getLogger(__name__)

_SHORTEST_WAIT = 0.01
"""Seconds for which the end of a pass is awaited even when the time is over."""


class Passes:
    """The passes so far, with their problems, and what begins the next one."""

    def __init__(self) -> None:
        """Start with none."""
        self._wake = asyncio.Event()
        self._ended = asyncio.Condition()
        self._new_problems: list[str] = []
        """Those of the pass that is under way."""

        self._problems: list[str] = []

    @property
    def problems(self) -> list[str]:
        """What went wrong in the last whole pass."""
        return list(self._problems)

    async def repeat(
        self, perform: Callable[[], Awaitable[None]], pause: Callable[[], float]
    ) -> None:
        """Repeat a pass until this is cancelled.

        Args:
            perform: Performs one pass.
            pause: Returns the seconds until the next one, if nothing happens.
        """
        while True:
            # Cleared before the pass, not after: an event during the pass must cause another one.
            self._wake.clear()
            self._new_problems = []
            with self.noting_problems():
                await perform()
            for problem in self._new_problems:
                if problem not in self._problems:
                    log.error("%s", problem)
            self._problems = self._new_problems
            async with self._ended:
                self._ended.notify_all()
            # Not wait_for, which before Python 3.12 loses a cancellation now and then.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause()):
                    await self._wake.wait()

    def wake(self) -> None:
        """Begin the next pass at once."""
        self._wake.set()

    @contextmanager
    def noting_problems(self) -> Iterator[None]:
        """Note a failure as a problem: one bad resource must not stop the other services."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 — whatever it is, waits report it
            self._new_problems.append(str(error) or repr(error))

    async def wait_for_next(self, deadline: float) -> None:
        """Begin a pass, and wait for the end of one until a time of the event loop's clock."""
        self.wake()
        remaining = deadline - asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(_SHORTEST_WAIT, remaining)), self._ended:
                await self._ended.wait()

    async def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until a condition holds at the end of a pass, or holds already."""
        async with self._ended:
            await self._ended.wait_for(done)
