"""A launcher that records scripts and runs nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple

from localaws.machine.processes import CommandFailedError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

HERE_DOCUMENT = re.compile(r"^([^\n]+) <<'END'\n(.*?)^END\n", re.MULTILINE | re.DOTALL)
"""A command of the script, and what it reads."""


class Run(NamedTuple):
    program: str
    network: str | None
    feed: str


class RecordingLauncher:
    """Runs nothing, and keeps what it was to run."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.scripts = 0
        self.refused = ""
        """A word with which a script fails."""

        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        """Whether a script has begun, and whether it may end."""

        self.go_on.set()

    async def run(self, argv: Sequence[str], *, feed: str = "", network: str | None = None) -> str:
        assert (argv, network) == (["sh", "-e"], None)
        self.scripts += 1
        self.begun.set()
        await self.go_on.wait()
        if self.refused and self.refused in feed:
            raise CommandFailedError(argv, 1, self.refused)
        for command, text in HERE_DOCUMENT.findall(feed):
            program = next(word for word in ("nft", "ip", "sh") if word in command.split())
            where = re.search(r"--net=/run/netns/(\S+)", command)
            self.runs.append(Run(program, where[1] if where else None, text))
        return ""

    async def open_socket(
        self,
        network: str | None,
        *,
        family: int,
        type: int,  # noqa: A002
        bind: tuple[str, int] | None = None,
        listen: int = 0,
    ) -> socket.socket:
        raise AssertionError("nothing connects here")

    def take_runs(self) -> list[Run]:
        """Return what was run since the last call."""
        runs = self.runs
        self.runs = []
        return runs
