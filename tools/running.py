"""Run the slow commands of set-up: report what runs, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TAIL_LINES = 15
"""Lines of a failed command's output that are shown: enough for a compiler's or resolver's errors.
"""


class CommandFailedError(Exception):
    """A command failed, took too long or couldn't be started; the text has its last lines."""


def say(text: str) -> None:
    """Print a line on stderr at once, so that it can't mix with a result on stdout."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the one place that talks to the person


def reminders() -> Iterator[float]:
    """Yield the elapsed seconds at which to print a line of progress: at first more often."""
    yield from (2, 10)
    elapsed = 30.0
    while True:
        yield elapsed
        elapsed += 30


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float = 3600,
) -> None:
    """Run a command to its end, and print a line of progress now and then.

    Args:
        command: The program and its arguments.
        what: What it does, for the progress, such as "building the Pulumi CLI".
        cwd: Its working directory.
        environment: All its environment variables; None for those of this process.
        timeout_seconds: Time after which it is stopped.

    Raises:
        CommandFailedError: It could not be started, took too long or ended with an error.
    """
    with tempfile.TemporaryFile() as output:
        release = _hold_interrupts()
        try:
            # A separate process group: the command's own child processes can be ended with it,
            # also after Ctrl-C.
            process = subprocess.Popen(  # noqa: S603 - the commands are set-up's own
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            release()
            raise CommandFailedError(f"{what}: {error}") from error
        try:
            release()
            _wait(process, what, timeout_seconds)
        except subprocess.TimeoutExpired:
            raise CommandFailedError(f"{what}: not done after {timeout_seconds:.0f} s") from None
        finally:
            _end_group(process)
        if process.returncode != 0:
            output.seek(0)
            tail = output.read().decode(errors="replace").strip().splitlines()[-TAIL_LINES:]
            raise CommandFailedError(
                "\n    ".join([f"{what}: exit code {process.returncode}", *tail])
            )


def _hold_interrupts() -> Callable[[], None]:
    """Hold back interrupts until the returned function is called.

    An interrupt while a process starts would end this code before it knows which process to end.
    """
    received: list[int] = []
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, lambda held, _: received.append(held))

    def release() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in received:
            signal.raise_signal(number)

    return release


def _wait(process: subprocess.Popen[bytes], what: str, timeout_seconds: float) -> None:
    started = time.monotonic()
    for due in reminders():
        try:
            process.wait(timeout=min(due, timeout_seconds) - (time.monotonic() - started))
        except subprocess.TimeoutExpired:
            if due >= timeout_seconds:
                raise
            say(f"  … {what}: {due:.0f} s")
        else:
            return


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the command's process group: by SIGTERM, then by SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break  # macOS returns EPERM for a group whose last process has just ended
        if process.returncode is not None:
            continue
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
