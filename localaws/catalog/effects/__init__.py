"""The effect of each input in the local AWS, beyond rules and lookups.

The inputs of every type are in the tables of `Effects`, or the type is in `ONLY_RECORDED`; a test
checks that none is missing. Nothing else about a type changes with its entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localaws.catalog import CATALOG
from localaws.catalog.ecs.container_definitions import TASK_DEFINITION
from localaws.catalog.effects import (
    alarms,
    ecs,
    instances,
    load_balancing,
    network,
    parameters,
)
from localaws.catalog.properties import values_at
from localaws.catalog.values import parsed

if TYPE_CHECKING:
    from localaws.catalog.effects.model import Effects
    from localaws.catalog.properties import Properties

DOCUMENTS: Mapping[str, str] = {TASK_DEFINITION: "containerDefinitions"}
"""Inputs that are JSON text. Paths go on inside, because their members have different effects."""

EFFECTS: Mapping[str, Effects] = {
    **load_balancing.EFFECTS,
    **ecs.EFFECTS,
    **instances.EFFECTS,
    **network.EFFECTS,
    **alarms.EFFECTS,
    **parameters.EFFECTS,
}
"""The effects of the inputs, by type."""

ONLY_RECORDED: Mapping[str, str] = {
    token: kind.only_recorded for token, kind in CATALOG.items() if kind.only_recorded
}
"""Types whose resources are only recorded, and why; no run warns about their inputs."""


def without_effect(token: str, inputs: Properties) -> list[str]:
    """Return the paths of a resource's inputs that would have an effect on AWS, but not here."""
    if token not in EFFECTS:
        return []
    values: dict[str, Any] = dict(inputs)
    if token in DOCUMENTS:
        document = DOCUMENTS[token]
        values[document] = parsed(inputs.get(document))
    found = []
    for path, harmless in EFFECTS[token].without_effect.items():
        for value in values_at(values, path):
            if _has_effect_on_aws(value) and value not in harmless:
                found.append(path)
                break
    return found


def _has_effect_on_aws(value: object) -> bool:
    """Return whether a value isn't empty, and isn't a block that is switched off."""
    if isinstance(value, Mapping):
        return not (value.get("enabled") is False or value.get("enable") is False)
    return value not in (None, "", [])
