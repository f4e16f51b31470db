"""Configuration changes under the real engine do what the manual documents, without a deadlock.

A preview takes seconds, so keys share one where the effect of each stays visible: those that touch
different types, and those with the same effect, as the engine names the inputs that changed.
tests/infra/test_config_changes.py looks at each key by itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from localaws.mocks import word
from tests.engine.stack import Stack
from tests.engine.traffic import Traffic
from tests.infra import recorder
from tests.infra.changes import (
    EXAMPLES,
    REFUSED,
    STACKS,
    as_documented,
    promised,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ON_PROCESSES = STACKS.keys() - {
    *("built", "spot", "instances"),
    *("fronted", "routed", "routed-beside"),
}
"""Of a stack with a built image, which needs a builder, test_built_image.py has the changes. Those
with other capacity are tried under mocks (tests/infra/test_config_changes.py), and so are those
with a log router, which runs in containers only, and with a proxy, at whose port nothing listens.
"""


APART = {"query"}
"""Keys that can't change together with all others: a rule has five kinds of conditions at most."""


def groups() -> Iterator[tuple[str, list[str]]]:
    """Group keys that can change together on a stack while the effect of each stays visible."""
    found: list[tuple[str, list[str], set[str]]] = []
    keys_tried = {key for key, example in EXAMPLES.items() if example.on in ON_PROCESSES}
    for key in sorted(keys_tried - REFUSED, key=lambda each: (-len(promised(each)), each)):
        types = {kind for _, kind in promised(key)}
        for on, keys, taken in found:
            if on == EXAMPLES[key].on and (not types & taken or joins(key, keys)):
                keys.append(key)
                taken.update(types)
                break
        else:
            found.append((EXAMPLES[key].on, [key], types))
    return ((on, keys) for on, keys, _ in found)


def joins(key: str, keys: list[str]) -> bool:
    """Whether a key has the effect of another one, and can change together with it."""
    if key in APART:
        return False
    return any(promised(key) == promised(other) for other in keys)


@cache
def without_engine(stack: str) -> recorder.Recording:
    """A stack under mocks, before a change."""
    return recorder.run("dev", **STACKS[stack])


def changed_inputs(key: str) -> set[tuple[str, str]]:
    """Return which inputs of existing resources a key changes, by type, under mocks."""
    stack = EXAMPLES[key].on
    before = {each.urn: each for each in without_engine(stack).registered}
    changed = recorder.run(
        "dev", after=without_engine(stack), **STACKS[stack] | {key: EXAMPLES[key].value}
    )
    found = set()
    for each in changed.registered:
        if each.urn not in before or changed.operations.get(each.urn, "same") == "same":
            continue
        earlier = before[each.urn].inputs
        for name in earlier.keys() | each.inputs.keys():
            if earlier.get(name) != each.inputs.get(name):
                found.add((word(each.type), name))
    return found


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
    config = STACKS[on] | {key: EXAMPLES[key].value for key in keys}
    done: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    for step in stacks(on).steps(**config):
        token = step["urn"].split("::")[2].rpartition("$")[2]
        if token.startswith("aws:"):
            done.add((step["op"], word(token)))
            seen.update((word(token), name) for name in step.get("diffReasons") or ())
    assert done == set().union(*map(promised, keys)), as_documented(done)
    unseen = {key: left for key in keys if (left := changed_inputs(key) - seen)}
    assert not unseen, "inputs that these keys change, and whose change the engine doesn't notice"


@pytest.mark.parametrize("name", sorted(ON_PROCESSES - {"plain"}))
def test_keys_that_ask_for_others_change_at_once_and_back_without_a_failed_request(
    stacks: Callable[[str], Stack], name: str
) -> None:
    given, stack = STACKS[name], stacks(name)
    changed = {key: example.value for key, example in EXAMPLES.items() if example.on == name}
    changed.pop("targetProtocol", None)  # what runs here speaks HTTP/1.1 only
    changed.pop("ingressContainer", None)  # nothing listens at the sidecar's port here
    changed.pop("alarmTopicArn", None)  # it excludes the recipients of the stack's own topic
    with Traffic(f"http://{stack.outputs()['albDns']}") as traffic:
        stack.up(**given | changed)
        stack.needs_nothing(**given | changed)
        # The previews of single keys show that the original configuration needs nothing.
        stack.up(**given)
    answer = "301" if "certificateArn" in given or "domain" in given else "200"
    assert set(traffic.answers) == {answer}, traffic.answers


def test_what_no_running_stack_takes_is_refused_before_anything_changes(
    stacks: Callable[[str], Stack],
) -> None:
    stack = stacks("plain")
    for key in sorted(REFUSED):
        assert "The stack's configuration can't be deployed" in stack.up(
            **{key: EXAMPLES[key].value}, fails=True
        )
    stack.needs_nothing()
