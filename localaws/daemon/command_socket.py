"""A socket by which commands of this user start programs behind the daemon's launcher.

A client sends one request with its standard streams, and gets one answer when the program runs or
can't, and one when it has ended. If the client goes away, the program is killed. Nothing checks who
connects but the state directory, which only its owner may enter.
"""

from __future__ import annotations

import array
import asyncio
import json
import logging
import os
import signal
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from localaws.catalog.values import without_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localaws.machine.processes import ChildProcess

log = logging.getLogger(__name__)

NAME = "commands.sock"
"""The socket's name in the state directory."""

_LENGTH = struct.Struct("!I")
_STREAMS = 3
_LONGEST_REQUEST = 2**22
_WAITING = 16


class CommandError(Exception):
    """A program can't be started; the message says why and what to do."""


@dataclass(frozen=True)
class Request:
    """What a client wants to run."""

    action: str
    """`exec` or `internet`."""

    argv: tuple[str, ...]
    target: str = ""
    """Of `exec`: a service's name or the beginning of a task's id; empty for the only service."""

    container: str = ""
    """Of `exec`: its name; empty for the task's first essential one."""

    source: str = ""
    """Of `internet`: the VPC or subnet to run in; empty for the internet."""

    terminal: bool = False
    """Of `exec`: whether the program gets a terminal."""

    environment: Mapping[str, str] | None = None
    """Of `internet`: the whole environment."""

    directory: str = "/"
    """Of `internet`: where the program runs."""


class Commands(Protocol):
    """Starts programs."""

    async def start_command(self, request: Request, streams: Sequence[int]) -> ChildProcess:
        """Start a program with these standard streams.

        Raises:
            CommandError: It can't be started.
        """


class CommandSocket:
    """Serves clients of the socket."""

    def __init__(self, folder: Path, commands: Commands) -> None:
        """Listen to nothing until `start`."""
        self._folder = folder
        self._commands = commands
        self._listener: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; what an earlier daemon left is replaced."""
        (self._folder / NAME).unlink(missing_ok=True)
        listener = self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)  # noqa: FBT003 — the standard library's signature
        folder = os.open(self._folder, os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{folder}/{NAME}")
        finally:
            os.close(folder)
        listener.listen(_WAITING)
        # `sock_accept` loses the connection when it is cancelled as one comes in.
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def close(self) -> None:
        """Stop serving; what still runs is killed."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            (self._folder / NAME).unlink(missing_ok=True)
        serving = list(self._serving)
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client has gone again
            return
        client.setblocking(False)  # noqa: FBT003 — the standard library's signature
        task = asyncio.create_task(self._serve(client))
        self._serving.add(task)
        task.add_done_callback(partial(self._served, client))

    def _served(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        """Close a connection, also of a task that was cancelled before its first step."""
        self._serving.discard(task)
        client.close()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("a command's connection failed", exc_info=error)

    async def _serve(self, client: socket.socket) -> None:
        streams: list[int] = []
        try:
            request = await _receive(client, streams)
            child = await self._commands.start_command(request, streams)
        except (CommandError, OSError, ValueError, TypeError) as error:
            await _answer(client, {"error": str(error)})
            return
        finally:
            for each in streams:
                os.close(each)
        await _wait(client, child)


async def _wait(client: socket.socket, child: ChildProcess) -> None:
    """Forward signals to a program until it ends, then send its exit status.

    The program is killed if the client closes its connection first.
    """
    try:
        await _answer(client, {"started": True}, child.terminal)
        signals = asyncio.create_task(_forward_signals(client, child))
        try:
            waited_for: list[asyncio.Future[Any]] = [signals, child.ended]
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if child.ended.done():
                code = child.ended.result()
                if code < 0:  # a signal's number; as an exit status a shell adds it to 128
                    code = 128 - code
                await _answer(client, {"code": code})
        finally:
            signals.cancel()
            await asyncio.gather(signals, return_exceptions=True)
    finally:
        child.signal(signal.SIGKILL)
        if child.terminal is not None:
            os.close(child.terminal)


async def _forward_signals(client: socket.socket, child: ChildProcess) -> None:
    """Send a program the signals that its client got, a byte each, until the client is gone."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while numbers := await loop.sock_recv(client, 64):
            for number in numbers:
                child.signal(number)


async def _receive(client: socket.socket, streams: list[int]) -> Request:
    """Read a request, and add the descriptors that come with its first bytes to *streams*.

    Raises:
        ValueError: It is no request.
    """
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(client, _set_done, readable)
    try:
        await readable
    finally:
        loop.remove_reader(client)
    head, ancillary, _, _ = client.recvmsg(
        _LENGTH.size, socket.CMSG_SPACE(_STREAMS * array.array("i").itemsize)
    )
    for _, _, data in ancillary:
        descriptors = array.array("i")
        descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])  # whole ones
        streams += descriptors
    if len(head) < _LENGTH.size or len(streams) != _STREAMS:
        raise ValueError("no request with three standard streams came")
    (length,) = _LENGTH.unpack(head)
    if length > _LONGEST_REQUEST:
        raise ValueError(f"the request has {length} bytes; {_LONGEST_REQUEST} are allowed")
    body = b""
    while len(body) < length:
        more = await loop.sock_recv(client, length - len(body))
        if not more:
            raise ValueError("the request ends too early")
        body += more
    fields = json.loads(body)
    return Request(**{**fields, "argv": tuple(fields["argv"])})


def _set_done(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


async def _answer(
    client: socket.socket, fields: Mapping[str, Any], descriptor: int | None = None
) -> None:
    message = json.dumps(fields).encode() + b"\n"
    with suppress(OSError):  # a client that is gone needs no answer
        if descriptor is None:
            await asyncio.get_running_loop().sock_sendall(client, message)
        else:
            socket.send_fds(client, [message], [descriptor])


def send(client: socket.socket, request: Request) -> None:
    """Send a request with this process's standard streams."""
    fields = without_none(vars(request))
    body = json.dumps(fields).encode()
    socket.send_fds(client, [_LENGTH.pack(len(body))], [0, 1, 2])
    client.sendall(body)
