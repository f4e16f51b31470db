"""Kinds of lists and maps of configuration values. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from infra.settings.kinds import Kind, Text
from infra.settings.values import (
    as_configured,
    counted,
    list_or_none,
    map_or_none,
    no_map,
    plain,
    read_map,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.values import Texts


@dataclass(frozen=True)
class ListOf(Kind):
    """A list of values of one kind."""

    each: Kind

    @property
    def allowed(self) -> str:
        """Describe the items."""
        return f"a list, each item {self.each.allowed}"

    def read(self, text: str) -> tuple[object, ...]:
        """Parse the items."""
        items = json.loads(text)
        if not isinstance(items, list):
            refuse(text)
        return tuple(self.each.read(plain(item)) for item in items)

    def part(self, text: str) -> tuple[object, ...]:
        """Return the allowed items."""
        items = list_or_none(text) or []
        return tuple(
            self.each.read(plain(item)) for item in items if item_flaw(self.each, item) is None
        )

    def shown(self, text: str) -> str:
        """Describe the refused items, each after its position."""
        items = list_or_none(text)
        if items is None:
            return f"{text or 'empty'}, which is no list"
        refused = []
        for position, item in enumerate(items):
            flaw = item_flaw(self.each, item)
            if flaw is not None:
                refused.append(f"[{position}] {flaw}")
        return ", ".join(refused)


@dataclass(frozen=True)
class Map(Kind):
    """Texts by name."""

    absent: ClassVar[str | None] = "{}"
    name: Text
    value: Text

    @property
    def allowed(self) -> str:
        """Describe names and values."""
        return f"a map, each name {self.name.allowed}, each value {self.value.allowed}"

    def read(self, text: str) -> dict[str, str]:
        """Parse the entries, and sort them by name."""
        read: dict[str, str] = {}
        for name, value in sorted(read_map(text).items()):
            read[self.name.read(name)] = self.value.read(plain(value))
        return read

    def part(self, text: str) -> dict[str, str]:
        """Return the allowed entries."""
        found: dict[str, str] = {}
        for name, value in sorted((map_or_none(text) or {}).items()):
            if item_flaw(self.name, name) is None and item_flaw(self.value, value) is None:
                found[name] = plain(value)
        return found

    def shown(self, text: str) -> str:
        """Name the refused entries and their flaws, but no value: it may be a secret."""
        entries = map_or_none(text)
        if entries is None:
            return no_map(text)
        return ", ".join(self._flaws(entries))

    def _flaws(self, entries: Mapping[str, object]) -> Iterator[str]:
        for name, value in sorted(entries.items()):
            if item_flaw(self.name, name) is not None:
                yield f"the name {name or 'empty'}"
            if item_flaw(self.value, value) is not None:
                shown = f"{name or 'an empty name'} with {_size_of(value)}"
                if self.value.flaw is not None and isinstance(value, str):
                    shown += f": {self.value.flaw(value)}"
                yield shown


@dataclass(frozen=True)
class MapsByName(Kind):
    """Maps of configuration values by name."""

    absent: ClassVar[str | None] = ""
    form: str
    """The maps in words."""

    may_be_empty: bool = True
    """Whether the key may be set to no maps at all."""

    @property
    def allowed(self) -> str:
        """Describe the maps."""
        return self.form

    def read(self, text: str) -> dict[str, Texts | None]:
        """Return the texts of the values, by name and key; the names are sorted.

        A value that is no map is None, so that one wrong entry doesn't hide another one.
        """
        if not text:
            return {}
        maps = read_map(text)
        if not maps and not self.may_be_empty:
            refuse(text)
        read: dict[str, Texts | None] = {}
        for name, values in sorted(maps.items()):
            read[name] = _texts(values) if isinstance(values, dict) else None
        return read

    def shown(self, text: str) -> str:
        """Describe what is no map, without its value."""
        return no_map(text) if map_or_none(text) is None else "an empty map"


def item_flaw(kind: Kind, item: object) -> str | None:
    """Describe an item of a list that isn't allowed; None for one that is."""
    text = item if isinstance(item, str) else json.dumps(item)
    try:
        kind.read(plain(item))
    except ValueError:
        return kind.shown(text)
    return None


def _size_of(value: object) -> str:
    """Describe a value that may be a secret; if it is no text, how to write it."""
    if value == "":
        return "an empty value"
    if value is None:
        return "null (write a text in quotes, or leave the name out)"
    if isinstance(value, float):
        # YAML reads 1.50 as 1.5, so that quotes alone keep what was written.
        return "a number that isn't whole, not shown (write it in quotes)"
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "map"
        return f"a {kind}, not shown (write a text in quotes)"
    return f"a value of {counted(len(str(value)), 'character')}, not shown"


def _texts(values: Mapping[str, object]) -> Texts:
    texts: dict[str, str | None] = {}
    for key, value in values.items():
        texts[key] = None if value is None else as_configured(value)
    return texts
