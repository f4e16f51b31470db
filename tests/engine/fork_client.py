"""The process that forks (fork_server.py), as the tests start, ask and end it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]

_started: list[ForkServer] = []


class ForkServer:
    """A process that has imported a module of the tests and what that imports."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        """Start the process, and wait until forks can be asked for.

        Args:
            module: The module that it runs.
            environment: Further variables for it.
        """
        self._folder = tempfile.TemporaryDirectory()
        self._address = str(Path(self._folder.name, "forks"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, self._address],
            cwd=ROOT,
            # gRPC needs no handlers for forks, as it does nothing before them.
            env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "false", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        _started.append(self)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            pytest.fail(f"{module} doesn't start: standard error says why")

    @contextlib.contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """Yield a connection that a new fork serves."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._address)
            yield connection

    def end(self) -> None:
        """End the process, but not its forks."""
        self._process.communicate()  # which ends with its input
        self._folder.cleanup()


def end_all() -> None:
    """End the processes that this one has started."""
    while _started:
        _started.pop().end()
