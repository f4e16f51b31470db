"""Changes of a running stack, there and back, with clients at work: no deadlock, and no request lost but as told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.engine.test_lifecycle import Traffic, operations, tasks
from tests.engine.test_rollback import MISSING
from tests.engine.test_watch import Outage
from tests.infra.changes import ATTEMPTS, EXAMPLES, STACKS, said

if TYPE_CHECKING:
    from tests.engine.stack import Stack

CUTS = {key for key, text in said().items() if "503 until" in text}
"""Keys whose change replaces what clients reach."""

GENTLE = {key for key, example in EXAMPLES.items() if example.on == "plain"} - CUTS - ATTEMPTS.keys() - {"dualStack"}
"""The keys that a stack as it is may change and change back; what speaks IPv6 stays so."""


@pytest.mark.parametrize("key", ["containerPort", "serviceName"])
def test_what_replaces_a_target_group_is_rehearsed_there_and_back(stack: Stack, key: str) -> None:
    """No deadlock, and 503 as the manual says, between the old target group's leaving and new tasks' first good check.

    A check every 5 s and tasks that start at once: seconds here, a minute or two on AWS.
    """
    assert "503 until the new tasks are healthy" in said()[key]
    url = stack.outputs()["serviceUrl"]
    for changed in ({key: EXAMPLES[key].value}, {}):
        before = tasks(url)
        with Outage(url) as outage:
            done = operations(stack.up(**changed))
        assert done["replaced"] + done["created"] > 1
        assert not before & tasks(url), "old tasks still answer"
        assert stack.outputs()["serviceUrl"] == url, "the load balancer stays"
        assert outage.bounds[1] < 15_000
    stack.needs_nothing()


def test_a_load_balancer_becomes_internal_and_public_again_and_a_run_that_fails_between_is_taken_back(
    stack: Stack,
) -> None:
    """The old load balancer leads to the old tasks until the new ones are healthy."""
    was = stack.outputs()["serviceUrl"]
    with Traffic(was) as traffic:
        stack.up("-c", f'fargate-web:secrets={{"APP_MESSAGE":"{MISSING}"}}', internal="true", fails=True)
        stack.up()
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert stack.outputs()["serviceUrl"] == was
    rehearsal: tuple[dict[str, Any], ...] = ({"internal": "true"}, {})
    for changed in rehearsal:
        stack.up(**changed)
        url = stack.outputs()["serviceUrl"]
        assert url != was
        assert len(tasks(url)) == 2
        with pytest.raises(httpx.ConnectError):
            httpx.get(was, timeout=5, trust_env=False)
        was = url
    stack.needs_nothing()


@pytest.mark.parametrize("keys", [GENTLE - {"ecsExec"}, {"ecsExec"}], ids=["most keys at once", "ecsExec"])
def test_what_the_manual_calls_gentle_changes_and_goes_back_without_a_failed_request(
    stack: Stack, keys: set[str]
) -> None:
    """The keys for Exec ask for it, so it goes by itself, and the role while tasks have it."""
    url = stack.outputs()["serviceUrl"]
    with Traffic(url) as traffic:
        for config in ({key: EXAMPLES[key].value for key in keys}, {}):
            before = tasks(url)
            stack.up(**config)
            assert not before & tasks(url), "old tasks still answer"
            stack.needs_nothing(**config)
    assert set(traffic.answers) == {"200"}, traffic.answers


@pytest.mark.parametrize("name", sorted(STACKS.keys() - {"plain"}))
def test_keys_that_ask_for_others_change_at_once_and_back_without_a_failed_request(
    empty_stack: Stack, name: str
) -> None:
    given = STACKS[name]
    empty_stack.up(**given)
    changed = {key: example.value for key, example in EXAMPLES.items() if example.on == name}
    with Traffic(f"http://{empty_stack.outputs()['albDns']}") as traffic:
        for config in (given | changed, given):
            empty_stack.up(**config)
            empty_stack.needs_nothing(**config)
    assert set(traffic.answers) == {"301"}, traffic.answers
