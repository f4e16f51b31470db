"""Runs that fail after every few resources, under the real engine: the runs after them work.

tests/infra/test_stopped_runs.py tries every single resource, without the engine.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from localaws.mocks.urns import STACK
from tests.engine.gateway import MESSAGE, failing_after
from tests.engine.requests import over_tls, page
from tests.engine.stack import WITHOUT_ASKING, settings

if TYPE_CHECKING:
    from tests.engine.stack import Stack

STEP = 12
PROFILE: dict[str, Any] = {
    "network": "nat-per-zone",
    "dualStack": "true",
    "flowLogs": "all",
    "ecsExec": "false",
    "domain": "app.example.test",
    "hostedZone": "example.test",
}

ROUTES = {
    "NatGateway": 2,
    "Eip": 2,
    "EgressOnlyInternetGateway": 1,
    "FlowLog": 1,
    "VpcEndpoint": 0,
}
"""How many it has of what gives private tasks their routes to AWS."""


def test_an_up_and_a_destroy_that_fail_again_and_again_are_completed(empty_stack: Stack) -> None:
    stack = empty_stack
    stack.run("stack", "ls")
    stops = 0
    while is_stopped(stack, "up", preview=stops > 0):
        stops += 1
    assert stops > 3, "it was stopped too seldom for what this shows"
    stack.needs_nothing(**PROFILE)
    deployed = count_of_aws(stack)
    while True:
        assert is_stopped(stack, "destroy"), "it deleted too much for what this shows"
        if count_of_aws(stack) <= deployed / 2:
            break
        stack.run("preview", "--non-interactive", *settings(PROFILE))
    stack.up(**PROFILE)
    stack.needs_nothing(**PROFILE)
    kinds = Counter(each["type"].rpartition(":")[2] for each in stack.resources())
    assert {kind: kinds[kind] for kind in ROUTES} == ROUTES
    url = over_tls(stack.outputs()["albDns"])
    assert "Hello from ip-10-0-" in page(url, host=PROFILE["domain"]).text
    stack.destroy()
    assert {each["type"] for each in stack.resources()} <= {STACK}


def is_stopped(stack: Stack, command: str, *, preview: bool = False) -> bool:
    """Run a command whose provider soon fails, and return whether that stopped it.

    Args:
        stack: The stack.
        command: The command.
        preview: Whether it begins with a preview, which must succeed.
    """
    arguments = ("--yes", "--non-interactive") if preview else WITHOUT_ASKING
    with failing_after(stack, STEP):
        run = stack.attempt(command, *arguments, *settings(PROFILE))
    assert (run.returncode != 0) is (MESSAGE in run.stdout), run.stdout
    return run.returncode != 0


def count_of_aws(stack: Stack) -> int:
    """Count the AWS resources in the state."""
    return sum(each["type"].startswith("aws:") for each in stack.resources())
