"""Compressed minutes: one loop for everything that measures and decides by the minute."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.speed import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger(__name__)

_MINUTE = 60.0


@dataclass(frozen=True)
class Minute:
    """A compressed minute that has passed."""

    number: int
    """Counted since the daemon's start, the first is 1."""

    seconds: float
    """How long it took."""

    began: float
    """Seconds since the epoch."""


class Minutes:
    """Runs each part once a minute, in order; a part that fails doesn't stop the others."""

    def __init__(
        self,
        parts: Mapping[str, Callable[[Minute], Awaitable[None]]],
        *,
        speed: float = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing runs until `start`.

        Args:
            parts: What runs each minute, by the name that its problems get.
            speed: How fast AWS's durations pass, apart from `COMPRESSION`.
            clock: Seconds since the epoch.
        """
        self._parts = parts
        self._length = _MINUTE / (COMPRESSION * speed)
        self._clock = clock
        self._number = 0
        self._loop: asyncio.Task[None] | None = None
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """What was wrong in the last minute."""
        return list(self._problems.values())

    def start(self) -> None:
        """Begin the first minute."""
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None

    async def tick(self, seconds: float) -> None:
        """Do a minute's work.

        Args:
            seconds: How long the minute took.
        """
        self._number += 1
        minute = Minute(self._number, seconds, self._clock() - seconds)
        for name, part in self._parts.items():
            try:
                await part(minute)
                self._problems.pop(name, None)
            except Exception as error:  # the next minute may go better
                problem = f"{name}: {error}"
                if problem != self._problems.get(name):
                    log.exception("%s", name)
                self._problems[name] = problem

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.sleep(self._length)
            now = loop.time()
            await self.tick(now - began)
            began = now
