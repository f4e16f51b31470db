"""As much of JSON Schema as the published schema uses; an unknown keyword is an error."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

PUBLISHED: Schema = json.loads(
    (Path(__file__).parents[2] / "docs" / "verify-report.schema.json").read_text(encoding="utf-8")
)
"""The schema of `--format json`."""

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "type"}


def violations(value: Any, schema: Schema, root: Schema, where: str = "$") -> Iterator[str]:
    """What is wrong with a value.

    A property that the schema doesn't name is wrong too: it would be undocumented.
    """
    if "type" in schema and not _is_of(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
        return
    for keyword, wanted in schema.items():
        if keyword not in _ANNOTATIONS:
            yield from _KEYWORDS[keyword](value, wanted, schema, root, where)


def _is_of(value: Any, name: str | list[str]) -> bool:
    if isinstance(name, list):
        return any(_is_of(value, each) for each in name)
    return isinstance(value, _TYPES[name]) and (name == "boolean") == isinstance(value, bool)


def _reference(value: Any, wanted: str, _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    yield from violations(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, where)


def _required(
    value: Any, wanted: list[str], _schema: Schema, _root: Schema, where: str
) -> Iterator[str]:
    yield from (f"{where}: {name} is missing" for name in wanted if name not in value)


def _properties(
    value: Any, wanted: dict[str, Schema], schema: Schema, root: Schema, where: str
) -> Iterator[str]:
    for name, inner in value.items():
        if name in wanted:
            yield from violations(inner, wanted[name], root, f"{where}.{name}")
        elif "additionalProperties" not in schema:
            yield f"{where}: {name} is undocumented"


def _additional(value: Any, wanted: Any, schema: Schema, root: Schema, where: str) -> Iterator[str]:
    for name, inner in value.items():
        if name not in schema.get("properties", {}):
            if wanted is False:
                yield f"{where}: {name} is not allowed"
                continue
            yield from violations(inner, wanted, root, f"{where}.{name}")


def _items(value: Any, wanted: Schema, _schema: Schema, root: Schema, where: str) -> Iterator[str]:
    for number, inner in enumerate(value):
        yield from violations(inner, wanted, root, f"{where}[{number}]")


def _any_of(
    value: Any, wanted: list[Schema], _schema: Schema, root: Schema, where: str
) -> Iterator[str]:
    if all(any(violations(value, each, root, where)) for each in wanted):
        yield f"{where}: {value!r} is none of the alternatives"


def _holds(words: str, check: Callable[[Any, Any], bool]) -> Callable[..., Iterator[str]]:
    def keyword(
        value: Any, wanted: Any, _schema: Schema, _root: Schema, where: str
    ) -> Iterator[str]:
        if not check(value, wanted):
            yield f"{where}: {value!r} is not {words} {wanted!r}"

    return keyword


_KEYWORDS: dict[str, Callable[..., Iterator[str]]] = {
    "$ref": _reference,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "const": _holds("", lambda value, wanted: bool(value == wanted)),
    "enum": _holds("one of", lambda value, wanted: value in wanted),
    "minimum": _holds("at least", lambda value, wanted: bool(value >= wanted)),
    "maximum": _holds("at most", lambda value, wanted: bool(value <= wanted)),
    "maxItems": _holds("no longer than", lambda value, wanted: len(value) <= wanted),
    "minLength": _holds("as long as", lambda value, wanted: len(value) >= wanted),
    "maxLength": _holds("no longer than", lambda value, wanted: len(value) <= wanted),
    "minItems": _holds("as long as", lambda value, wanted: len(value) >= wanted),
    "pattern": _holds("like", lambda value, wanted: re.search(wanted, value) is not None),
}
