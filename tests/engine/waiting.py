"""Wait for a condition, as a test does that ends processes or deploys in the background."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually(holds: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait for something that needs a moment, or a minute where a dozen others share the CPUs."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.05)
