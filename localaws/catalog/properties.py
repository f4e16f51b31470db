"""The inputs and outputs of resources as plain values, and access to them by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from localaws.unknown import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Properties",
    "first_name",
    "items_at",
    "missing_at",
    "values_at",
]

Properties = Mapping[str, Any]
"""A resource's inputs or outputs: plain JSON-like values, or UNKNOWN, by camelCase name."""


def values_at(value: object, path: str) -> list[Any]:
    """Return the values at a path such as `actions[].targetGroups[].arn`, except UNKNOWN ones."""
    return [found for _, found in items_at(value, path)]


def items_at(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the values at a path, each with its exact path: `actions[0].targetGroups[1].arn`.

    UNKNOWN values are left out. An empty path means the value itself.
    """
    if not path:
        yield "", value
        return
    name, of_list, rest = _first_step(path)
    # Most inputs of a type are left out, and a dictionary is by far the most usual object.
    found = value.get(name) if isinstance(value, (dict, Mapping)) else None
    if found is None:
        return
    items: list[tuple[str, Any]] = []
    if not of_list:
        items.append((name, found))
    elif isinstance(found, list):
        for index, each in enumerate(found):
            items.append((f"{name}[{index}]", each))
    for exact_path, each in items:
        if each is None or each is UNKNOWN:
            continue
        if not rest:
            yield exact_path, each
            continue
        for inner_path, inner in items_at(each, rest):
            yield f"{exact_path}.{inner_path}", inner


@cache
def _first_step(path: str) -> tuple[str, bool, str]:
    """Split a path: its first name, whether that is a list, and the rest of the path."""
    head, _, rest = path.partition(".")
    return head.removesuffix("[]"), head.endswith("[]"), rest


def missing_at(value: object, path: str) -> Iterator[str]:
    """Yield the exact paths where the last name of a path is missing in an existing object."""
    parents, _, name = path.rpartition(".")
    for exact_path, parent in items_at(value, parents):
        if isinstance(parent, Mapping) and parent.get(name) is None:
            yield f"{exact_path}.{name}".removeprefix(".")


def first_name(path: str) -> str:
    """Return the name of the input that a path starts with: `actions` of `actions[0].order`."""
    return re.split(r"[.\[]", path)[0]
