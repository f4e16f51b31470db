"""The daemon's process, which listens before it imports what it serves.

The imports take most of a start. A new local AWS has nothing to restore, so the errors that a user
can correct are found without them: the command that starts it goes on as soon as they are, and the
CLI starts while the daemon does. What connects meanwhile waits for an answer.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import logging
import os
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from localaws.account import parameters
from localaws.daemon import runtime_choice, start_settings
from localaws.daemon.file_permissions import UMASK, make_folder, take_from_others
from localaws.daemon.state_directory import Address, StateDirectory, fingerprint, try_lock
from localaws.images import mirrors
from localaws.machine.isolation import find
from localaws.speed import speed
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("localaws")

_CLOSED = -1
"""The descriptor of a closed socket."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one state directory; end at once if a daemon serves it already."""
    parser = argparse.ArgumentParser(prog="python -m localaws.daemon.start", description=__doc__)
    parser.add_argument("project", type=Path, help="folder that holds Pulumi.yaml")
    parser.add_argument("directory", type=Path, help="folder for the local AWS's files")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    os.umask(UMASK)
    code = fingerprint()
    directory = StateDirectory(chosen.project, chosen.directory)
    try:
        make_folder(directory.path)
        take_from_others(directory.path)
    except UserError as error:
        log.error("%s", error)  # noqa: TRY400 — the message says what to do, a traceback wouldn't
        return 1
    lock = try_lock(directory)
    if lock is None:
        log.info("a daemon serves %s already", directory.path)
        return 0
    lock.truncate(0)
    print(os.getpid(), file=lock, flush=True)
    os.dup(lock.fileno())  # never closed, so that only the process's end releases the lock
    with ExitStack() as stack:
        return check_and_run(directory, code, lock, [listen(stack) for _ in range(3)])


def listen(stack: ExitStack) -> socket.socket:
    """Return a socket that listens on a free port until the stack is closed."""
    # Only with the protocol does asyncio switch off Nagle's algorithm for what is accepted, which
    # would delay most answers by 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    stack.enter_context(listener)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def check_and_run(
    directory: StateDirectory, code: str, lock: TextIO, listeners: Sequence[socket.socket]
) -> int:
    """Check what the user has set, import the rest, and serve until the end."""
    try:
        runtime = runtime_choice.choose(find)
        speed()
        mirrors.parse(os.environ.get(mirrors.VARIABLE, ""))
        parameters.load(directory.parameters)
    except UserError as error:
        log.error("%s", error)  # noqa: TRY400 — as above
        return 1
    aws_port, awsx_port, docker_build_port = (each.getsockname()[1] for each in listeners)
    address = Address(
        pid=os.getpid(),
        aws_port=aws_port,
        awsx_port=awsx_port,
        docker_build_port=docker_build_port,
        code=code,
        runtime=runtime.sentence,
        settings=start_settings.of(os.environ),
    )
    # Files of resources may be damaged, and what runs by them may not start again. Loopback
    # addresses may be missing where this isn't Linux.
    is_new = sys.platform == "linux" and not directory.resources.exists()
    if is_new:
        address.publish(directory)
    try:
        # What is imported stays. Python would look for garbage in it again and again, which takes a
        # sixth of the time of these imports.
        gc.disable()
        from localaws.daemon.server import run  # noqa: PLC0415 — most of the time of a start

        gc.freeze()
        gc.enable()
        run(directory, address, lock, listeners, publish=not is_new)
    except UserError as error:
        log.error("%s", error)  # noqa: TRY400 — as above
        why = str(error)
    except Exception as error:  # whatever it is, the command that waits must get it
        log.exception("the local AWS failed")
        why = f"{type(error).__name__}: {error}"
    else:
        return 0
    if is_new:
        report_failure(directory, lock, listeners, why)
    return 1


def report_failure(
    directory: StateDirectory, lock: TextIO, listeners: Sequence[socket.socket], why: str
) -> None:
    """Answer the command that has gone on why the start failed, unless it was complete.

    The next command starts another daemon, even meanwhile.
    """
    ports = [each.getsockname()[1] for each in listeners if each.fileno() != _CLOSED]
    if len(ports) < len(listeners):
        return  # it has served, and they were closed at its end
    directory.ready.unlink(missing_ok=True)
    fcntl.flock(lock, fcntl.LOCK_UN)
    for each in listeners:
        each.close()
    # The failure may be one of gRPC.
    with suppress(Exception):
        from localaws.daemon.failed_start import answer  # noqa: PLC0415 — as above

        answer(
            ports,
            f"the local AWS failed to start: {why}. The whole log is {directory.daemon_log}. Fix "
            "the cause, then run the same command again",
        )


if __name__ == "__main__":
    raise SystemExit(main())
