"""Names for resources that the program doesn't name, generated as Pulumi's providers do."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from localaws.catalog import Refusal, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog import ResourceType

DEFAULTS = "__defaults"
"""The input in which Pulumi's providers list the inputs that they filled in themselves."""

_SUFFIX_DIGITS = 7


def with_name(
    kind: ResourceType,
    logical_name: str,
    inputs: Mapping[str, Any],
    old: Mapping[str, Any],
    seed: bytes,
) -> dict[str, Any]:
    """Return the inputs, with a generated name if the type has a name and the program sets none.

    Args:
        kind: The resource's type.
        logical_name: The resource's name in the program.
        inputs: The program's inputs.
        old: The inputs of the resource as it exists; empty for a new resource or a replacement. A
            name that was generated before is kept.
        seed: Determines the random part of a new name.

    Raises:
        Refused: The name would be longer than the type allows; Pulumi never shortens a name.
    """
    rule = kind.autoname
    if rule is None or rule.property in inputs or f"{rule.property}Prefix" in inputs:
        return {**inputs, DEFAULTS: []}
    if rule.property in old.get(DEFAULTS, ()):
        name = old[rule.property]
    else:
        name = f"{logical_name}-{hashlib.sha256(seed).hexdigest()[:_SUFFIX_DIGITS]}"
        name = name.lower() if rule.lower else name
    if len(name) > rule.longest:
        raise Refused(
            Refusal(
                "InvalidArgument",
                f"could not make instance of '{kind.token}': name '{logical_name}-' plus "
                f"{_SUFFIX_DIGITS} random chars"
                f" is longer than maximum length {rule.longest}",
                "name.auto",
                rule.property,
            )
        )
    return {**inputs, rule.property: name, DEFAULTS: [rule.property]}
