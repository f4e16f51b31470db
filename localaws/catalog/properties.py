"""The inputs and outputs of resources as plain values, and what is at a path inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Properties = Mapping[str, Any]
"""A resource's inputs or outputs: plain JSON-like values, or UNKNOWN, by camelCase name."""


class Unknown:
    """The type of `UNKNOWN`, a value that only the deployment itself will bring."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


def values_at(value: object, path: str) -> list[Any]:
    """Return what is at a path such as `actions[].targetGroups[].arn`, unless UNKNOWN or absent."""
    return [found for _, found in located(value, path)]


def absent(value: object, path: str) -> Iterator[str]:
    """Where nothing is at the end of a path although what it would be a part of is there."""
    parents, _, name = path.rpartition(".")
    for place, each in located(value, parents):
        if isinstance(each, Mapping) and each.get(name) is None:
            yield f"{place}.{name}".removeprefix(".")


def located(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the same, each with its place: `actions[0].targetGroups[1].arn`; all of it for ""."""
    if not path:
        yield "", value
        return
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    found = value.get(name) if isinstance(value, Mapping) else None
    places: list[tuple[str, Any]] = [(name, found)]
    if head.endswith("[]"):
        places = (
            [(f"{name}[{i}]", each) for i, each in enumerate(found)]
            if isinstance(found, list)
            else []
        )
    for place, each in places:
        if each is None or each is UNKNOWN:
            continue
        if rest:
            yield from ((f"{place}.{inner}", leaf) for inner, leaf in located(each, rest))
        else:
            yield place, each
