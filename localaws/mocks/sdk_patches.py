"""Patches of what the SDK does in each run and no test needs.

A program runs once, but tests run theirs hundreds of times.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pulumi import _types, log
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEMBERING: dict[str, Any] = {
    "unwrap_type": cache(_types.unwrap_type),
    "unwrap_optional_type": cache(_types.unwrap_optional_type),
    "resource_types": cache(_types.resource_types),
}
"""Functions that derive the types of a value or a resource from annotations."""

_send_debug_message = log.debug


def _debug(message: str, *more: Any, **named: Any) -> None:
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        _send_debug_message(message, *more, **named)


@contextmanager
def applied() -> Iterator[None]:
    """Apply the patches while the block runs."""
    with (
        # Nothing reads where in its source the program registers something, and finding that out
        # takes a fifth of a run.
        patch.object(resource, "_get_stack_trace", source_pb2.StackTrace),
        # The SDK derives types anew for each value, which takes a twelfth.
        patch.multiple(_types, **_REMEMBERING),
        # Its 250 debug messages take a fortieth, even if the logger drops them.
        patch.object(log, "debug", _debug),
    ):
        yield
