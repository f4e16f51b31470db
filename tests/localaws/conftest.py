"""What tests of several parts of the local AWS use."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sockets_are_closed() -> Iterator[None]:
    """Have the garbage collector look for open sockets when the test's event loop has ended.

    It warns of an unclosed one, and pytest turns a warning into an error of the test. What the test
    made is among the newer objects, which take a hundredth of the time of all objects.
    """
    yield
    gc.collect(1)
