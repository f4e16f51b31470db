"""What a configuration value may be. Pure.

Pulumi hands every value over as text, lists and maps as JSON. Each kind reads that text, or says
what it would take.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Kind(Protocol):
    """A kind of value."""

    @property
    def allowed(self) -> str:
        """What the kind takes, in words that complete "allowed: "."""

    def read(self, text: str) -> object:
        """The value that `text` stands for.

        Raises:
            ValueError: It stands for nothing that is allowed.
        """


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """The bounds."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, text: str) -> int:
        """The number."""
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not self.least <= int(text) <= self.most:
            _refuse(text)
        return int(text)


@dataclass(frozen=True)
class Choice:
    """One of a few values, all texts or all numbers."""

    choices: tuple[str | int, ...]

    @property
    def allowed(self) -> str:
        """The choices."""
        return "one of " + ", ".join(map(str, self.choices))

    def read(self, text: str) -> str | int:
        """The choice."""
        by_text = {str(choice): choice for choice in self.choices}
        return by_text[text] if text in by_text else _refuse(text)


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    @property
    def allowed(self) -> str:
        """Both words."""
        return "true or false"

    def read(self, text: str) -> bool:
        """Whether it is true."""
        return text == "true" if text in {"true", "false"} else _refuse(text)


@dataclass(frozen=True)
class Text:
    """A text of a certain form."""

    pattern: str
    allowed: str
    longest: int = 255
    flaw: Callable[[str], str] | None = None
    """Describe what is wrong with a text that doesn't match, without repeating it."""

    def read(self, text: str) -> str:
        """The text itself."""
        return (
            text
            if len(text) <= self.longest and re.fullmatch(self.pattern, text)
            else _refuse(text)
        )


@dataclass(frozen=True)
class Network:
    """An IPv4 range in CIDR notation."""

    widest: int
    narrowest: int

    @property
    def allowed(self) -> str:
        """The form and the bounds."""
        return f"an IPv4 network address from /{self.widest} to /{self.narrowest}, like 10.0.0.0/16"

    def read(self, text: str) -> str:
        """The range itself."""
        network = ipaddress.IPv4Network(text)
        return (
            text
            if str(network) == text and self.widest <= network.prefixlen <= self.narrowest
            else _refuse(text)
        )


@dataclass(frozen=True)
class Range:
    """An IPv4 or IPv6 range in CIDR notation."""

    @property
    def allowed(self) -> str:
        """The form."""
        return "a network's range, like 203.0.113.0/24 or 2001:db8::/32"

    def read(self, text: str) -> str:
        """The range itself."""
        return text if str(ipaddress.ip_network(text)) == text else _refuse(text)


@dataclass(frozen=True)
class Texts:
    """A list of texts."""

    each: Kind

    @property
    def allowed(self) -> str:
        """What each item may be."""
        return f"a list, each item {self.each.allowed}"

    def read(self, text: str) -> tuple[object, ...]:
        """The items."""
        items = json.loads(text)
        return tuple(
            self.each.read(_plain(item))
            for item in (items if isinstance(items, list) else _refuse(text))
        )


@dataclass(frozen=True)
class Map:
    """Texts by name."""

    absent: ClassVar = "{}"
    name: Text
    value: Text

    @property
    def allowed(self) -> str:
        """What names and values may be."""
        return f"a map, each name {self.name.allowed}, each value {self.value.allowed}"

    def read(self, text: str) -> dict[str, str]:
        """The entries, in the order of their names."""
        entries = json.loads(text)
        if not isinstance(entries, dict):
            _refuse(text)
        return dict(self._entry(name, entries[name]) for name in sorted(entries))

    def misplaced(self, text: str) -> str:
        """Name the entries that `read` refuses, and each problem without the value (a secret)."""
        try:
            entries = json.loads(text)
            bad = [name for name in sorted(entries) if not self._takes(name, entries[name])]
        except (ValueError, TypeError):
            return f"{len(text)} characters that are no map"
        return ", ".join(self._described(name, entries[name]) for name in bad)

    def _described(self, name: str, value: object) -> str:
        shown = f"{name} with a value of {len(str(value))} characters, not shown"
        if (
            isinstance(value, str)
            and self.value.flaw
            and not re.fullmatch(self.value.pattern, value)
        ):
            return f"{shown}: {self.value.flaw(value)}"
        return shown

    def _entry(self, name: str, value: object) -> tuple[str, str]:
        return self.name.read(name), self.value.read(_plain(value))

    def _takes(self, name: str, value: object) -> bool:
        try:
            self._entry(name, value)
        except ValueError:
            return False
        return True


def twins(values: Iterable[object]) -> list[str]:
    """Those that are there more than once, in words."""
    return [str(value) for value, count in Counter(values).items() if count > 1]


def _plain(value: object) -> str:
    """Return a text as it is; a number or truth value, which the CLI makes of one, as typed."""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, int)
        else _refuse(str(value))
    )


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)
