"""Wait for a condition, as a test does that starts processes or connections."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 30.0
"""Seconds that anything in these tests may take on a busy machine; it takes one or two."""

_PAUSE = 0.02


async def eventually(
    condition: Callable[[], object], what: str, *, time_limit: float = TIMEOUT
) -> None:
    """Return once a condition holds, which may be a coroutine function; else fail the test."""
    deadline = time.monotonic() + time_limit
    while time.monotonic() < deadline:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return
        await asyncio.sleep(_PAUSE)
    pytest.fail(f"waited {time_limit:g} s for {what}")
