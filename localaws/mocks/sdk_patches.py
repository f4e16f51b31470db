"""Patches of what the SDK does in each run and no test needs.

A program runs once, but tests run theirs hundreds of times.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pulumi import Output, _types, log
from pulumi.runtime import resource, rpc
from pulumi.runtime.proto import source_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pulumi import Resource

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


_make_outputs = rpc.transfer_properties


class _OutputOnUse(Output[Any]):
    """An output that is made when it is first used."""

    _make: Callable[[], Output[Any]] | None

    def __init__(self, make: Callable[[], Output[Any]]) -> None:
        self._make = make

    def _untrack(self) -> None:
        # The SDK takes a lock here before it uses the output, and again when it makes one.
        self._make_once()
        super()._untrack()

    def __getattr__(self, name: str) -> Any:
        return getattr(self, name) if self._make_once() else super().__getattr__(name)

    def _make_once(self) -> bool:
        """Make the output unless it was made; return whether it was made now."""
        if self._make is None:
            return False
        make, self._make = self._make, None
        vars(self).update(vars(make()))
        return True


def _output_on_use(
    of: Resource, name: str, *, custom: bool
) -> tuple[Output[Any], Callable[..., None]]:
    """Return one of a resource's outputs, and what resolves it."""
    resolve: Callable[..., None] | None = None
    resolution: tuple[Any, ...] | None = None

    def make() -> Output[Any]:
        nonlocal resolve
        attributes = vars(of)
        present = attributes[name]
        resolve = _make_outputs(of, {name: None}, custom)[name]
        made: Output[Any] = attributes[name]
        attributes[name] = present
        if resolution is not None:
            resolve(*resolution)
        return made

    def resolve_or_keep(*given: Any) -> None:
        nonlocal resolution
        if resolve is None:
            resolution = given
        else:
            resolve(*given)

    return _OutputOnUse(make), resolve_or_keep


def _outputs_on_use(
    of: Resource,
    properties: Iterable[str],
    custom: bool,  # noqa: FBT001 — the SDK passes it so
) -> dict[str, Callable[..., None]]:
    """Give a resource its outputs; return what resolves each."""
    resolve: dict[str, Callable[..., None]] = {}
    for name in properties:
        if name in {"id", "urn"}:
            resolve.update(_make_outputs(of, {name: None}, custom))
        else:
            vars(of)[name], resolve[name] = _output_on_use(of, name, custom=custom)
    return resolve


_create_urn = resource.create_urn


def _urn_of_texts(
    name: Any, kind: Any, parent: Any = None, *more: Any, **named: Any
) -> Output[str]:
    """Return a URN without an output for each of its parts, unless some are outputs."""
    if isinstance(name, str) and isinstance(kind, str) and isinstance(parent, str):
        parents = parent.rpartition("::")[0]
        return Output.from_input(f"{parents}${kind}::{name}")
    return _create_urn(name, kind, parent, *more, **named)


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
        # A resource has twenty outputs on average, of which the program uses one or two.
        patch.object(rpc, "transfer_properties", _outputs_on_use),
        # Each registration computes the URN for a run without an engine, by five outputs.
        patch.object(resource, "create_urn", _urn_of_texts),
    ):
        yield
