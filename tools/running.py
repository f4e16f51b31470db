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
"""How much of a failed command's output is shown: enough for a compiler's or a resolver's last
words.
"""


class CommandFailedError(Exception):
    """A command failed, ran out of time or could not be started; the text has its last lines."""


def say(text: str) -> None:
    """Writes one line of commentary, at once, where it can't mix with a result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the one place that talks to the person


def reminders() -> Iterator[float]:
    """Yield the elapsed seconds at which to print a line: soon, then ever less often."""
    yield from (2, 10, 30)
    elapsed = 60.0
    while True:
        yield elapsed
        elapsed += 60


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float = 3600,
) -> None:
    """Runs a command to its end, with a line of progress now and then.

    Args:
        command: The program and its arguments.
        what: What it does for the person who waits, as "building the Pulumi CLI".
        cwd: Its working directory.
        environment: Its whole environment; this process's own when left out.
        timeout_seconds: After which it is stopped.

    Raises:
        CommandFailedError: It could not be started, took too long or ended with an error.
    """
    with tempfile.TemporaryFile() as output:
        release = _hold_interrupts()
        try:
            # A group of its own: what the command starts in turn can be ended with it, also after
            # Ctrl-C.
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
    """Hold back interrupts until the function that this returns is called.

    One that comes while a process starts would end this code before it knows which process to end.
    """
    came: list[int] = []
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, lambda held, _: came.append(held))

    def release() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
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
            break  # macOS answers "not permitted" for a group whose last process has just ended
        if process.returncode is not None:
            continue
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
