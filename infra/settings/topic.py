"""Topics of the configuration: dataclasses whose fields are configuration keys.

A field declares its key's kind, and a method decorated with `relation` checks several values
together. Settings are dataclasses in turn, whose fields are topics.

A value that can't be read is a separate problem; the checks that need it are skipped, and all
others still run, so that one run reports every problem.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from functools import cache, wraps
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    TypeVarTuple,
    Unpack,
    cast,
)

from infra.errors import Problem
from infra.settings.defaults import default
from infra.settings.unknown_keys import unknown_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from _typeshed import DataclassInstance

    from infra.aws.environment import AwsEnvironment
    from infra.settings.kinds import Kind
    from infra.settings.values import Texts


_ArgumentsT = ParamSpec("_ArgumentsT")
_ResultT = TypeVar("_ResultT")


def _once(function: Callable[_ArgumentsT, _ResultT]) -> Callable[_ArgumentsT, _ResultT]:
    """Compute a function's result once for each class, which mypy takes for unhashable."""
    return cast("Callable[_ArgumentsT, _ResultT]", cache(function))


def key(kind: Kind) -> Any:
    """Declare a field as a configuration key whose value is of this kind."""
    return field(metadata={"kind": kind}, repr=not kind.encrypted)


@cache
def camel(name: str) -> str:
    """Return the configuration key of a field."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A stack's configuration as Pulumi passes it."""

    texts: Texts
    """Values by key, without the project's namespace."""

    encrypted: Collection[str] = ()
    """Keys whose values are encrypted."""

    paths: Mapping[str, str] = field(default_factory=dict)
    """Paths of the keys that aren't at the top, as problems name them."""

    misplaced: Mapping[str, Problem] = field(default_factory=dict)
    """Problems with keys that the stack has, and that only an entry of a map may have."""

    def within(self, texts: Texts, paths: Mapping[str, str]) -> Configuration:
        """Return this configuration with other values for some keys, which are at other paths."""
        return Configuration(
            texts={**self.texts, **texts},
            encrypted=set(self.encrypted) - texts.keys(),
            paths=paths,
            misplaced=self.misplaced,
        )

    def read(self, name: str, kind: Kind) -> object:
        """Return the value of a key, or the `Problem` with it."""
        if name in self.misplaced and name not in self.paths:
            return self.misplaced[name]
        path = self.paths.get(name, name)
        text = self.texts.get(name, kind.absent)
        encrypted = name in self.encrypted
        if encrypted and not kind.encrypted:
            return Problem(
                path, "an encrypted value", "plain text; name secrets of the task in `secrets`"
            )
        if kind.encrypted and not encrypted and text != kind.absent:
            return Problem(path, "a value in plain text, not shown", kind.allowed)
        if text is None:
            return Problem(path, "null" if name in self.texts else "not set", kind.allowed)
        try:
            return kind.read(text)
        except ValueError:
            return Problem(path, kind.shown(text), kind.allowed)

    def part(self, name: str, kind: Kind) -> Any:
        """Return what can be used of a key that can't be read."""
        text = self.texts.get(name)
        hidden = name in self.encrypted or name in self.misplaced
        return kind.part("" if hidden or text is None else text)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Configuration keys that belong together."""

    unread: Mapping[str, Problem] = field(default_factory=dict, repr=False)
    """Fields whose values couldn't be read, and why; each holds None."""

    parts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The allowed entries of such fields that have several."""

    @classmethod
    def kinds(cls) -> Mapping[str, Kind]:
        """Return the kind of each key, by field name."""
        return _kinds(cls)

    @classmethod
    def read(cls, configuration: Configuration) -> Self:
        """Read the topic's keys."""
        values: dict[str, Any] = {}
        unread: dict[str, Problem] = {}
        parts: dict[str, Any] = {}
        for name, kind in cls.kinds().items():
            value = configuration.read(camel(name), kind)
            if isinstance(value, Problem):
                unread[name] = value
                parts[name] = configuration.part(camel(name), kind)
                value = None
            values[name] = value
        return cls(unread=unread, parts=parts, **values)

    def part(self, name: str) -> Any:
        """Return the entries of a field, or those that are allowed if others aren't.

        It is for checks of each entry by itself: they need no relation to the field.
        """
        return self.parts[name] if name in self.unread else getattr(self, name)

    @classmethod
    def unreadable(cls, problem: Problem) -> Self:
        """Return the topic with no key read, for one reason."""
        names = cls.kinds()
        nothing: dict[str, Any] = dict.fromkeys(names)
        parts = {name: kind.part("") for name, kind in names.items()}
        return cls(unread=dict.fromkeys(names, problem), parts=parts, **nothing)

    def changed(self, *names: str) -> dict[str, str]:
        """Return the keys of these fields whose values aren't the defaults, with the values."""
        found: dict[str, str] = {}
        for name in names:
            value = getattr(self, name)
            if value != _unset(type(self), name):
                found[camel(name)] = _as_text(value)
        return found

    def without_effect(self, *names: str, allowed: str) -> Iterator[Problem]:
        """Refuse fields that are set although nothing uses them.

        Args:
            names: The fields.
            allowed: What makes them have an effect.
        """
        read = [name for name in names if name not in self.unread]
        for each, value in self.changed(*read).items():
            yield Problem(each, f"{value}, which has no effect", allowed, unused=True)

    def problems(self) -> Iterator[Problem]:
        """Check values that depend on each other."""
        yield from ()

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:  # noqa: ARG002 — topics that name AWS resources override it
        """Check what the values name in AWS against the account and region of the stack."""
        yield from ()


@_once
def _kinds(topic_class: type[Topic]) -> Mapping[str, Kind]:
    """Return the kind of each key of a topic, by field name."""
    return {each.name: each.metadata["kind"] for each in fields(topic_class) if each.metadata}


@_once
def _unset(topic_class: type[Topic], name: str) -> object:
    """Return the value of a topic's key that isn't set."""
    kind = topic_class.kinds()[name]
    text = kind.absent
    if text is None:
        usual = default(camel(name))
        text = usual if isinstance(usual, str) else json.dumps(usual)
    return kind.read(text)


def _as_text(value: object) -> str:
    """Return a value as errors have it, of a map the names."""
    if value is None:
        # A choice that turns a feature off is read as None.
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(value)
    return str(value)


class _Read(Protocol):
    """A topic, or settings that consist of topics."""

    @property
    def unread(self) -> Mapping[str, Problem]: ...


_ReadT = TypeVarTuple("_ReadT")


def relation(
    *names: str,
) -> Callable[
    [Callable[[Unpack[_ReadT]], Iterator[Problem]]],
    Callable[[Unpack[_ReadT]], Iterator[Problem]],
]:
    """Skip the decorated check if one of the fields that it compares couldn't be read.

    The check takes topics, or settings that consist of topics.

    Args:
        names: Every field that the check reads.
    """
    compared = frozenset(names)

    def decorate(
        check: Callable[[Unpack[_ReadT]], Iterator[Problem]],
    ) -> Callable[[Unpack[_ReadT]], Iterator[Problem]]:
        @wraps(check)
        def unless_unread(*settings: *_ReadT) -> Iterator[Problem]:
            for each in cast("tuple[_Read, ...]", settings):
                if not compared.isdisjoint(each.unread):
                    return iter(())
            return check(*settings)

        return unless_unread

    return decorate


@dataclass(frozen=True, kw_only=True)
class Entry(Topic):
    """The keys of an entry in a map whose names the user chooses.

    Its problems have the entry's own keys, and the empty one for the entry itself.
    """

    defaults: ClassVar[Mapping[str, str]]
    """Values of keys that an entry doesn't have; any other key must be set."""

    @classmethod
    def of(cls, path: str, texts: Texts | None) -> Self:
        """Read the entry at a path; its texts are None if it is no map."""
        keys = [camel(name) for name in cls.kinds()]
        if texts is None:
            allowed = f"a map of {', '.join(keys)}"
            if cls.defaults.keys() >= set(keys):
                allowed += ", or {}"
            return cls.unreadable(Problem(path, "a value that isn't a map", allowed))
        paths = {each: f"{path}.{each}" for each in keys}
        return cls.read(Configuration(texts={**cls.defaults, **texts}, paths=paths))


def entry_problems(
    path: str,
    texts: Mapping[str, Texts | None],
    entries: Mapping[str, Entry],
    name_kind: Kind,
) -> Iterator[Problem]:
    """Check each entry of a map: its name, its values, its keys, and then the entry by itself.

    Args:
        path: Path of the map.
        texts: The map as the configuration has it.
        entries: Its entries as they were read, by name.
        name_kind: What a name may be.
    """
    for name, entry in entries.items():
        where = f"{path}.{name}"
        try:
            name_kind.read(name)
        except ValueError:
            yield Problem(where, name or "empty", name_kind.allowed)
        yield from entry.unread.values()
        yield from unknown_keys(where, texts[name] or (), map(camel, entry.kinds()))
        for problem in entry.problems():
            yield replace(problem, key=f"{where}.{problem.key}" if problem.key else where)


def topic(topic_class: type[Topic]) -> Any:
    """Declare a field of settings as a topic."""
    return field(metadata={"topic": topic_class})


@_once
def topic_classes(settings: type[DataclassInstance]) -> Mapping[str, type[Topic]]:
    """Return the classes of settings' topics, by field name."""
    return {each.name: each.metadata["topic"] for each in fields(settings) if each.metadata}


def read_topics(settings: type[DataclassInstance], configuration: Configuration) -> dict[str, Any]:
    """Read the topics of settings, by field name."""
    return {
        name: topic_class.read(configuration)
        for name, topic_class in topic_classes(settings).items()
    }


def topics_of(settings: DataclassInstance) -> tuple[Topic, ...]:
    """Return the topics of settings, in the order of their fields."""
    return tuple(getattr(settings, name) for name in topic_classes(type(settings)))


def unread_in(topics: Iterable[Topic]) -> dict[str, Problem]:
    """Return the fields of several topics whose values couldn't be read."""
    unread: dict[str, Problem] = {}
    for each in topics:
        unread.update(each.unread)
    return unread
