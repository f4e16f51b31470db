"""Names for what the program leaves unnamed, as Pulumi's providers make them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from localaws.catalog import Refusal, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog import ResourceType

DEFAULTS = "__defaults"
"""The input under which Pulumi's providers remember which inputs they filled in themselves."""

_SUFFIX_DIGITS = 7


def named(
    kind: ResourceType,
    logical_name: str,
    inputs: Mapping[str, Any],
    old: Mapping[str, Any],
    seed: bytes,
) -> dict[str, Any]:
    """The inputs, with a name filled in where the type has one and the program gave none.

    A name once made stays until the resource is replaced; the engine then asks again without `old`.

    Raises:
        Refused: The name would be longer than the type allows; Pulumi never shortens one.
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
