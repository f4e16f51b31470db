"""Pulumi's wire form of properties, to plain values and back; unknown ones are `UNKNOWN`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, struct_pb2

from localaws.catalog import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that isn't known yet; equal to `pulumi.runtime.rpc.UNKNOWN`, by
test.
"""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET, _RESOURCE = "1b47061264138c4ac30d75fd1eb44270", "5cf8f73096256a8f31e491e813e4eb8e"
"""How secrets and resources are wrapped on the wire: a map whose signature key holds one of these.
"""


def from_wire(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values of a message's properties."""
    return {key: _plain(value) for key, value in json_format.MessageToDict(struct).items()}


def to_wire(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The message for plain values."""
    struct = struct_pb2.Struct()
    struct.update({key: _wire(value) for key, value in values.items()})
    return struct


def reference(urn: str, identifier: object, version: str) -> dict[str, Any]:
    """A resource of a provider's `version` as the value of an output, with its id or `UNKNOWN`."""
    return {_SIGNATURE: _RESOURCE, "urn": urn, "id": identifier, "packageVersion": version}


def is_reference(value: object) -> bool:
    """Whether a value is a resource in its wrapper."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _RESOURCE


def is_secret(value: object) -> bool:
    """Whether a value is a secret in its wrapper."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def secret(value: object) -> dict[str, Any]:
    """A value in the wrapper of secrets."""
    return {_SIGNATURE: _SECRET, "value": value}


def holds_secret(value: object) -> bool:
    """Whether a value is a secret, or has one inside."""
    if isinstance(value, dict):
        return is_secret(value) or any(map(holds_secret, value.values()))
    return isinstance(value, list) and any(map(holds_secret, value))


def unwrapped(value: Any) -> Any:
    """Unwrap values for a provider that takes no wrappers: secrets, resource references."""
    match value:
        case dict() if value.get(_SIGNATURE) == _SECRET:
            return unwrapped(value["value"])
        case dict() if value.get(_SIGNATURE) == _RESOURCE:
            return value.get("id") or UNKNOWN
        case dict():
            return {key: unwrapped(each) for key, each in value.items()}
        case list():
            return [unwrapped(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case str() if value == UNKNOWN_ON_THE_WIRE:
            return UNKNOWN
    return value


def _wire(value: Any) -> Any:
    match value:
        case dict():
            return {key: _wire(each) for key, each in value.items()}
        case list() | tuple():
            return [_wire(each) for each in value]
    return UNKNOWN_ON_THE_WIRE if value is UNKNOWN else value
