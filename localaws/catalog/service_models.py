"""The constraints in the API models of AWS's services, for the inputs of each type.

`make models` writes the table from botocore, which contains the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def limits() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Return constraints (`type`, `enum`, `min`, `max`, `pattern`), by type and input path."""
    return _part("limits")


def required() -> Mapping[str, Sequence[str]]:
    """Return, by type, the paths of inputs that its calls require and pulumi-aws doesn't."""
    return _part("required")


def required_besides() -> Mapping[str, Sequence[str]]:
    """Return, by type, members that its calls require and that have no input of the same name."""
    return _part("requiredBesides")


def members() -> Mapping[str, Sequence[str]]:
    """Return, by type, the members of its JSON input."""
    return _part("members")


def _part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = table("service_models")[name]
    return found
