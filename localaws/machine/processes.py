"""Starting processes that can't outlive this one; see launcher.py for how."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST_ANSWER = 2**16


class CannotStartError(Exception):
    """The program couldn't be run; says why."""


class ChildProcess:
    """A process that was started."""

    def __init__(self, launcher: Launcher, pid: int) -> None:
        """Made by `Launcher.start_process` only."""
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit status when it is over; minus the signal's number when one killed it."""
        self._launcher = launcher

    def signal(self, number: int) -> None:
        """Send a signal to its whole process group, if it still runs."""
        if not self.ended.done():
            self._launcher.send({"pid": self.pid, "signal": number})

    async def wait(self) -> int:
        """Return its exit status, once it is over; cancelling the wait doesn't affect it."""
        return await asyncio.shield(self.ended)

    async def stop(self, patience: float) -> int:
        """SIGTERM, after `patience` seconds SIGKILL; the exit status."""
        self.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), patience)
        self.signal(signal.SIGKILL)
        return await self.wait()


class Launcher:
    """Starts processes through a launcher process of its own, which it starts when needed."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self._starting: dict[int, asyncio.Future[ChildProcess]] = {}
        self._children: dict[int, ChildProcess] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def start_process(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: int, stderr: int
    ) -> ChildProcess:
        """Start a program in a session of its own, with nothing on standard input.

        Args:
            argv: The program, looked up in the environment's PATH, and its arguments.
            env: Its whole environment.
            cwd: Its working directory.
            stdout: File descriptor; the caller may close it afterwards.
            stderr: File descriptor; the caller may close it afterwards.

        Raises:
            CannotStartError: There is no such program, or it may not be run.
        """
        if self._control is None:
            self._launch()
        number = next(self._ids)
        started: asyncio.Future[ChildProcess] = asyncio.get_running_loop().create_future()
        self._starting[number] = started
        self.send(
            {"id": number, "argv": list(argv), "env": dict(env), "cwd": str(cwd)}, stdout, stderr
        )
        return await started

    def send(self, request: Mapping[str, Any], *fds: int) -> None:
        """Send a request; if the launcher has ended, `_receive` is about to notice it."""
        if self._control is not None:
            with suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(self._control, [json.dumps(request).encode()], fds)

    async def close(self) -> None:
        """Kill whatever still runs; returns when nothing does."""
        process = self._process
        self._disconnect()
        if process is not None:
            await asyncio.get_running_loop().run_in_executor(None, process.wait)

    def _launch(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            script = Path(__file__).with_name("launcher.py")
            self._process = subprocess.Popen(  # noqa: S603 — our own script
                [sys.executable, "-I", "-S", str(script)],
                stdin=theirs.fileno(),
                start_new_session=True,
            )
        asyncio.get_running_loop().add_reader(self._control, self._receive)

    def _receive(self) -> None:
        assert self._control is not None
        try:
            message = self._control.recv(_LONGEST_ANSWER, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except ConnectionResetError:
            message = b""
        if not message:
            self._launcher_exited()
            return
        answer = json.loads(message)
        if "ended" in answer:
            child = self._children.pop(answer["ended"])
            child.ended.set_result(answer["code"])
            return
        started = self._starting.pop(answer["id"])
        child = self._children[answer["pid"]] = ChildProcess(self, answer["pid"])
        if started.cancelled():
            child.signal(signal.SIGKILL)
        elif answer["problem"]:
            started.set_exception(CannotStartError(answer["problem"]))
        else:
            started.set_result(child)

    def _launcher_exited(self) -> None:
        """Handle a killed launcher: its children died with it, theirs are killed now."""
        for pid in self._children:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        process = self._process
        self._disconnect()
        if process is not None:
            process.wait()

    def _disconnect(self) -> None:
        """End the connection, which ends the launcher and all it started."""
        if self._control is None:
            return
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._control = self._process = None
        for child in self._children.values():
            child.ended.set_result(-signal.SIGKILL)
        self._children.clear()
        for started in self._starting.values():
            if not started.done():
                started.set_exception(CannotStartError("the local AWS is stopping"))
        self._starting.clear()
