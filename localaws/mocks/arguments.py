"""Mistakes in a resource's arguments that Pulumi's SDK doesn't report."""

from __future__ import annotations

import difflib
import sys
import typing
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import _types as sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT_OF_AN_OUTPUT = ("Calling __str__ on an Output", "<pulumi.output.Output object at ")


def mistakes(token: str, inputs: dict[str, Any]) -> Iterator[str]:
    """Yield a message for each unknown nested argument, and each Output formatted into a text."""
    yield from formatted_outputs(inputs)
    arguments = arguments_of(token)
    if arguments is not None:
        yield from _unknown_names(inputs, arguments, "")


def formatted_outputs(values: dict[str, Any]) -> Iterator[str]:
    """Yield a message for each text, in inputs or outputs, that has an Output's description."""
    for path, text in _texts(values, ""):
        if any(each in text for each in _TEXT_OF_AN_OUTPUT):
            yield (
                f"{path} holds the description of an Output instead of its value; use "
                "Output.concat, format or apply"
            )


@cache
def arguments_of(token: str) -> type | None:
    """Return the SDK's class of a type's arguments; None for the program's components."""
    classes: list[type] = [
        *pulumi.CustomResource.__subclasses__(),
        *pulumi.ComponentResource.__subclasses__(),
    ]
    for cls in classes:
        if getattr(cls, "pulumi_type", "") == token:
            module = vars(sys.modules[cls.__module__])
            name = cls.__name__
            # If a nested type has the usual name (`BucketVersioningArgs`), the class of the
            # resource's arguments is called `BucketVersioningInitArgs`.
            found: type | None = module.get(f"{name}InitArgs", module.get(f"{name}Args"))
            return found
    return None


def _unknown_names(value: object, kind: Any, path: str) -> Iterator[str]:
    """Yield a message for each name in a value that isn't an argument of its type."""
    kind = sdk.unwrap_type(kind)
    match value:
        case list() if inner := typing.get_args(kind):
            for number, each in enumerate(value):
                yield from _unknown_names(each, inner[0], f"{path}[{number}]")
        case dict() if isinstance(kind, type) and sdk.is_input_type(kind):
            types = _fields(kind)
            for name, each in value.items():
                argument_path = f"{path}.{name}".removeprefix(".")
                if name in types:
                    yield from _unknown_names(each, types[name], argument_path)
                else:
                    close = difflib.get_close_matches(name, types, n=1)
                    hint = (
                        f"perhaps {close[0]}" if close else f"there are {', '.join(sorted(types))}"
                    )
                    owner = kind.__name__.removesuffix("Args")
                    yield f"{argument_path} is no argument of {owner}; {hint}"


@cache
def _fields(kind: type) -> dict[str, Any]:
    """Return the types of a class's arguments, by camelCase name."""
    return dict(sdk.input_type_types(kind))


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, each in value.items():
                yield from _texts(each, f"{path}.{name}".removeprefix("."))
        case list():
            for number, each in enumerate(value):
                yield from _texts(each, f"{path}[{number}]")
