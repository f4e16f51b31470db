"""Kinds of configuration values: what each allows, and how it is read. Pure.

Pulumi passes every value as text, lists and maps as JSON. A kind parses that text, or refuses it
with a ValueError and describes what it allows.
"""

from __future__ import annotations

import ipaddress
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeAlias

from infra.aws import statements
from infra.aws.egress import Destination
from infra.aws.image_build import PLATFORMS, ImageBuild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_LAST_PORT = 65_535

Texts: TypeAlias = "Mapping[str, str | None]"
"""Values by key as Pulumi passes them; None for a null, which no kind takes."""


class Kind(ABC):
    """A kind of value."""

    absent: ClassVar[str | None] = None
    """The text of a key that isn't set; None where Pulumi.yaml has the default.

    Pulumi's schema has no type for maps, so keys that hold them can't have a default there.
    """

    encrypted: ClassVar[bool] = False
    """Whether a value must be encrypted in the stack's file; any other must not."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """Describe the allowed values, as they follow "allowed: " in an error."""

    @abstractmethod
    def read(self, text: str) -> object:
        """Parse a value.

        Raises:
            ValueError: The value isn't allowed.
        """

    def shown(self, text: str) -> str:
        """Describe a refused value, for the error message."""
        return text or "empty"

    def part(self, text: str) -> Any:  # noqa: ARG002 — kinds of several entries override it
        """Return what a refused value has that is allowed; None for a kind of one value."""
        return None


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number within bounds."""

    minimum: int
    maximum: int

    @property
    def allowed(self) -> str:
        """Describe the bounds."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def read(self, text: str) -> int:
        """Parse the number."""
        # int() alone would also take 8_0, spaces and other alphabets' digits.
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            refuse(text)
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            refuse(text)
        return number


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few values, all texts or all numbers."""

    choices: tuple[str | int, ...]
    none: str | None = None
    """The choice that turns a feature off; it is read as None."""

    @property
    def allowed(self) -> str:
        """List the choices."""
        return "one of " + ", ".join(map(str, self.choices))

    def read(self, text: str) -> str | int | None:
        """Find the choice."""
        for choice in self.choices:
            if text == str(choice):
                return None if choice == self.none else choice
        raise ValueError(text)


class Flag(Kind):
    """True or false."""

    @property
    def allowed(self) -> str:
        """List both values."""
        return "true or false"

    def read(self, text: str) -> bool:
        """Parse the flag."""
        if text not in {"true", "false"}:
            refuse(text)
        return text == "true"


@dataclass(frozen=True)
class Text(Kind):
    """A text that matches a pattern."""

    pattern: str
    form: str
    """The pattern in words."""

    longest: int = 255
    flaw: Callable[[str], str] | None = None
    """Explain why a text doesn't match, without repeating it."""

    @property
    def allowed(self) -> str:
        """Describe the pattern."""
        return self.form

    def read(self, text: str) -> str:
        """Return the text if it matches."""
        if len(text) > self.longest or not re.fullmatch(self.pattern, text):
            refuse(text)
        return text


@dataclass(frozen=True)
class OrNone(Kind):
    """A value that may be left empty, which is read as None."""

    kind: Kind
    when_empty: str
    """The meaning of an empty value, like "empty for none"."""

    @property
    def allowed(self) -> str:
        """Describe the value, and the meaning of none."""
        return f"{self.kind.allowed}; {self.when_empty}"

    def read(self, text: str) -> object:
        """Parse the value if there is one."""
        return self.kind.read(text) if text else None


@dataclass(frozen=True)
class Ipv4Network(Kind):
    """An IPv4 network address with bounds for its prefix."""

    widest: int
    narrowest: int

    @property
    def allowed(self) -> str:
        """Describe the form and the bounds."""
        return f"an IPv4 network address from /{self.widest} to /{self.narrowest}, like 10.0.0.0/16"

    def read(self, text: str) -> str:
        """Return the network in CIDR notation."""
        network = ipaddress.IPv4Network(text)
        if str(network) != text or not self.widest <= network.prefixlen <= self.narrowest:
            refuse(text)
        return text


class IpRange(Kind):
    """An IPv4 or IPv6 range in CIDR notation."""

    @property
    def allowed(self) -> str:
        """Describe the form."""
        return "an IP range in CIDR notation, like 203.0.113.0/24 or 2001:db8::/32"

    def read(self, text: str) -> str:
        """Return the range."""
        if str(ipaddress.ip_network(text)) != text:
            refuse(text)
        return text


class Destinations(Kind):
    """A network and its TCP ports, like 10.0.0.0/8:5432."""

    @property
    def allowed(self) -> str:
        """Describe the form."""
        return (
            "a network and its TCP port or ports, like 10.0.0.0/8:5432 or 2001:db8::/32:8000-8100"
        )

    def read(self, text: str) -> Destination:
        """Parse the destination."""
        network, _, ports = text.rpartition(":")
        found = re.fullmatch(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", ports)
        if found is None or str(ipaddress.ip_network(network)) != network:
            refuse(text)
        first = int(found[1])
        last = int(found[2] or first)
        if not first <= last <= _LAST_PORT:
            refuse(text)
        return Destination(network, first, last)


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
        return tuple(self.each.read(_plain(item)) for item in items)

    def part(self, text: str) -> tuple[object, ...]:
        """Return the allowed items."""
        items = list_or_none(text) or []
        return tuple(
            self.each.read(_plain(item)) for item in items if item_flaw(self.each, item) is None
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
            read[self.name.read(name)] = self.value.read(_plain(value))
        return read

    def part(self, text: str) -> dict[str, str]:
        """Return the allowed entries."""
        found: dict[str, str] = {}
        for name, value in sorted((map_or_none(text) or {}).items()):
            if item_flaw(self.name, name) is None and item_flaw(self.value, value) is None:
                found[name] = _plain(value)
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


class Build(Kind):
    """A folder with a Dockerfile, or a map that describes the build."""

    absent: ClassVar[str | None] = ""

    @property
    def allowed(self) -> str:
        """Describe both forms."""
        return (
            "the folder of a Dockerfile, relative to the project's, like ./app, or a map of "
            "context, which is such a folder, and optionally dockerfile (in it), target, args "
            f"(texts by name) and platform ({' or '.join(PLATFORMS.values())}); empty for an "
            "image that exists"
        )

    def read(self, text: str) -> ImageBuild | None:
        """Parse the build; None if there is none."""
        if not text:
            return None
        entries = _build_entries(text)
        if _build_flaws(entries):
            refuse(text)
        args = entries.pop("args", {})
        return ImageBuild(args=_all_plain(args), **_all_plain(entries))

    def shown(self, text: str) -> str:
        """Describe every flaw, without the arguments' values."""
        try:
            entries = _build_entries(text)
        except ValueError:
            return f"{counted(len(text), 'character')}, which is neither a path nor a map"
        return "; ".join(_build_flaws(entries))


class Statements(Kind):
    """A list of statements of an IAM policy, each an object or its JSON text."""

    absent: ClassVar[str | None] = "[]"

    @property
    def allowed(self) -> str:
        """Describe the statements."""
        return (
            "a list of statements with Action, Resource and optionally Sid, Effect and "
            "Condition; an allowed action has no wildcard, and its resource doesn't match "
            "every resource of a kind"
        )

    def read(self, text: str) -> tuple[dict[str, Any], ...]:
        """Parse the statements; one without an Effect allows."""
        read = []
        for statement in _statements(text):
            if not isinstance(statement, dict) or statements.flaw(statement):
                refuse(text)
            read.append({"Effect": "Allow", **statement})
        return tuple(read)

    def shown(self, text: str) -> str:
        """Describe the flaw of each refused statement."""
        try:
            found = _statements(text)
        except ValueError:
            return f"{text or 'empty'}, which is not a list"
        flaws = []
        for number, statement in enumerate(found):
            flaw = statements.flaw(statement)
            if flaw:
                flaws.append(f"statement {number} {flaw}")
        return "; ".join(flaws)


def no_map(text: str) -> str:
    """Describe a text that is no map, without showing it."""
    if list_or_none(text) is not None:
        return "a list, which is no map"
    shown = f"{counted(len(text), 'character')}, not shown" if text else "empty"
    return f"{shown}, which is no map"


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


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where needed."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def item_flaw(kind: Kind, item: object) -> str | None:
    """Describe an item of a list that isn't allowed; None for one that is."""
    text = item if isinstance(item, str) else json.dumps(item)
    try:
        kind.read(_plain(item))
    except ValueError:
        return kind.shown(text)
    return None


def duplicates(values: Iterable[object]) -> list[str]:
    """Return the values that occur more than once, as texts."""
    return [str(value) for value, count in Counter(values).items() if count > 1]


_PATH: Final = Text(r"(?!/|~|.*://)[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?", "a relative path")
_ARGUMENT: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_BUILD: Final[dict[str, Kind]] = {
    "context": _PATH,
    "dockerfile": _PATH,
    "target": Text("[A-Za-z0-9][A-Za-z0-9._-]*", "a stage of the Dockerfile"),
    "platform": Choice(tuple(PLATFORMS.values())),
}
"""What a build consists of, besides its arguments."""


def _build_entries(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith(("{", "[")):
        return {"context": text}
    return read_map(text)


def _build_flaws(entries: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a build."""
    flaws = [
        f"{name}, which is none of {', '.join([*_BUILD, 'args'])}"
        for name in sorted(entries.keys() - _BUILD.keys() - {"args"})
    ]
    if "context" not in entries:
        flaws.append("no context")
    for name, kind in _BUILD.items():
        if name in entries:
            try:
                kind.read(_plain(entries[name]))
            except ValueError:
                shown = as_configured(entries[name])
                flaws.append(f"{name} {shown}, which isn't {kind.allowed}")
    return [*flaws, *_argument_flaws(entries.get("args", {}))]


def _argument_flaws(args: object) -> list[str]:
    if not isinstance(args, dict):
        return ["args that aren't a map"]
    flaws = []
    for name, value in args.items():
        if not _ARGUMENT.fullmatch(name):
            flaws.append(f"an argument named {name}, which isn't a variable's name")
        if not isinstance(value, str | int):
            flaws.append(f"an argument {name} whose value isn't a text")
    return flaws


def _texts(values: Mapping[str, object]) -> Texts:
    texts: dict[str, str | None] = {}
    for key, value in values.items():
        texts[key] = None if value is None else as_configured(value)
    return texts


def as_configured(value: object) -> str:
    """Return a value of a map as Pulumi passes that of a key: as text, lists and maps as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _statements(text: str) -> list[object]:
    found = json.loads(text)
    if not isinstance(found, list):
        refuse(text)
    return list(map(_statement, found))


def _statement(item: object) -> object:
    return json.loads(item) if isinstance(item, str) else item


def _plain(value: object) -> str:
    """Return a text unchanged, and a number or a boolean as it was typed.

    The CLI turns items that look like a number or a boolean into one.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return json.dumps(value)
    raise ValueError(value)


def _all_plain(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _plain(value) for name, value in values.items()}


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
