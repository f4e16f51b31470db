"""Services as they are read for the scheduler: defaults, revisions and forced deployments."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from localaws.ecs.definition import MissingTaskDefinitionError, completed, service_spec
from localaws.ecs.scheduler.model import Breaker, Deployment, DeploymentAlarms, ServiceState

if TYPE_CHECKING:
    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec
    from tests.localaws.ecs.conftest import Web


def read(web: Web, *requested: ServiceRevision) -> ServiceSpec:
    """Return the service's specification after requests for these revisions."""
    deployments = tuple(
        Deployment(id=each.fingerprint, revision=each, created_at=0, updated_at=0)
        for each in requested
    )
    state = ServiceState(requested=requested[-1] if requested else None, deployments=deployments)
    return service_spec(web.record, web, state)


def test_numbers_may_be_floats_or_strings(web: Web) -> None:
    web.change(
        desiredCount=3.0, deploymentMinimumHealthyPercent=50.0, healthCheckGracePeriodSeconds=60.0
    )
    web.put("aws:lb/targetGroup:TargetGroup", web.group, deregistrationDelay="15")
    spec = read(web)
    assert (spec.desired, spec.minimum_percent, spec.grace) == (3, 50, 60)
    assert spec.drain_delays == {web.group: 15}


def test_inputs_that_are_left_out_have_awss_defaults(web: Web) -> None:
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


def test_tasks_drain_for_the_delay_of_each_target_group_that_they_are_in(web: Web) -> None:
    web.put("aws:lb/targetGroup:TargetGroup", web.group, deregistrationDelay=15)
    other = f"{web.group}-other"
    web.put("aws:lb/targetGroup:TargetGroup", other, deregistrationDelay=20)
    before = read(web).revision
    web.change(
        loadBalancers=[{"targetGroupArn": other, "containerName": "web", "containerPort": 80}]
    )
    assert read(web, before).drain_delays == {web.group: 15, other: 20}
    web.remove("aws:lb/targetGroup:TargetGroup", web.group)
    assert read(web, before).drain_delays == {other: 20}, "a deleted group has no delay"


@pytest.mark.parametrize(
    ("launch", "strategy", "on_fargate"),
    [
        ("FARGATE", [], True),
        ("EC2", [], False),
        ("EXTERNAL", [], False),
        ("", ["FARGATE_SPOT"], True),
        ("", ["instances"], False),
    ],
)
def test_tasks_run_on_fargate_or_on_instances(
    web: Web,
    launch: str,
    strategy: list[str],
    *,
    on_fargate: bool,
) -> None:
    items = [{"capacityProvider": each, "weight": 1} for each in strategy]
    web.change(launchType=launch, capacityProviderStrategies=items)
    assert read(web).capacity.on_instances is not on_fargate


def test_a_minimum_of_zero_is_not_replaced_by_the_default(web: Web) -> None:
    web.change(deploymentMinimumHealthyPercent=0)
    assert read(web).minimum_percent == 0


@pytest.mark.parametrize(
    ("block", "alarms"),
    [
        (None, DeploymentAlarms()),
        (
            {"alarmNames": ["b", "a"], "enable": True, "rollback": True},
            DeploymentAlarms(names=("a", "b"), rollback=True),
        ),
        (
            {"alarmNames": ["a"], "enable": True, "rollback": False},
            DeploymentAlarms(names=("a",), rollback=False),
        ),
        (
            {"alarmNames": ["a"], "enable": False, "rollback": True},
            DeploymentAlarms(names=(), rollback=True),
        ),
    ],
)
def test_alarms_watch_deployments_if_they_are_enabled(
    web: Web, block: object, alarms: DeploymentAlarms
) -> None:
    before = read(web).revision
    web.change(alarms=block)
    assert read(web).alarms == alarms
    assert read(web).revision == before, "a change of the alarms deploys nothing"


@pytest.mark.parametrize(
    ("block", "breaker"),
    [
        (None, Breaker(enable=False, rollback=False)),
        ({"enable": True, "rollback": True}, Breaker(enable=True, rollback=True)),
        ({"enable": True}, Breaker(enable=True, rollback=False)),
    ],
)
def test_the_circuit_breaker_is_off_by_default(web: Web, block: object, breaker: Breaker) -> None:
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
    web: Web,
    change: dict[str, Any],
    *,
    deploys: bool,
) -> None:
    before = read(web).revision
    web.change(**change)
    assert (read(web, before).revision.fingerprint != before.fingerprint) is deploys


@pytest.mark.parametrize("change", [{"desiredCount": 5}, {"triggers": {"redeploy": "1"}}])
def test_a_forced_deployment_starts_with_any_change_but_not_without_one(
    web: Web, change: dict[str, Any]
) -> None:
    web.change(forceNewDeployment=True)
    before = read(web).revision
    assert read(web, before).revision is before
    web.change(**change)
    assert not before.covers(read(web, before).revision.fingerprint)


def test_a_change_of_tags_starts_no_deployment_even_if_it_is_forced(web: Web) -> None:
    web.change(forceNewDeployment=True)
    before = read(web).revision
    web.change(tags={"team": "web"})
    assert read(web, before).revision is before


def test_forcing_a_deployment_starts_one_and_no_longer_forcing_it_does_not(
    web: Web,
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


def test_a_running_revision_is_kept_after_its_task_definition_is_deleted(web: Web) -> None:
    before = read(web)
    web.remove("aws:ecs/taskDefinition:TaskDefinition", before.revision.task_definition)
    assert read(web, before.revision).revision is before.revision
    with pytest.raises(MissingTaskDefinitionError, match="task-definition/web:1"):
        read(web)


@pytest.mark.parametrize("named", ["web", "web:2"])
def test_a_task_definition_can_be_referred_to_by_its_family(web: Web, named: str) -> None:
    newest = web.define(2)
    web.change(taskDefinition=named)
    assert read(web).revision.task_definition == newest


def test_a_family_stands_for_its_highest_revision(web: Web) -> None:
    highest = web.define(3)
    web.define(2)
    web.change(taskDefinition="web")
    assert read(web).revision.task_definition == highest


def test_a_revision_has_the_longest_stop_timeout_of_its_containers(web: Web) -> None:
    assert read(web).revision.stop_timeout == 5
    web.change(taskDefinition=web.define(2, stopTimeout=None))
    assert read(web).revision.stop_timeout == 30


def test_a_revision_contains_the_network_and_the_definition_of_its_tasks(web: Web) -> None:
    for subnet in ("subnet-a", "subnet-b"):
        web.put("aws:ec2/subnet:Subnet", subnet, vpcId="vpc-1")
    arn = web.define(2)
    web.put("aws:ecs/taskDefinition:TaskDefinition", arn, cpu="256", memory="512", volumes=[])
    network = {"subnets": ["subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": True}
    web.change(taskDefinition=arn, networkConfiguration=network)
    launch = read(web).revision.launch
    assert launch["network"] == {
        "vpcs": {"subnet-a": "vpc-1"},
        "securityGroups": ["sg-1"],
        "assignPublicIp": True,
    }
    assert launch["cluster"].endswith(":cluster/cluster")
    kept = launch["taskDefinition"]
    assert (kept["cpu"], kept["memory"], kept["revision"]) == ("256", "512", 2)
    assert json.dumps(launch), "it is saved as JSON"


def test_revisions_that_an_earlier_version_saved_are_completed(web: Web) -> None:
    network = {"subnets": ["subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": True}
    web.change(networkConfiguration=network)
    new = read(web).revision
    definition = {
        key: new.launch["taskDefinition"][key] for key in ("arn", "family", "containerDefinitions")
    }
    old = replace(
        new,
        launch={
            "taskDefinition": definition,
            "cidrs": new.launch["cidrs"],
            "region": new.launch["region"],
        },
    )
    deployed = Deployment(id="d", revision=old, created_at=0, updated_at=0)
    state = ServiceState(requested=old, completed=old, deployments=(deployed,))
    found = completed(state, web.record, web)
    assert found.requested == found.completed == found.deployments[0].revision == new
    assert completed(found, web.record, web) == found
    assert completed(ServiceState(), web.record, web) == ServiceState()
