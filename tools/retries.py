"""Downloads and builds that set-up can do without: one that fails isn't tried on every run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from tools.running import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

SECONDS = 3600


def at_most_hourly(note: Path, action: Callable[[], T]) -> T:
    """Do something, unless it has failed within the last hour.

    Args:
        note: The file that keeps the last failure; its folder exists.
        action: What to do.

    Raises:
        CommandFailedError: It fails, or has failed; the text says when it is tried again.
    """
    try:
        age = time.time() - note.stat().st_mtime
        reason = note.read_text()
    except OSError:
        age, reason = SECONDS, ""
    if 0 <= age < SECONDS:
        minutes = (SECONDS - age) / 60
        raise CommandFailedError(
            f"{reason}\n  This is tried again in {minutes:.0f} minutes, or once {note} is removed."
        )
    try:
        result = action()
    except CommandFailedError as error:
        note.write_text(str(error))
        raise
    note.unlink(missing_ok=True)
    return result
