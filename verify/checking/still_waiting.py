"""Lines that show that a run still waits, where it has printed nothing for some time."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from verify.network.threads import leave_signals_to_the_main_thread

PAUSES = (2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds without a line before the next one is printed; the last one is for all that follow."""


class StillWaiting:
    """Calls `show` from a separate thread whenever no line was printed for some time."""

    def __init__(self, show: Callable[[], None], pauses: tuple[float, ...] = PAUSES) -> None:
        """Take what prints a line."""
        self._show = show
        self._pauses = pauses
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.printed()

    def printed(self) -> None:
        """Begin again with the first pause, as something else was printed."""
        self._lines = 0
        self._due = time.monotonic() + self._pauses[0]

    def __enter__(self) -> Self:
        """Begin to wait."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Print nothing more."""
        self._ended.set()

    def _run(self) -> None:
        leave_signals_to_the_main_thread()
        while not self._ended.wait(max(0.0, self._due - time.monotonic())):
            if time.monotonic() < self._due:  # something was printed in the meantime
                continue
            self._lines = min(self._lines + 1, len(self._pauses) - 1)
            self._due = time.monotonic() + self._pauses[self._lines]
            self._show()
