"""What the API models of AWS's services require and forbid, for the inputs of each type.

`make models` writes the table from botocore, which ships the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def limits() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Return by type and input path: `type`, `enum`, `min`, `max`, `pattern`, `required`."""
    return _part("limits")


def required() -> Mapping[str, Sequence[str]]:
    """Return, by type, the inputs that its calls require and pulumi-aws doesn't."""
    return _part("required")


def required_besides() -> Mapping[str, Sequence[str]]:
    """Return, by type, members that its calls require and that match no input's name."""
    return _part("requiredBesides")


def members() -> Mapping[str, Sequence[str]]:
    """Return, by type, the members inside its input that is JSON."""
    return _part("members")


def _part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = table("service_models")[name]
    return found
