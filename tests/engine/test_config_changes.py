"""Configuration changes under the real engine do what the manual documents, without a deadlock.

A preview takes seconds, so keys that touch different types share one;
tests/infra/test_config_changes.py looks at each key by itself. What no running stack takes previews
well and fails when it is tried, so that is tried, on a stack of its own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.engine.stack import Stack
from tests.infra.changes import (
    ATTEMPTS,
    EXAMPLES,
    NO_WAY_BACK,
    STACKS,
    as_documented,
    documented,
    promised,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ON_PROCESSES = STACKS.keys() - {"built", "spot", "instances"}
"""Of a stack with a built image, which needs a builder, test_built_image.py has the changes. Those
with other capacity are tried under mocks (tests/infra/test_config_changes.py).
"""


def groups() -> Iterator[tuple[str, list[str]]]:
    """Group keys that can change together on a stack while the effect of each stays visible."""
    found: list[tuple[str, list[str], set[str]]] = []
    keys_tried = {key for key, example in EXAMPLES.items() if example.on in ON_PROCESSES}
    for key in sorted(keys_tried - ATTEMPTS.keys(), key=lambda each: (-len(promised(each)), each)):
        types = {kind for _, kind in promised(key)}
        for on, keys, taken in found:
            if on == EXAMPLES[key].on and not types & taken:
                keys.append(key)
                taken.update(types)
                break
        else:
            found.append((EXAMPLES[key].on, [key], types))
    return ((on, keys) for on, keys, _ in found)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    """A function that gives one of the stacks, deployed."""
    made = {name: Stack(tmp_path_factory.mktemp(name)) for name in ON_PROCESSES}

    @cache
    def deployed(name: str) -> Stack:
        made[name].up(**STACKS[name])
        return made[name]

    yield deployed
    for each in made.values():
        each.run("stop")


@pytest.mark.parametrize(
    ("on", "keys"), [pytest.param(on, keys, id="+".join(keys)) for on, keys in groups()]
)
def test_the_engine_does_to_each_resource_what_the_manual_says(
    stacks: Callable[[str], Stack], on: str, keys: list[str]
) -> None:
    done = stacks(on).preview(**STACKS[on] | {key: EXAMPLES[key].value for key in keys})
    assert done == set().union(*map(promised, keys)), as_documented(done)


def test_what_no_running_stack_takes_fails_and_can_be_taken_back_where_the_manual_says_so(
    empty_stack: Stack,
) -> None:
    empty_stack.up()
    for key in ATTEMPTS:
        empty_stack.up(**{key: EXAMPLES[key].value}, fails=True)
        empty_stack.up(fails=NO_WAY_BACK in documented()[key])
    empty_stack.destroy()
