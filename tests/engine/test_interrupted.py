"""Runs that end halfway by Ctrl-C, and the run after them that completes their work.

Those that end because a step fails: test_stopped_runs.py.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.requests import get
from tests.engine.service import SERVICE, get_service
from tests.engine.stack import WITHOUT_ASKING, Stack, cloud_and_engine_agree
from tests.engine.traffic import Traffic, tasks
from tests.engine.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for these tests only, as they damage its state."""
    stack = Stack(tmp_path_factory.mktemp("state"), passphrase=True)
    yield stack
    stack.run("stop")


@pytest.fixture
def stack(own_stack: Stack) -> Stack:
    """The same stack, deployed: by the first test, if that has run."""
    if not own_stack.state.runs():
        own_stack.up()
    return own_stack


def exists(stack: Stack, token: str) -> int:
    """Return the number of resources of a type in the cloud."""
    return len(stack.made_of(token))


def interrupt(
    stack: Stack, command: str, *options: str, when: Callable[[], bool], **start: Any
) -> None:
    """Start a run, and send it Ctrl-C as a terminal does, as soon as something holds."""
    run = stack.start(command, *WITHOUT_ASKING, *options, process_group=0, **start)
    try:
        eventually(when, f"the moment to interrupt `{command}`", seconds=120)
        os.killpg(run.pid, signal.SIGINT)
        output, _ = run.communicate(timeout=120)
    finally:
        run.kill()
    # Not the exit code: an engine that is cancelled between two steps of a `destroy` calls that a
    # success.
    assert "^C received" in output
    assert not stack.own_frames(output)


def answers(stack: Stack) -> int:
    return get(stack.outputs()["serviceUrl"]).status_code


def kill_while_creating(stack: Stack, **start: Any) -> None:
    """Start to deploy, and kill the CLI while it creates the service."""
    run = stack.start("up", *WITHOUT_ASKING, **start)
    eventually(lambda: exists(stack, SERVICE) > 0, "a service", seconds=120)
    run.kill()
    run.communicate(timeout=120)


def test_a_killed_run_leaves_a_lock_and_a_destroy_or_an_up_after_it_needs_no_other_run(
    own_stack: Stack,
) -> None:
    kill_while_creating(own_stack)
    refused = own_stack.up(fails=True)
    assert "the stack is currently locked" in refused
    assert "a run that was killed has left the stack locked: `pulumi-local cancel --yes" in refused
    own_stack.run("cancel", "--yes")
    output = own_stack.destroy()
    assert "trying again" not in output, "what the killed run left was in the way"
    assert exists(own_stack, SERVICE) == exists(own_stack, "aws:ec2/vpc:Vpc") == 0
    with own_stack.with_host(("up",)) as variables:
        kill_while_creating(own_stack, env=variables)
    own_stack.run("cancel", "--yes")
    output = own_stack.up()
    assert (
        "an earlier run was killed while it created web: it is removed, and the next "
        "`up` makes it anew"
    ) in output
    assert "pending operations" not in output
    assert cloud_and_engine_agree(own_stack)
    assert exists(own_stack, SERVICE) == 1
    assert answers(own_stack) == 200
    own_stack.needs_nothing()


def test_a_state_that_a_full_disk_damaged_is_restored_and_nothing_is_made_twice(
    stack: Stack,
) -> None:
    file = stack.state.file
    before = stack.resources()
    file.write_text(file.read_text()[:1000])
    output = stack.run("refresh", *WITHOUT_ASKING)
    assert "its last backup (local.json.bak) took its place" in output
    stack.up()
    assert {each["urn"]: each.get("id") for each in stack.resources()} == {
        each["urn"]: each.get("id") for each in before
    }
    stack.needs_nothing()


def test_ctrl_c_while_updating_loses_no_request_then_or_later(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    before = tasks(url)
    with Traffic(url) as traffic:
        # The old revision goes when the service has left it, so two of them mean that the service
        # is rolling out.
        interrupt(
            stack,
            "up",
            "-c",
            "fargate-web:memoryMib=1024",
            when=lambda: exists(stack, TASK_DEFINITION) == 2,
        )
        stack.up(memoryMib=1024)
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert not before & tasks(url), "old tasks still answer"
    assert exists(stack, TASK_DEFINITION) == 1
    assert cloud_and_engine_agree(stack)
    stack.needs_nothing(memoryMib=1024)


def test_ctrl_c_while_destroying_and_while_creating_again(stack: Stack) -> None:
    interrupt(
        stack,
        "destroy",
        when=lambda: not exists(stack, LISTENER_RULE) or not exists(stack, SERVICE),
    )
    assert exists(stack, "aws:ec2/vpc:Vpc"), "it was interrupted too late for what this shows"
    stack.destroy()
    assert [each.token for each in stack.made()] == 2 * ["aws:cloudwatch/logGroup:LogGroup"]
    with stack.with_host(("up",)) as variables:
        interrupt(
            stack,
            "up",
            when=lambda: exists(stack, "aws:lb/loadBalancer:LoadBalancer") > 0,
            env=variables,
        )
    assert not exists(stack, SERVICE), "it was interrupted too late for what this shows"
    with stack.with_host(("up",)) as variables:
        interrupt(stack, "up", when=lambda: exists(stack, SERVICE) > 0, env=variables)
    stack.up()
    assert cloud_and_engine_agree(stack)
    assert answers(stack) == 200
    stack.needs_nothing()


def test_a_service_whose_deletion_was_interrupted_serves_again_after_the_next_up(
    stack: Stack,
) -> None:
    (service,) = stack.resources_of(SERVICE)
    arn = service["id"]
    interrupt(stack, "destroy", when=lambda: get_service(stack, arn)["desiredCount"] == 0)
    assert exists(stack, SERVICE), "it was interrupted too late for what this shows"
    stack.up()
    assert answers(stack) == 200
    assert cloud_and_engine_agree(stack)
