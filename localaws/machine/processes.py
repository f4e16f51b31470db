"""Starting processes and containers that can't outlive this process; see launcher.py for how."""

from __future__ import annotations

import array
import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.machine import container as containers
from localaws.machine import isolation as isolations
from localaws.machine.isolation import Isolation
from localaws.machine.programs import search_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from localaws.machine.container import Container

_LONGEST_ANSWER = 2**16
_MOST_REQUESTS = 64
"""How many may wait for their answers. The launcher starts no faster with more of them, and the
kernel limits the descriptors that a user's messages pass.
"""

_STOPPING = "the local AWS is stopping"
_ENDED = "the parent of all processes has ended; the reason is above, or it was killed"


class CannotStartError(Exception):
    """The program couldn't be run; the message says why."""


class CommandFailedError(Exception):
    """A program that was run to its end failed."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(argv)}: exit status {code}: {output.strip()}")
        self.argv = tuple(argv)
        self.code = code
        """Its exit status; minus the signal's number when one killed it."""

        self.output = output


class ChildProcess:
    """A process that was started."""

    def __init__(self, launcher: Launcher, pid: int, terminal: int | None = None) -> None:
        """Made by a `Launcher` only."""
        self.pid = pid
        """Its process ID, as the launcher's namespace has it."""

        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit status when it is over; minus the signal's number when one killed it."""

        self.terminal = terminal
        """The file descriptor of its terminal's other end, which the caller closes."""

        self._launcher = launcher

    def signal(self, number: int) -> None:
        """Send a signal if it still runs: a container's first process, else the process group."""
        if not self.ended.done():
            self._launcher.send({"action": "signal", "pid": self.pid, "signal": number})

    async def wait(self) -> int:
        """Return its exit status, once it is over; cancelling the wait doesn't affect it."""
        return await asyncio.shield(self.ended)

    async def usage(self) -> Usage:
        """Return what it and its descendants use; nothing when it is over."""
        if self.ended.done():
            return Usage(0, 0)
        return await self._launcher.usage(self.pid)

    async def stop(self, time_limit: float, first: int | None = None) -> int:
        """Send `first`, by default SIGTERM, and SIGKILL after `time_limit` seconds.

        Returns:
            Its exit status.
        """
        self.signal(signal.SIGTERM if first is None else first)
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), time_limit)
        self.signal(signal.SIGKILL)
        return await self.wait()


class Usage(NamedTuple):
    """What a process and its descendants use."""

    cpu_seconds: float
    """Of CPU time since they began."""

    memory: float
    """Bytes in memory; those that several share count for each."""


class _Answer(NamedTuple):
    """What the launcher answered, and a descriptor that came with it."""

    fields: dict[str, Any]
    descriptor: int | None
    child: ChildProcess | None = None


class Launcher:
    """Starts processes through a launcher process, which it starts when needed."""

    def __init__(
        self,
        isolation: Isolation = Isolation.NONE,
        on_loss: Callable[[], None] = lambda: None,
    ) -> None:
        """Start nothing yet.

        Args:
            isolation: How far its processes are apart from this machine.
            on_loss: Called when the launcher process was killed, and its namespaces with it. The
                next request starts another one, without them.
        """
        self._isolation = isolation
        self._on_loss = on_loss
        self._ids = itertools.count()
        self._asked: dict[int, asyncio.Future[_Answer]] = {}
        """The answers that requests wait for, by the requests' numbers."""

        self._children: dict[int, ChildProcess] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._turns = asyncio.Semaphore(_MOST_REQUESTS)
        self._closed = 0
        """How often `close` was called, so that a request that waited starts no new launcher."""

        self._unsent: deque[tuple[int, ...]] = deque()
        """Descriptors of messages that the launcher has no room for yet."""

        self._waits_for_room = False

    @property
    def isolation(self) -> Isolation:
        """How far its processes are apart from this machine."""
        return self._isolation

    @property
    def pid(self) -> int | None:
        """The process on this machine whose only child is the launcher, while it runs."""
        return None if self._process is None else self._process.pid

    async def start_process(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdout: int,
        stderr: int,
        stdin: int | None = None,
        network: str | None = None,
    ) -> ChildProcess:
        """Start a program in a new session.

        Args:
            argv: The program, looked up in the environment's PATH, and its arguments.
            env: Its whole environment.
            cwd: Its working directory.
            stdout: File descriptor; the caller may close it afterwards.
            stderr: File descriptor; the caller may close it afterwards.
            stdin: File descriptor; nothing is on standard input by default.
            network: The network namespace's name behind the launcher; the launcher's by default.

        Raises:
            CannotStartError: There is no such program, or it may not be run.
        """
        request = {
            "action": "process",
            "argv": list(argv),
            "env": dict(env),
            "cwd": str(cwd),
            "network": network,
        }
        return await self._start(request, stdin, stdout, stderr)

    async def run(self, argv: Sequence[str], *, feed: str = "", network: str | None = None) -> str:
        """Run a program to its end and return its output; cancelled, kill it.

        Args:
            argv: The program, looked up where `programs` finds its programs, and its arguments.
            feed: The text on its standard input.
            network: The network namespace's name behind the launcher; the launcher's by default.

        Raises:
            CannotStartError: There is no such program, or it may not be run.
            CommandFailedError: It failed.
        """
        with (
            os.fdopen(os.memfd_create("feed"), "w+b") as stdin,
            os.fdopen(os.memfd_create("output"), "w+b") as output,
        ):
            stdin.write(feed.encode())
            stdin.seek(0)
            child = await self.start_process(
                argv,
                env={"PATH": search_path()},
                cwd=Path("/"),
                stdin=stdin.fileno(),
                stdout=output.fileno(),
                stderr=output.fileno(),
                network=network,
            )
            try:
                code = await child.wait()
            finally:
                child.signal(signal.SIGKILL)
            output.seek(0)
            text = output.read().decode(errors="replace")
        if code:
            raise CommandFailedError(argv, code, text)
        return text

    async def open_socket(
        self,
        network: str | None,
        *,
        family: int,
        type: int,  # noqa: A002 — what the standard library calls it
        bind: tuple[str, int] | None = None,
        listen: int = 0,
    ) -> socket.socket:
        """Return a non-blocking socket of a network namespace; it stays one in any process.

        Args:
            network: The namespace's name behind the launcher; None is the launcher's.
            family: As in `socket`, say AF_INET.
            type: As in `socket`, say SOCK_STREAM.
            bind: The address and port to bind it to.
            listen: The length of its queue, 0 if it doesn't listen.

        Raises:
            OSError: There is no such namespace, or the address can't be bound.
        """
        answer = await self._request(
            {
                "action": "socket",
                "network": network,
                "family": int(family),
                "type": int(type),
                "bind": bind,
                "listen": listen,
            }
        )
        problem: str = answer.fields["problem"]
        if problem or answer.descriptor is None:
            raise OSError(answer.fields["errno"], problem)
        made = socket.socket(fileno=answer.descriptor)
        made.setblocking(False)  # noqa: FBT003 — the standard library's signature
        return made

    async def usage(self, pid: int) -> Usage:
        """Return what a child and its descendants use; nothing when it is over."""
        answer = await self._request({"action": "usage", "pid": pid})
        if answer.fields["problem"]:
            return Usage(0, 0)
        return Usage(*answer.fields["usage"])

    async def start_container(
        self,
        container: Container,
        *,
        stdin: int | None = None,
        stdout: int,
        stderr: int,
        cgroups: Sequence[str] = (),
    ) -> ChildProcess:
        """Start a container; its first process is the result, and the rest ends with it.

        Args:
            container: What to start.
            stdin: File descriptor; nothing is on standard input by default.
            stdout: File descriptor; the caller may close it afterwards.
            stderr: File descriptor; the caller may close it afterwards.
            cgroups: Folders of the control groups that it becomes a member of.

        Raises:
            CannotStartError: It can't be started; the text is Docker's where the image or the
                command is at fault.
        """
        request = {
            "action": "container",
            "container": containers.to_request(container),
            "cgroups": list(cgroups),
        }
        return await self._start(request, stdin, stdout, stderr)

    async def execute(
        self,
        container: Container,
        pid: int,
        argv: Sequence[str],
        *,
        user: str | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        terminal: bool = False,
        cgroups: Sequence[str] = (),
    ) -> ChildProcess:
        """Start one more process in a running container, as ECS Exec and health checks do.

        Args:
            container: What was started.
            pid: Its first process.
            argv: The program, looked up in the container, and its arguments.
            user: `user[:group]`; the container's by default.
            stdin: File descriptor; nothing by default.
            stdout: File descriptor; nowhere by default.
            stderr: File descriptor; nowhere by default.
            terminal: Whether it gets a terminal instead of these three.
            cgroups: Folders of the control groups that it becomes a member of.

        Raises:
            CannotStartError: The container has ended, or there is no such program or user in it.
        """
        wanted = {**containers.to_request(container), "argv": list(argv), "init": False}
        if user is not None:
            wanted["user"] = user
        if terminal:
            wanted["environment"] = {"TERM": "xterm", **wanted["environment"]}
        request = {
            "action": "execute",
            "container": wanted,
            "pid": pid,
            "terminal": terminal,
            "cgroups": list(cgroups),
        }
        return await self._start(request, stdin, stdout, stderr)

    def send(self, request: Mapping[str, Any], *descriptors: int) -> None:
        """Send a request; if the launcher has ended, `_receive` is about to notice it."""
        if self._control is None:
            return
        body = os.memfd_create("request")
        # The caller may close its own at once, and the launcher may be busy.
        message = (body, *(os.dup(each) for each in descriptors))
        with os.fdopen(body, "wb", closefd=False) as file:
            file.write(json.dumps(request).encode())
        os.lseek(body, 0, os.SEEK_SET)
        self._unsent.append(message)
        self._send_more()

    async def close(self) -> None:
        """Kill whatever still runs; returns when nothing does."""
        process = self._process
        self._closed += 1
        self._disconnect(_STOPPING)
        if process is not None:
            await asyncio.get_running_loop().run_in_executor(None, process.wait)

    async def _start(
        self,
        request: Mapping[str, Any],
        stdin: int | None,
        stdout: int | None,
        stderr: int | None,
    ) -> ChildProcess:
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            streams = [nothing if each is None else each for each in (stdin, stdout, stderr)]
            answer = await self._request(request, *streams)
        finally:
            os.close(nothing)
        if answer.child is None:
            raise CannotStartError(answer.fields["problem"])
        return answer.child

    async def _request(self, request: Mapping[str, Any], *descriptors: int) -> _Answer:
        """Send a request and return its answer, when not too many others are on their way."""
        closed = self._closed
        async with self._turns:
            if closed != self._closed:
                raise CannotStartError(_STOPPING)
            if self._control is None:
                self._launch()
            number = next(self._ids)
            asked: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
            self._asked[number] = asked
            self.send({"id": number, **request}, *descriptors)
            try:
                return await asked
            except asyncio.CancelledError:
                if asked.done() and not asked.cancelled() and asked.exception() is None:
                    _discard(asked.result())  # it came just before the caller was cancelled
                raise

    def _launch(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)  # noqa: FBT003 — the standard library's signature
        properties: tuple[str, ...] = ("isolated",)
        if self._isolation is Isolation.NONE:
            properties = ()
        elif self._isolation is Isolation.ONE_ID:
            properties = ("isolated", "single-user")
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 — our own script
                isolations.command(self._isolation, "launcher", *properties),
                stdin=theirs.fileno(),
                start_new_session=True,
            )
        asyncio.get_running_loop().add_reader(self._control, self._receive)

    def _send_more(self) -> None:
        """Send what the launcher has room for, and the rest when it has."""
        if self._control is None:
            return
        while self._unsent:
            try:
                socket.send_fds(self._control, [b"\0"], self._unsent[0])
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(self._control, self._send_more)
                self._waits_for_room = True
                return
            except (BrokenPipeError, ConnectionResetError):
                pass  # `_receive` is about to notice
            _close_all(self._unsent.popleft())
        if self._waits_for_room:
            asyncio.get_running_loop().remove_writer(self._control)
            self._waits_for_room = False

    def _receive(self) -> None:
        assert self._control is not None
        received = array.array("i")
        try:
            # socket.recv_fds ignores its flags before Python 3.12.
            message, ancillary, _, _ = self._control.recvmsg(
                _LONGEST_ANSWER, socket.CMSG_SPACE(received.itemsize), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except ConnectionResetError:
            message = b""
            ancillary = []
        if not message:
            self._launcher_exited()
            return
        for _, _, data in ancillary:
            received.frombytes(data)
        answer = _Answer(json.loads(message), received[0] if received else None)
        if "ended" in answer.fields:
            child = self._children.pop(answer.fields["ended"])
            child.ended.set_result(answer.fields["code"])
        else:
            self._answered(answer)

    def _answered(self, answer: _Answer) -> None:
        asked = self._asked.pop(answer.fields["id"])
        pid: int | None = answer.fields.get("pid")
        if pid is not None and not answer.fields["problem"]:
            child = self._children[pid] = ChildProcess(self, pid, answer.descriptor)
            answer = answer._replace(child=child)
        if asked.cancelled():
            _discard(answer)
        else:
            asked.set_result(answer)

    def _launcher_exited(self) -> None:
        """Handle the launcher's death: its children died with it, and theirs are killed now."""
        if self._isolation is Isolation.NONE:
            # Otherwise the kernel kills them with their namespace, where they have other ids.
            for pid in self._children:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        process = self._process
        self._disconnect(_ENDED)
        if process is not None:
            process.wait()
        self._on_loss()

    def _disconnect(self, reason: str) -> None:
        """End the connection, which ends the launcher and all it started.

        Args:
            reason: The error of requests that wait for an answer.
        """
        if self._control is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._control)
        loop.remove_writer(self._control)
        self._control.close()
        self._control = self._process = None
        self._waits_for_room = False
        for message in self._unsent:
            _close_all(message)
        self._unsent.clear()
        for child in self._children.values():
            child.ended.set_result(-signal.SIGKILL)
        self._children.clear()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(CannotStartError(reason))
        self._asked.clear()


def _discard(answer: _Answer) -> None:
    """Kill the process and close the descriptor of an answer that nothing waits for."""
    if answer.child is not None:
        answer.child.signal(signal.SIGKILL)
    if answer.descriptor is not None:
        os.close(answer.descriptor)


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
