"""What containers print, kept as CloudWatch's log streams: a file for each."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_LONGEST_LINE = 16 * 1024
"""awslogs cuts longer lines into several events."""


class _Output(asyncio.Protocol):
    """Appends what a container prints to its log stream, each line stamped with its time."""

    def __init__(self, file: IO[bytes] | None, notice: Callable[[list[bytes]], None]) -> None:
        self._file = file
        self._notice = notice
        self._begun = b""
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            lines = [*lines, self._begun]
            self._begun = b""
        self._write(lines)

    # The protocol's signature
    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._begun:
            self._write([self._begun])
        if self._file is not None:
            self._file.close()
        if not self.finished.done():
            self.finished.set_result(None)

    def _write(self, lines: list[bytes]) -> None:
        self._notice(lines)
        if self._file is None or not lines:
            return
        self._file.write(_stamped(lines))
        self._file.flush()


class ContainerLogs:
    """The log streams of all containers, below one folder."""

    def __init__(self, folder: Path) -> None:
        """Streams are files below `folder`: `<log group>/<log stream>`."""
        self._folder = folder

    async def follow(
        self, stream: str | None, notice: Callable[[list[bytes]], None]
    ) -> tuple[int, asyncio.Future[None]]:
        """Begin to keep what a container prints.

        Args:
            stream: Log group and stream as a relative path; None to keep nothing.
            notice: Gets the lines as they come.

        Returns:
            The descriptor to print to, which the caller closes; and a future that is done once
            nothing has it open any more and all is written.
        """
        listen, pipe = os.pipe()
        try:
            output = _Output(self._open(stream), notice)
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: output, os.fdopen(listen, "rb", 0)
            )
        except BaseException:
            os.close(pipe)
            raise
        return pipe, output.finished

    def add(self, stream: str | None, line: str) -> None:
        """Add a line that isn't the container's."""
        file = self._open(stream)
        if file is not None:
            with file:
                file.write(_stamped([line.encode()]))

    def _open(self, stream: str | None) -> IO[bytes] | None:
        if stream is None:
            return None
        # Nothing of a name may lead out of the folder.
        parts = [part for part in stream.split("/") if part not in {"", ".", ".."}]
        file = self._folder.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("ab")


def _stamped(lines: Iterable[bytes]) -> bytes:
    """Return lines of a log, each after the time."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    return b"".join(b"%s %s\n" % (stamp, line) for line in lines)
