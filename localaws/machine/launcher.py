"""The parent of every process that the local AWS starts: none outlives the daemon.

Run as a script with one end of a SOCK_SEQPACKET pair as standard input. It starts processes on
request, tells how they end, and at end of file, which is how it learns of the daemon's death
whatever the cause, kills every descendant. As child subreaper it inherits those that left their
process group too. It imports little and has one thread, so forking is quick and safe here, which it
is not in the daemon.
"""

from __future__ import annotations

import array
import ctypes
import json
import os
import select
import signal
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Never

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LONGEST_REQUEST = 2**20
_UMASK = 0o022
"""A container's, with every container engine; the daemon's own keeps its files from other users."""

_prctl = ctypes.CDLL(None).prctl


def _exec(request: dict[str, Any], stdout: int, stderr: int, report: int) -> Never:
    """Become the requested program; tell over `report` why not."""
    try:
        os.setsid()
        os.umask(_UMASK)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (stdout, 1), (stderr, 2)):
            os.dup2(source, target)
        os.chdir(request["cwd"])
        # No shell is the point
        os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606
    except OSError as error:
        os.write(report, f"{request['argv'][0]}: {error.strerror}".encode())
    os._exit(127)


def _start(request: dict[str, Any], fds: array.array[int]) -> dict[str, Any]:
    listen, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        _exec(request, fds[0], fds[1], report)
    os.close(report)
    with os.fdopen(listen, "rb") as pipe:
        problem = pipe.read().decode()  # ends when exec closes the other end
    return {"id": request["id"], "pid": pid, "problem": problem}


def _receive(control: socket.socket) -> tuple[bytes, array.array[int]]:
    fds = array.array("i")
    message, ancillary, _, _ = control.recvmsg(
        _LONGEST_REQUEST, socket.CMSG_SPACE(2 * fds.itemsize)
    )
    for _, _, data in ancillary:
        fds.frombytes(data)
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003 — the standard library's signature
    return message, fds


def _reap(control: socket.socket, known: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in known:
            known.discard(pid)
            _kill_group(
                pid, signal.SIGKILL
            )  # as in a container, the first process takes the others along
            control.send(
                json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode()
            )


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _children() -> list[int]:
    # Pathlib costs start-up time
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
        return [int(pid) for pid in file.read().split()]


def _kill_all(known: set[int]) -> None:
    """Kill until no child is left; a dead child's children become ours and are next."""
    for pid in known:
        _kill_group(pid, signal.SIGKILL)
    while True:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> None:
    """Serve requests until the other end is closed."""
    control = socket.socket(fileno=os.dup(0))
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(
            number, lambda *_: None
        )  # a handler, not SIG_IGN: children would inherit that
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    known: set[int] = set()
    try:
        while True:
            ready, _, _ = select.select([control.fileno(), wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                _reap(control, known)
            if control.fileno() in ready:
                message, fds = _receive(control)
                if not message:
                    return
                request = json.loads(message)
                if "argv" in request:
                    answer = _start(request, fds)
                    known.add(answer["pid"])
                    for fd in fds:
                        os.close(fd)
                    control.send(json.dumps(answer).encode())
                elif request["pid"] in known:
                    _kill_group(request["pid"], request["signal"])
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        _kill_all(known)


if __name__ == "__main__":
    main()
