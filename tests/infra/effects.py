"""The effects of changes of configuration keys under mocks, each once in a worker."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from localaws.mocks import word
from tests.infra import recorder
from tests.infra.changes import EXAMPLES, STACKS


class Effect(NamedTuple):
    """What a change does to AWS's resources."""

    done: set[tuple[str, str]]
    """Each operation with the last word of the type."""

    operations: dict[str, str]
    """The operation on each resource that changes, by its types and name."""

    inputs: set[tuple[str, str]]
    """The inputs of existing resources that change, with the last word of the type."""


@cache
def before(stack: str) -> recorder.Recording:
    """Return one of the STACKS before a change."""
    return recorder.run("dev", **STACKS[stack])


@cache
def effect(*keys: str) -> Effect:
    """Return the effect of the examples of keys of one stack, which change together."""
    (stack,) = {EXAMPLES[key].on for key in keys}
    config = STACKS[stack] | {key: EXAMPLES[key].value for key in keys}
    changed = recorder.run("dev", after=before(stack), **config)
    inputs_before = {each.urn: each.inputs for each in before(stack).registered}
    inputs: set[tuple[str, str]] = set()
    for each in changed.registered:
        if each.urn not in inputs_before or changed.operations.get(each.urn, "same") == "same":
            continue
        earlier = inputs_before[each.urn]
        for name in earlier.keys() | each.inputs.keys():
            if earlier.get(name) != each.inputs.get(name):
                inputs.add((word(each.type), name))
    operations = {
        types_and_name(urn): operation for urn, operation in recorder.changes(changed).items()
    }
    return Effect(changed.done(), operations, inputs)


def types_and_name(urn: str) -> str:
    """Return what a URN has after the stack and the project."""
    return urn.split("::", 2)[2]
