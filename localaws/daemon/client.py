"""Finds, starts and stops a project's daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.daemon import start_settings
from localaws.daemon.file_permissions import explained, make_folder, opener, unusable
from localaws.daemon.state_directory import Address, fingerprint, holder
from localaws.machine.file_errors import refusal
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.daemon.state_directory import StateDirectory

START_SECONDS = 30.0
"""How long a start may take; it takes about one second, three on a cold disk."""

STOP_SECONDS = 45.0
"""How long a stop may take: ECS's default of 30 seconds between SIGTERM and SIGKILL, and some air.
"""

_POLL_SECONDS = 0.02
_LINES_SHOWN = 12


class DaemonFailed(UserError):  # noqa: N818 — names the event
    """The daemon didn't start or stop; the message says what it printed last and what to do."""


def ensure(directory: StateDirectory, report: Callable[[str], None]) -> Address:
    """Return the address of a daemon that runs the current code; start or restart it if need be.

    Raises:
        DaemonFailed: It didn't become ready in time.
        UnusableFolder: The state directory can't be made, or is another user's.
    """
    _refuse_another_users(directory)
    address = Address.read(directory)
    if address is not None and address.code != fingerprint():
        report("the local AWS runs older code than is here: restarting it")
        stop(directory)
        address = None
    if address is not None:
        for name in start_settings.without_effect(os.environ, address.settings):
            report(
                f"{name} has no effect: the local AWS was started with another value. Run "
                "`pulumi-local stop`, then this command again"
            )
        return address
    make_folder(directory.path)
    report("starting the local AWS ...")
    began = directory.daemon_log.stat().st_size if directory.daemon_log.exists() else 0
    started = _start(directory)
    deadline = time.monotonic() + START_SECONDS
    while started.poll() in (None, 0) and time.monotonic() < deadline:
        address = Address.read(directory)
        if address is not None:
            return address
        time.sleep(_POLL_SECONDS)
    raise DaemonFailed(
        f"the local AWS didn't start. The end of its log:\n{_tail(directory, began)}\n"
        f"The whole log is {directory.daemon_log}. Fix the cause, then run the same command again."
    )


def _refuse_another_users(directory: StateDirectory) -> None:
    """Refuse root, who could use it, the local AWS of another user.

    The state and the daemon would be root's from then on, and the other user locked out.

    Raises:
        UnusableFolder: A daemon of another user has run there.
    """
    with explained():
        if directory.lock.exists() and directory.lock.stat().st_uid != os.geteuid():
            raise unusable(directory.lock)


def stop(directory: StateDirectory) -> bool:
    """Stop the daemon and everything that it runs; False if none was running.

    Raises:
        DaemonFailed: It didn't end in time, and was killed, or it is another user's.
    """
    daemon = holder(directory)
    if daemon is None:
        return False
    try:
        os.kill(daemon, signal.SIGTERM)
    except PermissionError:
        owner = refusal(Path(f"/proc/{daemon}"))
        raise DaemonFailed(f"the local AWS runs as the process {daemon}: {owner}") from None
    deadline = time.monotonic() + STOP_SECONDS
    while holder(directory) == daemon:
        if time.monotonic() > deadline:
            os.kill(daemon, signal.SIGKILL)
            raise DaemonFailed(
                f"the local AWS didn't stop within {STOP_SECONDS:g} s and was killed"
            )
        time.sleep(_POLL_SECONDS)
    return True


def _start(directory: StateDirectory) -> subprocess.Popen[bytes]:
    with explained():
        # a Path's `open` has no opener
        output = open(directory.daemon_log, "ab", opener=opener)  # noqa: SIM115
    with output:
        # With -P Python takes the module from its environment, not from the working directory,
        # which may be another checkout: its daemon would look outdated to each command.
        return subprocess.Popen(  # noqa: S603 — our own interpreter and module
            [
                *(sys.executable, "-P", "-m", "localaws.daemon.start"),
                *(str(directory.project), str(directory.path)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _tail(directory: StateDirectory, began: int) -> str:
    """Return the last lines of the daemon's log, without its first `began` bytes."""
    lines = directory.daemon_log.read_bytes()[began:].decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LINES_SHOWN:]) or "  (nothing)"
