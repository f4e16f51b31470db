"""`pulumi up` reports why a deployment failed, and stays failed until that is fixed.

Under the real engine against the local AWS. What only AWS itself can show is listed in
docs/deployments.md.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from tests.engine.gateway import time_limit
from tests.engine.images import FOREIGN
from tests.engine.service import (
    MISSING_SECRET,
    SERVICE,
    TASK_DEFINITION,
    another_revision,
    change_service,
    console,
    create_missing_key,
    of_type,
    server,
    service_of,
)
from tests.engine.stack import cloud_and_engine_agree, runs_containers, settings
from tests.engine.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack

SECRET = "aws:secretsmanager/secret:Secret"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
MISSING_KEY = "likely cause: The secret isn't a JSON object with the key that `secrets` names."
NOT_AS_ASKED = "local-web doesn't run what this stack requested"


def container(*command: str) -> list[str]:
    """Configuration of an image that the local AWS runs with the command that it is given."""
    return settings({"image": "python:3", "command": list(command)})


@contextmanager
def the_missing_key(stack: Stack) -> Iterator[None]:
    """Give the secret the missing key until the block ends."""
    made = create_missing_key(stack)
    try:
        yield
    finally:
        urn = f"urn:pulumi:console::console::{SECRET}::settings"
        with console(stack) as aws:
            aws.Delete(provider_pb2.DeleteRequest(urn=urn, id=made))


def test_what_was_rolled_back_stays_failed_until_its_cause_is_fixed_and_up_refreshes(
    stack: Stack,
) -> None:
    """Clients notice none of it."""
    before = service_of(stack)["taskDefinition"]
    with Traffic(stack.outputs()["serviceUrl"]) as traffic:
        started = time.monotonic()
        output = stack.up(*MISSING_SECRET, fails=True)
        took = time.monotonic() - started
        rolled_back = service_of(stack)
        arn = of_type(stack, TASK_DEFINITION)["outputs"]["arn"]
        with the_missing_key(stack):
            # The engine lets the provider finish what it noted as half done, which deploys nothing.
            second = stack.up(*MISSING_SECRET, fails=True)
        # The provider knows by now what runs, and tries again.
        third = stack.up(*MISSING_SECRET, fails=True)
        stack.run("preview", "--non-interactive", *MISSING_SECRET)
        with the_missing_key(stack):
            stack.up("--refresh", *MISSING_SECRET)
            assert service_of(stack)["taskDefinition"] == arn
        stack.up()
    assert set(traffic.answers) == {"200"}, traffic.answers
    for each in (output, second, third):
        assert f"wanted:  {arn.rpartition('/')[2]}" in each
        assert f"running: {before.rpartition('/')[2]}" in each
        assert MISSING_KEY in each
        assert "aws logs tail /aws/ecs/ecs-cluster-local/local-web" in each
        assert "pulumi up --refresh" in each
    assert NOT_AS_ASKED in second
    assert took < 60
    diagnostics = output.partition("Diagnostics:")[2]
    for once in (
        "rolled back because the circuit breaker threshold was exceeded",
        "ResourceInitializationError: unable to pull secrets or registry auth: ",
        "retrieved secret from Secrets Manager did not contain json key missing",
        "aws:ecs:Service (web):",
    ):
        assert diagnostics.count(once) == 1, diagnostics
    assert "pulumi:pulumi:Stack (fargate-web-local):\n    error: update failed\n" in diagnostics
    assert rolled_back["taskDefinition"] == before
    assert [each["status"] for each in rolled_back["deployments"]] == ["PRIMARY"]
    assert any(
        "rolling back to deployment ecs-svc/" in each["message"] for each in rolled_back["events"]
    )
    recovered = service_of(stack)
    assert recovered["taskDefinition"] != before, (
        "the good configuration has its own revision again"
    )
    assert recovered["runningCount"] == recovered["desiredCount"] == 2


def test_a_change_outside_pulumi_fails_up_and_is_undone_by_refresh(stack: Stack) -> None:
    asked = service_of(stack)["taskDefinition"]
    change_service(stack, desiredCount=3)
    stack.up("--expect-no-changes")
    foreign = another_revision(stack)
    change_service(stack, taskDefinition=foreign)
    output = stack.up(fails=True)
    assert f"{NOT_AS_ASKED}: the service was changed outside Pulumi" in output
    assert f"running: {foreign.rpartition('/')[2]}" in output
    network = of_type(stack, SERVICE)["outputs"]["networkConfiguration"]
    moved = {**network, "subnets": network["subnets"][:1]}
    change_service(stack, taskDefinition=asked, networkConfiguration=moved)
    target_group = of_type(stack, "aws:lb/targetGroup:TargetGroup")["urn"]
    output = stack.up("--target", target_group, fails=True)
    assert f"{NOT_AS_ASKED}: the service was changed outside Pulumi" in output
    assert f"subnets: {network['subnets'][0]} instead of " in output
    change_service(stack, taskDefinition=foreign, networkConfiguration=moved)
    stack.up("--refresh")
    assert service_of(stack)["taskDefinition"] == asked
    stack.up("--expect-no-changes")


def test_a_target_that_leaves_the_service_out_is_no_mismatch(stack: Stack) -> None:
    """The task definition stays without a service until the next test deploys another one."""
    stack.up("--target", of_type(stack, TASK_DEFINITION)["urn"], memoryMib=1024)


def test_of_failures_in_a_row_each_is_explained_by_its_own_events(stack: Stack) -> None:
    """Each of them is rolled back, and a later run repeats the last one's explanation.

    That of a container where nothing answers: test_rehearsals.py.
    """
    strict: Any = {"healthCheckCodes": "200", "healthCheckGraceSeconds": 0, "unhealthyThreshold": 2}
    crash = container("sh", "-c", "echo no configuration; exit 3")
    output = stack.up(*crash, **strict, fails=True)
    assert "Essential container in task exited (nginx exited with 3)" in output
    assert "no configuration" in output
    assert "likely cause: The container ends by itself" in output

    output = stack.up(*container(*server(302)), **strict, fails=True)
    assert "Health checks failed with these codes: [302]" in output
    assert "likely cause: The application answers the health check with a redirect (302)" in output
    assert "nginx exited with" not in output

    not_found = container(*server(404))
    output = stack.up(*not_found, **strict, fails=True)
    later = stack.up(*not_found, **strict, fails=True)
    assert NOT_AS_ASKED in later
    for each in (output, later):
        assert "Health checks failed with these codes: [404]" in each
        assert "try: Set `healthCheckPath`" in each
        assert "[302]" not in each, "the bare number can stand in an identifier"
        assert "(302)" not in each
        assert "nginx exited with" not in each


def test_a_deployment_that_takes_too_long_fails_the_run_and_the_next_one_finds_it_done(
    stack: Stack,
) -> None:
    slow = container(*server(200, delay_seconds=10))
    long_wait: Any = {"healthCheckGraceSeconds": 600, "steadyStateTimeoutMinutes": 1}
    with time_limit(stack, 3, instead_of=60):
        output = stack.up(*slow, **long_wait, fails=True)
    assert "likely cause: The deployment was still under way when the run stopped waiting" in output
    stack.up(*slow, **long_wait)
    stack.up("--expect-no-changes", *slow, **long_wait)
    stack.up()


def test_first_deployments_that_fail_are_explained_each_by_itself_until_one_succeeds(
    empty_stack: Stack, tmp_path: Path
) -> None:
    foreign = Path(FOREIGN)
    if not runs_containers():
        foreign = tmp_path / "foreign"
        foreign.write_text("no program")
        foreign.chmod(0o755)
    output = empty_stack.up(*container(str(foreign)), fails=True)
    assert "likely cause: The image isn't built for the CPU architecture of the tasks" in output
    # The provider fails twice; after a refresh it finds nothing to do, as the service is what was
    # requested.
    for options in ((), (), ("--refresh",)):
        output = empty_stack.up(*options, *MISSING_SECRET, fails=True)
        assert "wanted:  local-web:2" in output
        assert MISSING_KEY in output
        assert "architecture" not in output
        assert str(foreign) not in output
        assert "`pulumi up --replace '**TaskDefinition**'`" in output
    assert "ECS stopped it, and there is nothing to roll back to" in output
    empty_stack.up()
    empty_stack.up("--expect-no-changes")
    assert cloud_and_engine_agree(empty_stack)
