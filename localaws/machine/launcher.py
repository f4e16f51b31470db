"""The parent of every process that the local AWS starts: none outlives the daemon.

Runs with one end of a SOCK_SEQPACKET pair as standard input. It starts processes and containers on
request and reports how they end. At end of file, which follows the daemon's death whatever the
cause, it ends with every descendant. Isolated from this machine it has process ID 1 in its own
namespaces, so the kernel kills what is left and unmounts all. Otherwise it is child subreaper:
it inherits also those that left their process group, and kills them itself. It has one thread, so
forking is quick and safe here, which it is not in the daemon.

A message has one byte and passes file descriptors. The first is a memory file with the request in
JSON, which can so have any size. Answers are JSON.
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.machine import container, kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

_MOST_DESCRIPTORS = 4
_UMASK = 0o022
"""A container's, with every container engine; the daemon's own keeps its files from other users."""

_UNLOCK_TERMINAL = 0x40045431
_OPEN_PEER = 0x5441
"""TIOCSPTLCK and TIOCGPTPEER of <linux/tty.h>."""


class _Child(NamedTuple):
    """A process that runs."""

    is_container: bool
    """Whether signals go to it alone: with it, the kernel kills its whole namespace."""


class _Starting(NamedTuple):
    """A process that hasn't become its program yet."""

    request: int
    pid: int
    child: _Child
    terminal: int | None


class _Launcher:
    """The requests of one daemon and the processes that they started."""

    def __init__(self, control: socket.socket, *, isolated: bool, single_user: bool) -> None:
        self._control = control
        self._isolated = isolated
        self._single_user = single_user
        self._own_network = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._running: dict[int, _Child] = {}
        self._starting: dict[int, _Starting] = {}
        """By the descriptor over which they report why they can't start."""

    def serve(self) -> None:
        """Serve requests until the other end is closed."""
        wake = _wake_on_signals()
        while True:
            waiting = [self._control.fileno(), wake, *self._starting]
            ready, _, _ = select.select(waiting, [], [])
            # A process's start is reported before its end.
            for report in list(self._starting):
                if report in ready:
                    self._started(report)
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                descriptors = _receive(self._control)
                if not descriptors:
                    return
                try:
                    self._handle(_read_request(descriptors[0]), descriptors[1:])
                finally:
                    for descriptor in descriptors:
                        os.close(descriptor)

    def end(self) -> None:
        """Kill until no child is left; a dead child's children become ours and are next."""
        if self._isolated:
            return  # the kernel does, as soon as this process has ended
        for pid in self._running:
            _kill_group(pid, signal.SIGKILL)
        while True:
            for pid in _children():
                os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _handle(self, request: dict[str, Any], descriptors: array.array[int]) -> None:
        action: str = request["action"]
        if action == "signal":
            self._signal(request["pid"], request["signal"])
            return
        try:
            if action == "socket":
                with self._make_socket(request) as made:
                    self._answer({"id": request["id"], "problem": ""}, made.fileno())
            elif action == "usage":
                usage = _usage(request["pid"]) if request["pid"] in self._running else [0, 0]
                self._answer({"id": request["id"], "problem": "", "usage": usage})
            elif action == "process":
                self._start_process(request, descriptors)
            elif action == "container":
                self._start_container(request, descriptors)
            elif action == "execute":
                self._execute(request, descriptors)
        except Exception as error:  # noqa: BLE001 — one request must not end all processes
            number = error.errno if isinstance(error, OSError) else errno.EINVAL
            problem = kernel.described(error)
            self._answer({"id": request["id"], "problem": problem, "errno": number})

    def _answer(self, answer: dict[str, Any], *descriptors: int) -> None:
        socket.send_fds(self._control, [json.dumps(answer).encode()], descriptors)

    def _start_process(self, request: dict[str, Any], descriptors: array.array[int]) -> None:
        network: str | None = request["network"]

        def become() -> None:
            if not self._isolated:
                kernel.die_with_parent(signal.SIGKILL)
            if network is not None:
                _join_network(network)
            os.umask(_UMASK)
            os.chdir(request["cwd"])
            # No shell is the point.
            os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606

        self._fork(request, descriptors, become, named=request["argv"][0])

    def _start_container(self, request: dict[str, Any], descriptors: array.array[int]) -> None:
        wanted = container.from_request(request["container"])

        def become() -> None:
            container.start(wanted, cgroups=request["cgroups"], single_user=self._single_user)

        # A process ID namespace holds for children only, and is this process's no longer then.
        kernel.unshare(kernel.PID_NAMESPACE)
        try:
            self._fork(request, descriptors, become, is_container=True)
        finally:
            kernel.join_namespace(self._own_processes, kernel.PID_NAMESPACE)

    def _execute(self, request: dict[str, Any], descriptors: array.array[int]) -> None:
        wanted = container.from_request(request["container"])
        pid: int = request["pid"]
        if pid not in self._running:
            raise OSError("the container isn't running")
        terminal = _open_terminal(pid) if request["terminal"] else None
        try:
            self._join(wanted, request, descriptors, terminal)
        except OSError:
            if terminal is not None:
                os.close(terminal)
            raise

    def _join(
        self,
        wanted: container.Container,
        request: dict[str, Any],
        descriptors: array.array[int],
        terminal: int | None,
    ) -> None:
        pid: int = request["pid"]

        def become() -> None:
            if terminal is not None:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            container.join(wanted, pid, cgroups=request["cgroups"], single_user=self._single_user)

        if terminal is not None:
            peer = fcntl.ioctl(terminal, _OPEN_PEER, os.O_RDWR | os.O_NOCTTY)
            descriptors = array.array("i", [peer] * 3)
        try:
            with open(f"/proc/{pid}/ns/pid") as processes:
                kernel.join_namespace(processes.fileno(), kernel.PID_NAMESPACE)
            try:
                self._fork(request, descriptors, become, terminal=terminal)
            finally:
                kernel.join_namespace(self._own_processes, kernel.PID_NAMESPACE)
        finally:
            if terminal is not None:
                os.close(descriptors[0])

    def _fork(
        self,
        request: dict[str, Any],
        descriptors: array.array[int],
        become: Callable[[], None],
        *,
        named: str = "",
        is_container: bool = False,
        terminal: int | None = None,
    ) -> None:
        """Start a child that becomes a program.

        Args:
            request: What requested it.
            descriptors: Its standard input, output and error.
            become: Called in the child; doesn't return.
            named: What an error's text begins with.
            is_container: Whether it has its own process ID namespace.
            terminal: The other end of its terminal, for the daemon.
        """
        listen, report = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(descriptors, become, report, named)
        os.close(report)
        self._starting[listen] = _Starting(request["id"], pid, _Child(is_container), terminal)

    def _started(self, report: int) -> None:
        """Answer a request to start: the child has become its program, or reported why not."""
        starting = self._starting.pop(report)
        with os.fdopen(report, "rb") as pipe:
            problem = pipe.read().decode()  # ends when exec closes the other end
        answer = {"id": starting.request, "pid": starting.pid, "problem": problem}
        if not problem:
            self._running[starting.pid] = starting.child
        if starting.terminal is None:
            self._answer(answer)
            return
        if problem:
            self._answer(answer)
        else:
            self._answer(answer, starting.terminal)
        os.close(starting.terminal)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for report, starting in list(self._starting.items()):
                if starting.pid == pid:
                    self._started(report)
            child = self._running.pop(pid, None)
            if child is not None:
                # As in a container, the others end with the first process.
                if not child.is_container:
                    _kill_group(pid, signal.SIGKILL)
                self._answer({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _signal(self, pid: int, number: int) -> None:
        child = self._running.get(pid)
        if child is None:
            return
        if child.is_container:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        else:
            _kill_group(pid, number)

    def _make_socket(self, request: dict[str, Any]) -> socket.socket:
        """Make a socket of a namespace; it stays one in any process."""
        network: str | None = request["network"]
        if network is not None:
            _join_network(network)
        try:
            return _bound_socket(request)
        finally:
            if network is not None:
                kernel.join_namespace(self._own_network, kernel.NETWORK_NAMESPACE)


def _bound_socket(request: dict[str, Any]) -> socket.socket:
    made = socket.socket(request["family"], request["type"])
    try:
        if request["bind"] is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if request["family"] == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(tuple(request["bind"]))
        if request["listen"]:
            made.listen(request["listen"])
    except OSError:
        made.close()
        raise
    return made


def _become(
    descriptors: array.array[int], become: Callable[[], None], report: int, named: str
) -> Never:
    """Set up standard streams and a session in the child, then become the program."""
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        for target, source in enumerate(descriptors):
            os.dup2(source, target)
        become()
    except Exception as error:  # noqa: BLE001 — a child must never return to the parent's code
        reason = str(kernel.described(error))
        if named:
            cause = error.strerror if isinstance(error, OSError) else reason
            reason = f"{named}: {cause}"
        os.write(report, reason.encode())
    finally:
        os._exit(127)


def _join_network(name: str) -> None:
    try:
        network = os.open(f"/run/netns/{name}", os.O_RDONLY)
    except OSError as error:
        raise OSError(error.errno, f"network namespace {name}: {error.strerror}") from error
    try:
        kernel.join_namespace(network, kernel.NETWORK_NAMESPACE)
    finally:
        os.close(network)


def _open_terminal(pid: int) -> int:
    """Open a new terminal of a container's /dev/pts, so that `tty` and job control work there."""
    master = os.open(f"/proc/{pid}/root/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, _UNLOCK_TERMINAL, struct.pack("i", 0))
    return master


def _receive(control: socket.socket) -> array.array[int]:
    """Return the descriptors of the next message, none at the end of all messages."""
    received = array.array("i")
    _, ancillary, _, _ = control.recvmsg(
        1, socket.CMSG_SPACE(_MOST_DESCRIPTORS * received.itemsize)
    )
    for _, _, data in ancillary:
        received.frombytes(data)
    for descriptor in received:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 — the standard library's signature
    return received


def _read_request(descriptor: int) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        request: dict[str, Any] = json.load(file)
    return request


def _kill_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return list(map(int, file.read().split()))


def _usage(pid: int) -> list[float]:
    """Return what a process and its descendants use: CPU seconds since they began, and bytes.

    The CPU time of a process that has ended is its parent's. Source: proc(5), "stat" and "statm".
    """
    ticks = pages = 0
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        # It may have ended meanwhile.
        with suppress(OSError):
            with open(f"/proc/{each}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            with open(f"/proc/{each}/statm") as file:
                pages += int(file.read().split()[1])
            for thread in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{thread}/children") as file:
                    waiting += map(int, file.read().split())
    return [ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")]


def _wake_on_signals() -> int:
    """Return a descriptor that is readable after a signal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        # A handler, not SIG_IGN: children would inherit that.
        signal.signal(number, lambda *_: None)
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    return wake


def _make_run_folders() -> None:
    """Give the namespaces' names and the tasks' files their own /run, which ends with it."""
    kernel.mount("tmpfs", "/run", "tmpfs", kernel.NO_SETUID | kernel.NO_DEVICES, "mode=755")
    for folder in ("/run/netns", "/run/tasks"):
        os.mkdir(folder)


def main(*properties: str) -> None:
    """Serve requests until the other end is closed.

    Args:
        properties: `isolated` if this process has its own namespaces, `single-user` if they have
            one user only.
    """
    control = socket.socket(fileno=os.dup(0))
    isolated = "isolated" in properties
    if isolated:
        _make_run_folders()
    else:
        kernel.adopt_orphans()
    launcher = _Launcher(control, isolated=isolated, single_user="single-user" in properties)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            launcher.serve()
    finally:
        launcher.end()
