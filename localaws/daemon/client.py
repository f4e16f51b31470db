"""Finds, starts and stops a project's daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from localaws.daemon.file_permissions import make_folder, opener
from localaws.daemon.state_directory import Address, fingerprint, holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.daemon.state_directory import Home

START_SECONDS = 30.0
"""How long a start may take; it takes about one second, three on a cold disk."""

STOP_SECONDS = 45.0
"""How long a stop may take: ECS's default of 30 seconds between SIGTERM and SIGKILL, and some air.
"""

_POLL_SECONDS = 0.02
_LINES_SHOWN = 12


class DaemonFailed(Exception):  # noqa: N818 — names the event
    """The daemon didn't start or stop; the message says what it printed last and what to do."""


def ensure(home: Home, say: Callable[[str], None]) -> Address:
    """The address of a daemon that runs the current code, started or restarted if need be.

    Raises:
        DaemonFailed: It didn't become ready in time.
    """
    address = Address.read(home)
    if address is not None and address.code != fingerprint():
        say("the local AWS runs older code than is here: restarting it")
        stop(home)
        address = None
    if address is not None:
        return address
    say("starting the local AWS ...")
    began = home.daemon_log.stat().st_size if home.daemon_log.exists() else 0
    started = _start(home)
    deadline = time.monotonic() + START_SECONDS
    while started.poll() in (None, 0) and time.monotonic() < deadline:
        address = Address.read(home)
        if address is not None:
            return address
        time.sleep(_POLL_SECONDS)
    raise DaemonFailed(
        f"the local AWS didn't start. The end of its log:\n{_tail(home, began)}\n"
        f"The whole log is {home.daemon_log}. Fix the cause, then run the same command again."
    )


def stop(home: Home) -> bool:
    """Stop the daemon and everything that it runs; False if none was running.

    Raises:
        DaemonFailed: It didn't end in time, and was killed.
    """
    daemon = holder(home)
    if daemon is None:
        return False
    os.kill(daemon, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while holder(home) == daemon:
        if time.monotonic() > deadline:
            os.kill(daemon, signal.SIGKILL)
            raise DaemonFailed(
                f"the local AWS didn't stop within {STOP_SECONDS:g} s and was killed"
            )
        time.sleep(_POLL_SECONDS)
    return True


def _start(home: Home) -> subprocess.Popen[bytes]:
    make_folder(home.path)
    with open(home.daemon_log, "ab", opener=opener) as output:
        # With -P Python takes the module from its environment, not from the working directory,
        # which may be another checkout: its daemon would look outdated to each command.
        return subprocess.Popen(  # noqa: S603 — our own interpreter and module
            [
                *(sys.executable, "-P", "-m", "localaws.daemon.server"),
                *(str(home.project), str(home.path)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _tail(home: Home, began: int) -> str:
    """The last lines of the daemon's log, none of them older than its first `began` bytes."""
    lines = home.daemon_log.read_bytes()[began:].decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LINES_SHOWN:]) or "  (nothing)"
