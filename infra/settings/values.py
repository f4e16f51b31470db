"""Configuration values as Pulumi passes them: each as text, lists and maps as JSON. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Texts: TypeAlias = "Mapping[str, str | None]"
"""Values by key as Pulumi passes them; None for a null, which no kind takes."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where needed."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def duplicates(values: Iterable[object]) -> list[str]:
    """Return the values that occur more than once, as texts."""
    return [str(value) for value, count in Counter(values).items() if count > 1]


def no_map(text: str) -> str:
    """Describe a text that is no map, without showing it."""
    if list_or_none(text) is not None:
        return "a list, which is no map"
    shown = f"{counted(len(text), 'character')}, not shown" if text else "empty"
    return f"{shown}, which is no map"


def as_configured(value: object) -> str:
    """Return a value of a map as Pulumi passes that of a key: as text, lists and maps as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def plain(value: object) -> str:
    """Return a text unchanged, and a number or a boolean as it was typed.

    The CLI turns items that look like a number or a boolean into one.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return json.dumps(value)
    raise ValueError(value)


def read_map(text: str) -> dict[str, Any]:
    """Parse a map.

    Raises:
        ValueError: It is something else.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        refuse(text)
    return found


def map_or_none(text: str) -> dict[str, Any] | None:
    """Parse a map; None for anything else."""
    try:
        return read_map(text)
    except ValueError:
        return None


def list_or_none(text: str) -> list[Any] | None:
    """Parse a list; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def refuse(text: str) -> NoReturn:
    """Refuse a value, which its kind then describes."""
    raise ValueError(text)
