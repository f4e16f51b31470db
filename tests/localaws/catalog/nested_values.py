"""Nested inputs: every path into them, and copies with another value at a path."""

from __future__ import annotations

from typing import Any

InputPath = tuple[Any, ...]
"""The names and positions that lead to a value, from the outermost one on."""


def paths_in(value: Any, path: InputPath = ()) -> list[InputPath]:
    """Return every path into a value, which is at `path` itself."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found: list[InputPath] = []
    for key, each in items:
        inner = (*path, key)
        found += [inner, *paths_in(each, inner)]
    return found


def with_value_at(value: Any, path: InputPath, new: Any) -> Any:
    """Return a copy with another value at a path."""
    if not path:
        return new
    first, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = with_value_at(value[first], tuple(rest), new)
    return copy
