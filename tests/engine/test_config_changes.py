"""Configuration changes under the real engine do what the manual documents, without a deadlock.

A run takes seconds, so keys share one where the effect of each stays visible: those that change
different resources, and those that do the same to a resource, as the engine names the inputs that
changed. Stacks that these keys need share a deployment where one can have all that they need.
tests/infra/test_config_changes.py looks at each key by itself.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.requests import over_tls, page
from tests.engine.stack import Stack, operations_on_types, token_of
from tests.engine.traffic import Traffic
from tests.infra.changes import (
    EXAMPLES,
    REFUSED,
    as_documented,
    promised,
)
from tests.infra.effects import configuration, effect, types_and_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


DEPLOYED = {
    "plain": ("plain",),
    "hardened, scaled and alarmed": ("hardened", "scaled", "alarmed"),
    "named": ("named",),
}
"""Which of the STACKS one deployment is.

Of a stack with a built image, which needs a builder, test_built_image.py has the changes. Those
with other capacity are tried under mocks (tests/infra/test_config_changes.py), and so are those
with a log router, which runs in containers only, and with a proxy, at whose port nothing listens.
"""

TOO_MANY = {"query"}
"""A key that can't change with those of the same effect: a rule has five kinds of conditions."""

DECIDE_ON_A_ROLE = {"ecsExec", "taskPolicyStatements"}
"""The role of the tasks exists if either needs it; the change of the first removes it."""

ONLY_PREVIEWED = {
    "targetProtocol",  # what runs here speaks HTTP/1.1 only
    "ingressContainer",  # nothing listens at the sidecar's port here
    "alarmTopicArn",  # it excludes the recipients of the stack's own topic
}
"""Keys that don't change under traffic."""

HIDES_OTHERS = {"hostRecords"}
"""A key that removes what others of its stack change: all keys of that stack are previewed too."""


class Clients(Traffic):
    """Requests over TLS, which tasks answer, and without it, which are redirected."""

    def __init__(self, dns_name: str, host: str) -> None:
        super().__init__(over_tls(dns_name), host=host)
        self._redirected = f"http://{dns_name}"

    def lanes(self) -> tuple[Callable[[], int], ...]:
        return *super().lanes(), lambda: page(self._redirected, host=self.host).status


def keys_of(name: str) -> set[str]:
    """Return the keys that can change on a deployment."""
    return {key for key, example in EXAMPLES.items() if example.on in DEPLOYED[name]} - REFUSED


def changed_at_once(name: str) -> set[str]:
    """Return the keys that change on a deployment under traffic."""
    return set() if name == "plain" else keys_of(name) - ONLY_PREVIEWED


def check_at_once(name: str) -> bool:
    """Whether the effect of each key is visible where all change at once."""
    return not changed_at_once(name) & HIDES_OTHERS


def only_previewed(name: str) -> set[str]:
    """Return the keys whose effects no change under traffic shows."""
    return keys_of(name) - changed_at_once(name) if check_at_once(name) else keys_of(name)


def groups(keys: Iterable[str]) -> list[list[str]]:
    """Group keys that can change together while the effect of each stays visible."""
    found: list[list[str]] = []
    for key in sorted(keys, key=lambda each: (-len(effect(each).operations), each)):
        for group in found:
            if not any(hides(key, other) for other in group):
                group.append(key)
                break
        else:
            found.append([key])
    return found


def hides(key: str, other: str) -> bool:
    """Whether one of two keys that change together could hide what the other does."""
    if {key, other} == DECIDE_ON_A_ROLE:
        return True
    alike = promised(key) == promised(other) and not {key, other} & TOO_MANY
    first, second = effect(key).operations, effect(other).operations
    for resource in first.keys() & second.keys():
        if first[resource] != second[resource]:
            return True
        if first[resource] in {"create", "delete"} and not alike:
            return True
    return False


def check(keys: list[str], steps: list[dict[str, Any]]) -> None:
    """Check that the engine does to each resource what the keys of a group do, and no more."""
    done = operations_on_types(steps)
    assert done == set().union(*map(promised, keys)), as_documented(done)
    operations: dict[str, str] = {}
    inputs: set[tuple[str, str]] = set()
    for step in steps:
        if token_of(step["urn"]).startswith("aws:"):
            resource = types_and_name(step["urn"])
            operations[resource] = step["op"]
            inputs.update((resource, name) for name in step.get("diffReasons") or ())
    unseen = {key: left for key in keys if (left := effect(key).inputs - inputs)}
    assert not unseen, "inputs that these keys change, and whose change the engine doesn't notice"
    assert operations == effect(*keys).operations


@pytest.fixture(scope="module")
def stacks(
    new_stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Stack]]:
    """A function that gives one of the stacks, deployed."""
    made: list[Stack] = []

    @cache
    def deployed(name: str) -> Stack:
        if name == "plain":
            return new_stack
        made.append(Stack(tmp_path_factory.mktemp("state")))
        made[-1].up(**configuration(*DEPLOYED[name]))
        return made[-1]

    yield deployed
    for each in made:
        each.run("stop")


@pytest.mark.parametrize("name", [each for each in DEPLOYED if only_previewed(each)])
def test_a_preview_shows_what_the_manual_says(stacks: Callable[[str], Stack], name: str) -> None:
    for group in groups(only_previewed(name)):
        changes = {key: EXAMPLES[key].value for key in group}
        check(group, stacks(name).steps(**configuration(*DEPLOYED[name]) | changes))


@pytest.mark.parametrize("name", [each for each in DEPLOYED if changed_at_once(each)])
def test_keys_that_ask_for_others_change_at_once_and_back_without_a_failed_request(
    stacks: Callable[[str], Stack], name: str
) -> None:
    """The engine does what the manual says, as in the test above."""
    given, stack = configuration(*DEPLOYED[name]), stacks(name)
    keys = changed_at_once(name)
    changed = given | {key: EXAMPLES[key].value for key in keys}
    (host,) = given.get("hosts", [""])
    with Clients(stack.outputs()["albDns"], host) as traffic:
        if check_at_once(name):
            # These are also all steps, so the original configuration needed nothing.
            (group,) = groups(keys)
            check(group, stack.up_steps(**changed))
        else:
            stack.up(**changed)
        stack.needs_nothing(**changed)
        stack.up(**given)
    assert set(traffic.answers) == {"200", "301"}, traffic.answers


def test_what_no_running_stack_takes_is_refused_before_anything_changes(
    stacks: Callable[[str], Stack],
) -> None:
    stack = stacks("plain")
    # The second is about the subnets of a VPC that keeps its range.
    for keys in ({"vpcCidr"}, REFUSED - {"vpcCidr"}):
        refusal = stack.up(**{key: EXAMPLES[key].value for key in keys}, fails=True)
        assert "The stack's configuration can't be deployed" in refusal
        assert {*re.findall(r"^ *- (\w+): ", refusal, re.MULTILINE)} == keys
    stack.up("--expect-no-changes")
