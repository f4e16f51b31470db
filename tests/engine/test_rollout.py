"""`pulumi up` reports why a deployment failed, and stays failed until that is fixed.

Under the real engine against the local AWS. What only AWS itself can show is listed in
docs/deployments.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.protocol.property_values import to_wire
from tests.engine.gateway import time_limit
from tests.engine.images import FOREIGN
from tests.engine.service import (
    MISSING,
    MISSING_SECRET,
    SERVICE,
    TASK_DEFINITION,
    another_revision,
    change_service,
    console,
    of_type,
    server,
    service_of,
)
from tests.engine.stack import runs_containers, settings

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


@pytest.fixture
def secret(stack: Stack) -> Iterator[Any]:
    """A function that gives the secret the missing key, which is gone again after the test."""
    made: dict[str, str] = {}

    def create(token: str, inputs: dict[str, Any]) -> str:
        urn = f"urn:pulumi:console::console::{token}::settings"
        with console(stack) as aws:
            return str(
                aws.Create(provider_pb2.CreateRequest(urn=urn, properties=to_wire(inputs))).id
            )

    def give() -> None:
        name, region = (
            MISSING.partition(":")[2].partition("#")[0],
            of_type(stack, SERVICE)["outputs"]["region"],
        )
        made[SECRET] = create(SECRET, {"name": name, "region": region})
        create(
            SECRET_VERSION,
            {"secretId": made[SECRET], "secretString": '{"missing": "found"}', "region": region},
        )

    yield give
    with console(stack) as aws:
        for token, identifier in made.items():
            urn = f"urn:pulumi:console::console::{token}::settings"
            aws.Delete(provider_pb2.DeleteRequest(urn=urn, id=identifier))


def test_what_was_rolled_back_stays_failed_until_its_cause_is_fixed_and_up_refreshes(
    stack: Stack, secret: Any
) -> None:
    good = service_of(stack)["taskDefinition"].rpartition("/")[2]
    output = stack.up(*MISSING_SECRET, fails=True)
    arn = of_type(stack, TASK_DEFINITION)["outputs"]["arn"]
    wanted = arn.rpartition("/")[2]
    for again in (
        output,
        # The engine lets the provider finish what it noted as half done, which deploys nothing.
        stack.up(*MISSING_SECRET, fails=True),
        # The provider knows by now what runs, and tries again.
        stack.up(*MISSING_SECRET, fails=True),
    ):
        assert f"wanted:  {wanted}" in again
        assert f"running: {good}" in again
        assert MISSING_KEY in again
        assert "aws logs tail /aws/ecs/ecs-cluster-local/local-web" in again
        assert "pulumi up --refresh" in again
    stack.run("preview", "--non-interactive", *MISSING_SECRET)
    secret()
    assert NOT_AS_ASKED in stack.up(*MISSING_SECRET, fails=True)
    stack.up("--refresh", *MISSING_SECRET)
    assert service_of(stack)["taskDefinition"] == arn
    stack.up("--expect-no-changes", *MISSING_SECRET)
    stack.up()
    assert service_of(stack)["runningCount"] == 2
    stack.up("--expect-no-changes")


def test_a_change_outside_pulumi_fails_up_and_is_undone_by_refresh(stack: Stack) -> None:
    asked = service_of(stack)["taskDefinition"]
    change_service(stack, desiredCount=3)
    stack.up("--expect-no-changes")
    foreign = another_revision(stack)
    change_service(stack, taskDefinition=foreign)
    for arguments in ((), ("--target", of_type(stack, "aws:lb/targetGroup:TargetGroup")["urn"])):
        output = stack.up(*arguments, fails=True)
        assert f"{NOT_AS_ASKED}: the service was changed outside Pulumi" in output
        assert f"running: {foreign.rpartition('/')[2]}" in output
    network = of_type(stack, SERVICE)["outputs"]["networkConfiguration"]
    change_service(
        stack,
        taskDefinition=asked,
        networkConfiguration={**network, "subnets": network["subnets"][:1]},
    )
    assert f"subnets: {network['subnets'][0]} instead of " in stack.up(fails=True)
    change_service(stack, taskDefinition=foreign)
    stack.up("--refresh")
    assert service_of(stack)["taskDefinition"] == asked
    stack.up("--expect-no-changes")


def test_a_target_that_leaves_the_service_out_is_no_mismatch(stack: Stack) -> None:
    urn = of_type(stack, TASK_DEFINITION)["urn"]
    stack.up("--target", urn, memoryMib=1024)
    stack.up()


def test_of_failures_in_a_row_each_is_explained_by_its_own_events(stack: Stack) -> None:
    """Each of them is rolled back, and a later run repeats the last one's explanation."""
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

    output = stack.up(*container("sleep", "infinity"), fails=True)
    assert "likely cause: Nothing answers at the container's port" in output
    assert "[404]" not in output, "the bare number can stand in an identifier"
    assert "with 404" not in output
    stack.up()


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
    for options in ((), (), ("--refresh",), ()):
        output = empty_stack.up(*options, *MISSING_SECRET, fails=True)
        assert "wanted:  local-web:2" in output
        assert MISSING_KEY in output
        assert "architecture" not in output
        assert str(foreign) not in output
        assert "`pulumi up --replace '**TaskDefinition**'`" in output
    assert "ECS stopped it, and there is nothing to roll back to" in output
    empty_stack.up()
    empty_stack.up("--expect-no-changes")
    empty_stack.destroy()
