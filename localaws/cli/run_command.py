"""`pulumi-local exec` and `pulumi-local internet`: run a program in a container or the internet.

The daemon starts the program. It gets this process's standard streams, or, if they are a terminal,
its own terminal, whose other end comes back here.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from localaws.daemon.client import DaemonFailed
from localaws.daemon.command_socket import NAME, Request, send
from localaws.daemon.file_permissions import unusable
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.daemon.state_directory import StateDirectory

_CHUNK = 2**16
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_WINDOW = struct.Struct("HHHH")


class CannotRun(UserError):  # noqa: N818 — names the finding
    """The program can't be run there; the message says why."""


def run(directory: StateDirectory, request: Request) -> int:
    """Have the daemon run a program, and return its exit status.

    Raises:
        CannotRun: It can't be run.
        DaemonFailed: No daemon runs.
        UnusableFolder: The state directory is another user's.
    """
    with _connected(directory) as client:
        send(client, request)
        answers = _Answers(client)
        started = answers.read()
        if "error" in started:
            raise CannotRun(started["error"])
        if answers.terminal is None:
            with _forwarding_signals(client):
                return answers.read_exit_status()
        try:
            with _raw_terminal(answers.terminal):
                _relay(client, answers.terminal)
            return answers.read_exit_status()
        finally:
            os.close(answers.terminal)


@contextmanager
def _connected(directory: StateDirectory) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            _connect(client, directory)
        except PermissionError:
            raise unusable(directory.path) from None
        except OSError:
            raise DaemonFailed(
                "the local AWS is not running; `pulumi-local up` starts it"
            ) from None
        yield client


def _connect(client: socket.socket, directory: StateDirectory) -> None:
    # By the folder's descriptor: the address of a socket has at most 107 characters.
    folder = os.open(directory.path, os.O_PATH)
    try:
        client.connect(f"/proc/self/fd/{folder}/{NAME}")
    finally:
        os.close(folder)


class _Answers:
    """The daemon's answers, each a line of JSON: when the program runs, and when it has ended."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._unread = b""
        self.terminal: int | None = None
        """Our end of the program's terminal; None before the first answer, or if it has none."""

    def read(self) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            DaemonFailed: There is none.
        """
        while b"\n" not in self._unread:
            part, descriptors, _, _ = socket.recv_fds(self._client, _CHUNK, 1)
            if not part:
                raise DaemonFailed(
                    "the local AWS has stopped, and with it the program; `pulumi-local up` starts "
                    "it again"
                )
            self._unread += part
            if descriptors:
                (self.terminal,) = descriptors
        line, _, self._unread = self._unread.partition(b"\n")
        return dict(json.loads(line))

    def read_exit_status(self) -> int:
        """Return the program's exit status, which the next answer has.

        Raises:
            DaemonFailed: There is none.
        """
        return int(self.read()["code"])


@contextmanager
def _forwarding_signals(client: socket.socket) -> Iterator[None]:
    """Send signals on to the program, which gets none of the terminal's: it has its own session."""

    def forward(number: int, _: object) -> None:
        client.send(bytes([number]))

    earlier_handlers = {}
    for number in _FORWARDED:
        earlier_handlers[number] = signal.signal(number, forward)
    try:
        yield
    finally:
        for number, handler in earlier_handlers.items():
            signal.signal(number, handler)


@contextmanager
def _raw_terminal(terminal: int) -> Iterator[None]:
    """Let every key reach the program's terminal, which keeps the size of this one."""
    keyboard = sys.stdin.fileno()
    earlier_settings = termios.tcgetattr(keyboard)

    def copy_size(*_: object) -> None:
        size = fcntl.ioctl(keyboard, termios.TIOCGWINSZ, bytes(_WINDOW.size))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)

    copy_size()
    earlier_handler = signal.signal(signal.SIGWINCH, copy_size)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, earlier_settings)
        signal.signal(signal.SIGWINCH, earlier_handler)


def _relay(client: socket.socket, terminal: int) -> None:
    """Copy between the terminals until the program has ended and all of its output is shown."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    watched: list[Any] = [keyboard, terminal, client]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if terminal in ready:
            if not _copy(terminal, screen):
                watched.remove(terminal)
        elif client in ready:
            # The answer that the program has ended, and nothing is left to show.
            return
        if keyboard in ready and not _copy(keyboard, terminal):
            watched.remove(keyboard)


def _copy(source: int, target: int) -> bool:
    """Copy what can be read, and return whether more may come."""
    try:
        data = os.read(source, _CHUNK)
    except OSError:  # of a terminal that no program has open any more
        return False
    if not data:
        return False
    os.write(target, data)
    return True
