"""Import `pulumi-local` and its daemon once, and fork the command for each connection to a socket.

What differs from a start by a shell: modules are imported already, and variables that Python itself
reads when it starts have no effect.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING

# What forks would import otherwise
import localaws.cli.main
import localaws.daemon.server  # noqa: F401
from localaws.cli import console_script
from localaws.daemon import client, start
from localaws.daemon.file_permissions import opener
from tests.engine.fork_server import serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from localaws.daemon.state_directory import StateDirectory


class _ForkedDaemon:
    """A daemon that is a fork of the command that starts it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code once it has ended, as `subprocess.Popen` does."""
        if self._code is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


def _start_daemon(directory: StateDirectory) -> _ForkedDaemon:
    """Start a daemon as `localaws.daemon.client` does, but as a fork."""
    with open(directory.daemon_log, "ab", opener=opener) as log:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            _redirect(log.fileno(), log.fileno())
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            _end_with(lambda: start.main([str(directory.project), str(directory.path)]))
    return _ForkedDaemon(pid)


def _redirect(output: int, errors: int) -> None:
    """Give this process no input, and these files for what it writes."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(errors, 2)


def _end_with(run: Callable[[], int]) -> NoReturn:
    """Run something, and end this process as Python does at the end of a program."""
    code: object = 1
    try:
        code = run()
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except BaseException:  # noqa: BLE001 - it ends here, without what forked it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _run(connection: socket.socket) -> NoReturn:
    """Run one command in a fork of this process, and report its end to the other side."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile("rw") as file:
        request = json.loads(file.readline())
        pid = os.fork()
        if pid == 0:
            _redirect(*descriptors)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            os.chdir(request["folder"])
            os.environ.clear()
            os.environ.update(request["environment"])
            sys.argv = ["pulumi-local", *request["arguments"]]
            _end_with(console_script.entry_point)
        for each in descriptors:
            os.close(each)
        file.write(f"{pid}\n")
        file.flush()
        _, status = os.waitpid(pid, 0)
        file.write(f"{os.waitstatus_to_exitcode(status)}\n")
        file.flush()
    os._exit(0)


if __name__ == "__main__":
    client._start = _start_daemon  # type: ignore[assignment]  # has what the client uses of Popen
    serve(sys.argv[1], _run)
