"""How services and task definitions are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog.ecs.services import CAPACITY_PROVIDERS, SERVICE
from localaws.ecs.definition import (
    MissingTaskDefinitionError,
    parameter_name,
    service_spec,
    task_spec,
)
from localaws.ecs.scheduler.model import Breaker, Deployment, ServiceState
from localaws.ecs.tasks.runtime import Condition, HealthCheck, TaskStartError

if TYPE_CHECKING:
    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec


DB = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


def read(web: Any, *requested: ServiceRevision) -> ServiceSpec:
    """Return the service's specification after requests for these revisions."""
    deployments = tuple(
        Deployment(id=each.fingerprint, revision=each, created_at=0, updated_at=0)
        for each in requested
    )
    state = ServiceState(requested=requested[-1] if requested else None, deployments=deployments)
    return service_spec(web.get(SERVICE, web.service), web, state)


def test_numbers_may_be_floats_or_strings_as_pulumi_brings_them(web: Any) -> None:
    web.change(
        desiredCount=3.0, deploymentMinimumHealthyPercent=50.0, healthCheckGracePeriodSeconds=60.0
    )
    web.put("aws:lb/targetGroup:TargetGroup", web.group, deregistrationDelay="15")
    spec = read(web)
    assert (spec.desired, spec.minimum_percent, spec.grace) == (3, 50, 60)
    assert spec.drain_delays == {web.group: 15}


def test_what_the_program_left_out_has_awss_defaults(web: Any) -> None:
    for left_out in ("desiredCount", "deploymentMinimumHealthyPercent", "deploymentMaximumPercent"):
        web.change(**{left_out: None})
    web.put("aws:lb/targetGroup:TargetGroup", web.group, deregistrationDelay=None)
    spec = read(web)
    assert (spec.desired, spec.minimum_percent, spec.maximum_percent, spec.grace) == (
        0,
        100,
        200,
        0,
    )
    assert spec.drain_delays == {web.group: 300}


def test_tasks_that_leave_a_target_group_for_another_drain_as_long_as_it_says(web: Any) -> None:
    web.put("aws:lb/targetGroup:TargetGroup", web.group, deregistrationDelay=15)
    other = f"{web.group}-other"
    web.put("aws:lb/targetGroup:TargetGroup", other, deregistrationDelay=20)
    before = read(web).revision
    web.change(
        loadBalancers=[{"targetGroupArn": other, "containerName": "web", "containerPort": 80}]
    )
    assert read(web, before).drain_delays == {web.group: 15, other: 20}
    web.remove("aws:lb/targetGroup:TargetGroup", web.group)
    assert read(web, before).drain_delays == {other: 20}, "nothing drains from a group that is gone"


@pytest.mark.parametrize(
    ("launch", "strategy", "default", "placeable"),
    [
        ("FARGATE", None, None, True),
        ("EC2", None, "FARGATE", False),
        ("EXTERNAL", None, None, False),
        (None, None, None, False),
        (None, None, "FARGATE_SPOT", True),
        (None, ["FARGATE_SPOT"], None, True),
        (None, ["instances"], "FARGATE", False),
    ],
)
def test_only_fargates_capacity_is_there(
    web: Any,
    launch: str | None,
    strategy: list[str] | None,
    default: str | None,
    placeable: bool,  # noqa: FBT001 — a case
) -> None:
    """Without launch type or strategy, a service uses its cluster's default strategy, else EC2."""
    items = [{"capacityProvider": each, "weight": 1} for each in strategy or ()]
    web.change(launchType=launch, capacityProviderStrategies=items)
    for cluster in ("cluster", "other"):
        defaults = [{"capacityProvider": default}] if default and cluster == "cluster" else []
        web.put(
            CAPACITY_PROVIDERS,
            cluster,
            clusterName=cluster,
            defaultCapacityProviderStrategies=defaults,
        )
    assert read(web).placeable is placeable


def test_a_minimum_of_zero_is_no_default(web: Any) -> None:
    web.change(deploymentMinimumHealthyPercent=0)
    assert read(web).minimum_percent == 0


@pytest.mark.parametrize(
    ("block", "breaker"),
    [
        (None, Breaker(enable=False, rollback=False)),
        ({"enable": True, "rollback": True}, Breaker(enable=True, rollback=True)),
        ({"enable": True}, Breaker(enable=True, rollback=False)),
    ],
)
def test_the_circuit_breaker_is_off_by_default(web: Any, block: object, breaker: Breaker) -> None:
    web.change(deploymentCircuitBreaker=block)
    assert read(web).breaker == breaker


@pytest.mark.parametrize(
    ("change", "deploys"),
    [
        ({"desiredCount": 5}, False),
        ({"healthCheckGracePeriodSeconds": 5}, False),
        ({"deploymentMaximumPercent": 150}, False),
        ({"networkConfiguration": {"subnets": ["subnet-b", "subnet-a"]}}, False),
        ({"networkConfiguration": {"subnets": ["subnet-a"]}}, True),
        ({"loadBalancers": []}, True),
        ({"enableExecuteCommand": True}, False),
        ({"triggers": {"redeploy": "1"}}, False),
    ],
)
def test_only_some_changes_start_a_deployment(
    web: Any,
    change: dict[str, Any],
    deploys: bool,  # noqa: FBT001
) -> None:
    before = read(web).revision
    web.change(**change)
    assert (read(web, before).revision.fingerprint != before.fingerprint) is deploys


@pytest.mark.parametrize("change", [{"desiredCount": 5}, {"triggers": {"redeploy": "1"}}])
def test_a_forced_deployment_starts_with_any_change_but_not_by_itself(
    web: Any, change: dict[str, Any]
) -> None:
    web.change(forceNewDeployment=True)
    before = read(web).revision
    assert read(web, before).revision is before
    web.change(**change)
    assert not before.covers(read(web, before).revision.fingerprint)


def test_tags_are_changed_without_a_deployment_even_a_forced_one(web: Any) -> None:
    web.change(forceNewDeployment=True)
    before = read(web).revision
    web.change(tags={"team": "web"})
    assert read(web, before).revision is before


def test_a_deployment_that_is_forced_no_longer_is_none_and_forcing_it_again_is_one(
    web: Any,
) -> None:
    plain = read(web).revision
    web.change(forceNewDeployment=True)
    forced = read(web, plain).revision
    assert not plain.covers(forced.fingerprint)
    web.change(forceNewDeployment=False)
    unforced = read(web, forced).revision
    assert forced.covers(unforced.fingerprint)
    web.change(forceNewDeployment=True)
    assert not unforced.covers(read(web, unforced).revision.fingerprint)


def test_a_running_revision_outlives_its_task_definition(web: Any) -> None:
    before = read(web)
    web.remove("aws:ecs/taskDefinition:TaskDefinition", before.revision.task_definition)
    assert read(web, before.revision).revision is before.revision
    with pytest.raises(MissingTaskDefinitionError, match="task-definition/web:1"):
        read(web)


@pytest.mark.parametrize("named", ["web", "web:2"])
def test_a_task_definition_may_be_named_by_its_family(web: Any, named: str) -> None:
    newest = web.define(2)
    web.change(taskDefinition=named)
    assert read(web).revision.task_definition == newest


def test_a_family_means_its_highest_revision_in_whatever_order_they_are_listed(web: Any) -> None:
    highest = web.define(3)
    web.define(2)
    web.change(taskDefinition="web")
    assert read(web).revision.task_definition == highest


def test_the_longest_stop_timeout_of_the_containers_counts(web: Any) -> None:
    assert read(web).revision.stop_timeout == 5
    web.change(taskDefinition=web.define(2, stopTimeout=None))
    assert read(web).revision.stop_timeout == 30


def test_a_container_is_read_with_its_secrets_resolved(web: Any) -> None:
    web.change(
        taskDefinition=web.define(
            2,
            entryPoint=["sh"],
            command=["-c", "true"],
            environment=[{"name": "PLAIN", "value": "1"}],
            secrets=[
                {
                    "name": "SECRET",
                    "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/demo/x",
                }
            ],
        )
    )
    task = task_spec(read(web).revision, "t1", "10.0.1.21", {"/demo/x": "hush"}.get)
    (container,) = task.containers
    assert task.hostname == "ip-10-0-1-21.eu-west-1.compute.internal"
    assert container.command == ("sh", "-c", "true")
    assert container.environment["PLAIN"] == "1"
    assert container.environment["SECRET"] == "hush"
    assert container.environment["AWS_REGION"] == "eu-west-1"
    assert container.log_stream == "/aws/ecs/web/nginx/web/t1"
    assert "hush" not in repr(task)


def test_a_container_with_a_range_of_ports_is_read_with_its_other_ports(web: Any) -> None:
    web.change(
        taskDefinition=web.define(
            2, portMappings=[{"containerPortRange": "8000-8010"}, {"containerPort": 80}]
        )
    )
    (container,) = task_spec(read(web).revision, "t1", "10.0.1.21", lambda _: None).containers
    assert container.ports == (80,)


def test_a_container_is_read_with_its_health_check_and_whom_it_waits_for(web: Any) -> None:
    check = {
        "command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"],
        "interval": 10,
        "startPeriod": 60,
    }
    web.change(
        taskDefinition=web.define(
            2, healthCheck=check, dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]
        )
    )
    (container,) = task_spec(read(web).revision, "t1", "10.0.1.21", lambda _: None).containers
    assert container.depends_on == {"db": Condition.HEALTHY}
    assert container.health_check == HealthCheck(
        command=("/bin/sh", "-c", "curl -f http://localhost/ || exit 1"),
        interval=10,
        timeout=5,
        retries=3,
        start_period=60,
    )


def test_a_health_check_of_none_is_none(web: Any) -> None:
    web.change(taskDefinition=web.define(2, healthCheck={"command": ["NONE"]}))
    (container,) = task_spec(read(web).revision, "t1", "10.0.1.21", lambda _: None).containers
    assert container.health_check is None


def test_every_missing_parameter_is_named(web: Any) -> None:
    secrets = [{"name": name, "valueFrom": f"/demo/{name}"} for name in ("b", "a", "there")]
    web.change(taskDefinition=web.define(2, secrets=secrets))
    with pytest.raises(TaskStartError, match=r"invalid parameters: /demo/a, /demo/b$"):
        task_spec(read(web).revision, "t1", "10.0.1.21", {"/demo/there": "x"}.get)


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        (f"{DB}:password::", r"did not contain json key password$"),
        (
            f"{DB}:password:AWSCURRENT:",
            r"can't find the specified secret value for staging label: AWSCURRENT$",
        ),
        (f"{DB}:::1234", r"can't find the specified secret value for VersionId: 1234$"),
        (
            DB.replace("db", "none"),
            r"fetch secret arn:.*:none-AbCdEf from .*can't find the specified secret\.$",
        ),
    ],
)
def test_a_missing_secret_has_another_error_than_a_missing_key(
    web: Any, requested: str, message: str
) -> None:
    web.change(taskDefinition=web.define(2, secrets=[{"name": "DB", "valueFrom": requested}]))
    with pytest.raises(TaskStartError, match=message):
        task_spec(read(web).revision, "t1", "10.0.1.21", {DB: "{}"}.get)


@pytest.mark.parametrize(
    ("value_from", "name"),
    [
        ("/demo/x", "/demo/x"),
        ("plain", "plain"),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/demo/x", "/demo/x"),
        (DB, DB),
    ],
)
def test_a_secret_is_looked_up_by_its_name(value_from: str, name: str) -> None:
    assert parameter_name(value_from) == name


def test_output_is_kept_only_where_the_task_definition_asks_for_it(web: Any) -> None:
    web.change(taskDefinition=web.define(2, logConfiguration=None))
    task = task_spec(read(web).revision, "t1", "10.0.1.21", lambda _: None)
    assert task.containers[0].log_stream is None
