"""Conversion between Pulumi's wire form of properties and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

from localaws.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's form of an unknown value; a test compares it with `pulumi.runtime.rpc.UNKNOWN`."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET, _RESOURCE = "1b47061264138c4ac30d75fd1eb44270", "5cf8f73096256a8f31e491e813e4eb8e"
"""On the wire, a secret or a resource is a map in which `_SIGNATURE` has one of these values."""


def from_wire(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a message's properties as plain values; an unknown one is `UNKNOWN`."""
    fields = struct.fields
    # A message's map makes an iterator in Python for `items`.
    return {key: _plain(fields[key]) for key in fields}


def to_wire(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return plain values as a message's properties."""
    struct = struct_pb2.Struct()
    struct.update(_wire(dict(values)))
    return struct


def reference(urn: str, identifier: object, version: str) -> dict[str, Any]:
    """Return a resource of a provider's `version` as an output's value; its id may be `UNKNOWN`."""
    return {_SIGNATURE: _RESOURCE, "urn": urn, "id": identifier, "packageVersion": version}


def is_reference(value: object) -> bool:
    """Return whether a value is a wrapped resource."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _RESOURCE


def is_secret(value: object) -> bool:
    """Return whether a value is a wrapped secret."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def secret(value: object) -> dict[str, Any]:
    """Wrap a value as a secret."""
    return {_SIGNATURE: _SECRET, "value": value}


def holds_secret(value: object) -> bool:
    """Return whether a value is a wrapped secret, or contains one."""
    if isinstance(value, dict):
        return is_secret(value) or any(map(holds_secret, value.values()))
    return isinstance(value, list) and any(map(holds_secret, value))


def unwrapped(value: Any) -> Any:
    """Replace wrapped secrets by their values, and wrapped resources by their ids, at any depth."""
    match value:
        case dict() if value.get(_SIGNATURE) == _SECRET:
            return unwrapped(value["value"])
        case dict() if value.get(_SIGNATURE) == _RESOURCE:
            return value.get("id") or UNKNOWN
        case dict():
            return {key: unwrapped(each) for key, each in value.items()}
        case list():
            return list(map(unwrapped, value))
    return value


def _plain(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):  # the most frequent kind first
        case "string_value":
            text = value.string_value
            return UNKNOWN if text == UNKNOWN_ON_THE_WIRE else text
        case "struct_value":
            return from_wire(value.struct_value)
        case "list_value":
            return list(map(_plain, value.list_value.values))
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
    return None


def _wire(value: Any) -> Any:
    match value:
        case dict():
            return {key: _wire(each) for key, each in value.items()}
        case list() | tuple():
            return list(map(_wire, value))
    return UNKNOWN_ON_THE_WIRE if value is UNKNOWN else value
