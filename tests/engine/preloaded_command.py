"""The command `pulumi-local`, and the daemon that it starts, without their imports.

A start of the command takes 0.1 s of CPU time until it becomes the CLI, one of a daemon half a
second. Each worker therefore has a process that has imported both, and forks for each run.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
from functools import cache
from typing import TYPE_CHECKING

from tests.engine.fork_client import ForkServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class PreloadedCommand:
    """The process that has imported the command and the daemon."""

    def __init__(self) -> None:
        """Start the process."""
        self._server = ForkServer("tests.engine.forked_commands", {})

    def run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        merged: bool,
        timeout: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, without input, and return how it ended.

        Args:
            arguments: Its arguments.
            folder: Its working directory.
            environment: All of its variables.
            merged: Whether what it writes to standard error is part of its output.
            timeout: The seconds after which it's killed.

        Raises:
            TimeoutError: It was.
        """
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
        }
        with (
            tempfile.TemporaryFile("w+") as output,
            tempfile.TemporaryFile("w+") as errors,
            self._server.connected() as connection,
            connection.makefile("rw") as file,
        ):
            files = (output, output if merged else errors)
            socket.send_fds(connection, [b"\0"], [each.fileno() for each in files])
            file.write(json.dumps(request) + "\n")
            file.flush()
            process = int(file.readline())
            connection.settimeout(timeout)
            try:
                code = int(file.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())


@cache
def preloaded_command() -> PreloadedCommand:
    """Return the process of this worker, which starts when it is first needed."""
    return PreloadedCommand()
