"""The whole program under the real engine, with real processes behind a real proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.key_service import PROVIDER
from tests.engine.stack import WITHOUT_ASKING, operations
from tests.engine.status import status_of
from tests.engine.traffic import PAUSE_SECONDS, Traffic, tasks

if TYPE_CHECKING:
    from tests.engine.stack import Stack


def test_the_deployed_service_passes_verification_by_the_documented_pipeline(stack: Stack) -> None:
    run = stack.shell("pulumi-local stack output albDns | verify --expect-tasks 2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2" in run.stdout


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    assert set(operations(stack.up("--expect-no-changes"))) == {"unchanged"}


def test_a_refresh_of_what_is_there_changes_nothing(stack: Stack) -> None:
    stack.run("refresh", *WITHOUT_ASKING, "--expect-no-changes")


def test_scaling_out_updates_the_service_and_nothing_else(stack: Stack) -> None:
    done = operations(stack.up(desiredCount=3))
    assert done["updated"] == 1
    assert not done["created"] + done["replaced"] + done["deleted"]
    assert len(tasks(stack.outputs()["serviceUrl"])) == 3


def test_a_new_task_definition_rolls_out_under_traffic_without_a_failed_request(
    stack: Stack,
) -> None:
    """It scales in as well, after the test before."""
    url = stack.outputs()["serviceUrl"]
    before = tasks(url)
    traffic = Traffic(url)
    # Runs take two seconds, just enough for 50 requests with the usual pause.
    traffic.pause = PAUSE_SECONDS / 3
    with traffic:
        done = operations(stack.up(memoryMib=1024))
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert traffic.answers["200"] > 50
    assert done["replaced"] == 1, "a task definition's new revision is a replacement"
    after = tasks(url)
    assert not before & after, "old tasks still answer"
    assert len(after) == 2


def test_what_tests_read_of_the_state_is_what_the_cli_prints(stack: Stack) -> None:
    assert json.loads(stack.run("stack", "output", "--json")) == stack.outputs()
    exported = json.loads(stack.run("stack", "export"))["deployment"]["resources"]
    assert exported == stack.resources()


def test_the_key_of_the_secrets_is_the_key_services(stack: Stack) -> None:
    latest = json.loads(stack.state.file.read_text())["checkpoint"]["latest"]
    assert latest["secrets_providers"] == PROVIDER


@pytest.mark.parametrize("name", ["dev", "prod", "ec2"])
def test_each_stack_for_aws_is_previewed_without_an_account(stack: Stack, name: str) -> None:
    before = (stack.project / f"Pulumi.{name}.yaml").read_text()
    output = stack.run("preview", "--stack", name, "--non-interactive")
    assert "to create" in output
    assert (stack.project / f"Pulumi.{name}.yaml").read_text() == before, (
        "the stack's file was changed"
    )


def test_destroy_leaves_nothing_but_log_groups_and_up_adopts_them(stack: Stack) -> None:
    ids = {each["id"] for each in stack.resources() if each["type"].startswith("aws:")}
    stack.destroy()
    # Tests of other files may have left more, such as the bucket of an access log.
    left = [each.token for each in stack.made() if each.id in ids]
    assert left == 2 * ["aws:cloudwatch/logGroup:LogGroup"]
    status = status_of(stack)
    assert (status["services"], status["loadBalancers"], status["problems"]) == ([], [], [])
    output = stack.up()
    assert operations(output)["imported"] == 2
    assert len(tasks(stack.outputs()["serviceUrl"])) == 2
    assert set(operations(stack.up("--expect-no-changes"))) == {"unchanged"}
