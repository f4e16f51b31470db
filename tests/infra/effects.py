"""The effects of changes of configuration keys under mocks, each once in a worker."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from tests.infra import recorder
from tests.infra.changes import EXAMPLES, STACKS


class Effect(NamedTuple):
    """What a change does to AWS's resources."""

    done: set[tuple[str, str]]
    """Each operation with the last word of the type."""

    operations: dict[str, str]
    """The operation on each resource that changes, by its types and name."""

    inputs: set[tuple[str, str]]
    """The inputs of existing resources that change, with the types and name of the resource."""


@cache
def before(*stacks: str) -> recorder.Recording:
    """Return one of the STACKS before a change, or one with the configuration of several."""
    return recorder.run("dev", **configuration(*stacks))


def configuration(*stacks: str) -> dict[str, Any]:
    """Return the configuration of one of the STACKS, or of several together."""
    config: dict[str, Any] = {}
    for stack in stacks:
        config |= STACKS[stack]
    return config


@cache
def effect(*keys: str) -> Effect:
    """Return the effect of the examples of keys, which change together on the stacks of all."""
    stacks = sorted({EXAMPLES[key].on for key in keys})
    config = configuration(*stacks) | {key: EXAMPLES[key].value for key in keys}
    changed = recorder.run("dev", after=before(*stacks), **config)
    inputs_before = {each.urn: each.inputs for each in before(*stacks).registered}
    inputs: set[tuple[str, str]] = set()
    for each in changed.registered:
        if each.urn not in inputs_before or changed.operations.get(each.urn, "same") == "same":
            continue
        earlier = inputs_before[each.urn]
        for name in earlier.keys() | each.inputs.keys():
            if earlier.get(name) != each.inputs.get(name):
                inputs.add((types_and_name(each.urn), name))
    operations = {
        types_and_name(urn): operation for urn, operation in recorder.changes(changed).items()
    }
    return Effect(changed.done(), operations, inputs)


def types_and_name(urn: str) -> str:
    """Return what a URN has after the stack and the project."""
    return urn.split("::", 2)[2]
