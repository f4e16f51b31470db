"""Language hosts that have imported the program already.

More than half of the CPU time of an `up` without changes is a new Python that imports Pulumi's SDK,
the AWS SDK and the program. Each worker therefore has a process that imports them and runs the
program once under mocks, and forks for each run; the engine attaches to the fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engine.fork_client import ROOT, ForkServer
from tools.pulumi.install import LANGUAGE_HOST, is_official

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BIN = Path(sys.executable).parent


class PreloadedHost:
    """The process that has imported and run the program; it ends with this one."""

    def __init__(self) -> None:
        """Start the process, and wait until it has run the program."""
        # The language host's files import each other by their names alone.
        self._server = ForkServer(
            "tests.engine.forked_hosts", {"PYTHONPATH": str(ROOT / "tools" / "pulumi" / "host")}
        )

    @contextlib.contextmanager
    def serving(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[dict[str, str]]:
        """Serve one run, and yield the CLI's variables, by which the engine attaches.

        Args:
            command: The command line of the CLI.
            environment: Its variables, which the program sees too.
        """
        with self._server.connected() as connection, connection.makefile("rw") as file:
            file.write(json.dumps({"command": command, "environment": environment}) + "\n")
            file.flush()
            # The fork ends when the connection does.
            yield {**environment, "PULUMI_DEBUG_LANGUAGES": f"python:{int(file.readline())}"}


@cache
def is_usable() -> bool:
    """Return whether the CLI uses this project's language host; Pulumi's own starts as ever."""
    cli = BIN / "pulumi"
    path = os.pathsep.join((str(BIN), os.environ["PATH"], str(cli.resolve().parent)))
    host = shutil.which(LANGUAGE_HOST, path=path)
    return host is not None and not is_official(Path(host))


@cache
def preloaded_host() -> PreloadedHost:
    """Return the host of this worker, which starts when it is first needed."""
    return PreloadedHost()
