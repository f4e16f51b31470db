"""`pulumi-local exec` and `pulumi-local internet`: programs in a container, or on the internet."""

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
    """Have the daemon run a program with this process's standard streams; its exit status.

    Raises:
        CannotRun: It can't be run.
        DaemonFailed: No daemon runs.
        UnusableFolder: The state directory is another user's.
    """
    with _connected(directory) as client:
        send(client, request)
        answers = _Answers(client)
        answer = answers.read()
        if "error" in answer:
            raise CannotRun(answer["error"])
        if answers.terminal is None:
            with _forwarding_signals(client):
                return answers.code()
        try:
            with _raw_terminal(answers.terminal):
                _relay(client, answers.terminal)
            return answers.code()
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
    """What the daemon answers, a line each; the first may come with a terminal."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._text = b""
        self.terminal: int | None = None

    def read(self) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            DaemonFailed: There is none.
        """
        while b"\n" not in self._text:
            part, descriptors, _, _ = socket.recv_fds(self._client, _CHUNK, 1)
            if not part:
                raise DaemonFailed("the local AWS has stopped")
            self._text += part
            for each in descriptors:
                self.terminal = each
        line, _, self._text = self._text.partition(b"\n")
        return dict(json.loads(line))

    def code(self) -> int:
        """Return the exit status that the next answer has."""
        return int(self.read()["code"])


@contextmanager
def _forwarding_signals(client: socket.socket) -> Iterator[None]:
    """Pass signals on to the program, which has a session of its own."""
    before = {}
    for number in _FORWARDED:
        before[number] = signal.signal(number, lambda got, _: client.send(bytes([got])))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _raw_terminal(terminal: int) -> Iterator[None]:
    """Let every key reach the program's terminal, which has the size of this one."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)

    def resize(*_: object) -> None:
        size = fcntl.ioctl(keyboard, termios.TIOCGWINSZ, bytes(_WINDOW.size))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)

    resize()
    handler = signal.signal(signal.SIGWINCH, resize)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)


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
            return
        if keyboard in ready and not _copy(keyboard, terminal):
            watched.remove(keyboard)


def _copy(source: int, target: int) -> bool:
    """Copy what is there; whether more may come."""
    try:
        data = os.read(source, _CHUNK)
    except OSError:  # a terminal that nothing has open any more
        return False
    if not data:
        return False
    os.write(target, data)
    return True
