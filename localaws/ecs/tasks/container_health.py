"""Containers' own health checks; in their commands the task's address replaces localhost."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.ecs.scheduler.model import Health, worse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from localaws.ecs.tasks.runtime import HealthCheck
    from localaws.machine.addresses import ListenAddress

_LOCALHOST = re.compile(r"(?<![\w.-])(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?(?![\w.-])")
_HTTP = 80
_TIMED_OUT = "timed out"


@dataclass
class ContainerCheck:
    """One container's check, and its result."""

    name: str
    check: HealthCheck
    health: Health = Health.INITIAL
    answer: str = ""
    """Why it failed last: `container web: exit code 1`."""

    decided: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the health is no longer `initial`."""

    _failures: int = 0

    async def watch(self, run: Callable[[], Awaitable[int | None]]) -> None:
        """Run it for ever, the first time after one interval.

        Args:
            run: Runs the command; its exit status, or None where it took longer than its timeout.
        """
        time = asyncio.get_running_loop().time
        began = time()
        while True:
            await asyncio.sleep(self.check.interval)
            self.note(await run(), age=time() - began)

    def note(self, code: int | None, *, age: float) -> None:
        """Record the exit status of a check, of a container that has run for `age` seconds.

        One success is enough, `retries` failures in a row are needed; before the first success
        those in the start period don't count.
        """
        if code == 0:
            self.health, self.answer, self._failures = Health.HEALTHY, "", 0
            self.decided.set()
            return
        failure = _TIMED_OUT if code is None else f"exit code {code}"
        self.answer = f"container {self.name}: {failure}"
        if self.health is Health.INITIAL and age < self.check.start_period:
            return
        self._failures += 1
        if self._failures >= self.check.retries:
            self.health = Health.UNHEALTHY
            self.decided.set()


def of_task(checks: Iterable[ContainerCheck]) -> tuple[Health, str]:
    """Return the health of a task's essential containers, and the result of a failing check."""
    worst, answer = Health.UNCHECKED, ""
    for check in checks:
        if check.health is Health.UNHEALTHY:
            answer = check.answer
        worst = worse(worst, check.health)
    return worst, answer


def arguments(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the program and arguments of a `CMD` or `CMD-SHELL` check; none for `NONE`."""
    kind, *words = command or ("NONE",)
    if kind == "CMD-SHELL":
        return ("/bin/sh", "-c", " ".join(words))
    return tuple(words)


def at(text: str, listen_address: ListenAddress) -> str:
    """Return a text in which the task's address replaces localhost, which all tasks share here."""

    def own(localhost: re.Match[str]) -> str:
        port = int(localhost[1] or _HTTP)
        bound = listen_address.port(port)
        if localhost[1] is None and bound == port:
            return listen_address.address
        return f"{listen_address.address}:{bound}"

    return _LOCALHOST.sub(own, text)
