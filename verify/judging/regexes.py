"""A user's regular expression on text from elsewhere, which together may take for ever.

Neither a signal nor another thread gets in while Python matches, so it is done in another process,
whose processor time the system bounds.
"""

import atexit
import marshal
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

SECONDS = 1.0
"""Processor time for one search, far more than a good expression needs even on the largest body."""

HINT = "repeats within repeats, as in (a+)+, may take time without end: write it without them"

_WORKER = """
import marshal, re, signal, sys
while True:
    try:
        pattern, text, seconds = marshal.load(sys.stdin.buffer)
    except EOFError:
        break
    # Its signal ends this process, whatever it is doing.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    match = re.search(pattern, text)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    sys.stdout.buffer.write(marshal.dumps(match and (match[0], *match.groups())))
    sys.stdout.buffer.flush()
"""


class TooSlowError(Exception):
    """A search was stopped: whether the expression matches is unknown."""


class _Worker:
    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    def search(self, pattern: str, text: str) -> tuple[str | None, ...] | None:
        with self._lock:  # samples may be judged on several threads
            return self._search(pattern, text)

    def _search(self, pattern: str, text: str) -> tuple[str | None, ...] | None:
        if pattern in self._stopped:  # a run has many answers, and time for one such search
            raise TooSlowError
        if self._process is None:
            self._process = _start_worker()
        process = self._process
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(marshal.dumps((pattern, text, SECONDS)))
            process.stdin.flush()
            # From our own process
            found: tuple[str | None, ...] | None = marshal.load(process.stdout)  # noqa: S302
        except (EOFError, ValueError, OSError):  # it was ended
            self._stopped.add(pattern)
            self.end()
            raise TooSlowError from None
        return found

    def end(self) -> None:
        """Kill the process and reap it."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _start_worker() -> "subprocess.Popen[bytes]":
    """Start the worker in a new process group.

    A terminal's Ctrl-C then doesn't end it before the run has reported.
    """
    import subprocess  # noqa: PLC0415 — few runs have such an expression

    return subprocess.Popen(  # noqa: S603 — our own interpreter and words
        [sys.executable, "-I", "-S", "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


@cache
def _worker() -> _Worker:
    worker = _Worker()
    atexit.register(worker.end)
    return worker


def search(pattern: str, text: str) -> tuple[str | None, ...] | None:
    """Return the first match and its groups, or None.

    Raises:
        TooSlowError: It took longer than `SECONDS`, this time or before.
    """
    return _worker().search(pattern, text)
