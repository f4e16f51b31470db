"""Rules of ECS about other resources: a service's cluster, task definition and target groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import Refused
from tests.localaws.catalog.conftest import forward
from tests.localaws.catalog.ecs_cases import CLUSTER, DEFINITION, SERVICE
from tests.localaws.catalog.load_balancer_cases import RULE, TARGETS
from tests.localaws.catalog.operations import other_vpc, refused, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def service(account: Account, **more: Any) -> dict[str, Any]:
    """Return inputs for another service, with the target group of the first one."""
    target = {"targetGroupArn": account.id("target"), "containerName": "web", "containerPort": 80}
    return {**account.minimal(SERVICE), "loadBalancers": [target], **more}


def test_a_service_is_refused_until_its_target_group_has_a_listener(
    account: Account,
) -> None:
    unattached = account.make(TARGETS, **account.minimal(TARGETS)).id
    inputs = service(
        account,
        loadBalancers=[{"targetGroupArn": unattached, "containerName": "web", "containerPort": 80}],
    )
    expected = ("ecs.service.target-group-attached", "InvalidParameterException")
    assert expected in refused(account.make, SERVICE, **inputs)
    account.make(RULE, **{**account.minimal(RULE), "actions": forward(unattached)})
    account.make(SERVICE, **inputs)


def test_a_service_with_an_instance_target_group_is_refused_for_awsvpc(account: Account) -> None:
    wrong = account.make(TARGETS, **{**account.minimal(TARGETS), "targetType": "instance"}).id
    account.make(RULE, **{**account.minimal(RULE), "actions": forward(wrong)})
    inputs = service(
        account,
        loadBalancers=[{"targetGroupArn": wrong, "containerName": "web", "containerPort": 80}],
    )
    assert ("ecs.service.target-type", "InvalidParameterException") in refused(
        account.make, SERVICE, **inputs
    )


def test_a_grace_period_is_accepted_with_a_load_balancer(account: Account) -> None:
    account.make(SERVICE, **service(account, healthCheckGracePeriodSeconds=60))


def test_exec_is_accepted_with_a_task_role(account: Account) -> None:
    inputs = {**account.minimal(DEFINITION), "taskRoleArn": account.made["role"].outputs["arn"]}
    definition = account.make(DEFINITION, **inputs).id
    account.make(SERVICE, **service(account, taskDefinition=definition, enableExecuteCommand=True))


def test_an_endpoint_of_service_connect_needs_a_port_of_that_name(account: Account) -> None:
    container = {
        "name": "web",
        "image": "nginx",
        "portMappings": [{"containerPort": 80, "name": "web"}],
    }
    inputs = {**account.minimal(DEFINITION), "containerDefinitions": json.dumps([container])}
    definition = account.make(DEFINITION, **inputs).id

    def connected(port: str) -> dict[str, Any]:
        connect = {"enabled": True, "namespace": "http", "services": [{"portName": port}]}
        return service(account, taskDefinition=definition, serviceConnectConfiguration=connect)

    assert refused(account.make, SERVICE, **connected("api")) == {
        ("ecs.service.port-name", "InvalidParameterException")
    }
    account.make(SERVICE, **connected("web"))


def test_a_service_across_two_vpcs_is_refused(account: Account) -> None:
    other_vpc(account)
    network = {"subnets": [account.id("subnet-a")], "securityGroups": [account.id("other-group")]}
    rules = refused(account.make, SERVICE, **service(account, networkConfiguration=network))
    assert ("ecs.service.one-vpc", "InvalidParameterException") in rules


def test_a_service_without_a_cluster_is_in_the_one_called_default_and_holds_it(
    account: Account,
) -> None:
    default = account.make(CLUSTER, name="default")
    inputs = account.minimal(SERVICE)
    del inputs["cluster"]
    made = account.make(SERVICE, **inputs)
    assert made.outputs["cluster"] == default.id
    held = {("ecs.cluster.held", "ClusterContainsServicesException")}
    assert refused(account.delete, CLUSTER, default.id) == held
    account.delete(SERVICE, made.id)
    account.delete(CLUSTER, default.id)


def test_a_strategy_on_fargate_needs_a_task_definition_for_fargate(account: Account) -> None:
    for_instances = account.make(
        DEFINITION,
        family="for-instances",
        networkMode="awsvpc",
        containerDefinitions=json.dumps([{"name": "web", "image": "nginx", "memory": 64}]),
    )
    inputs = account.minimal(SERVICE)
    del inputs["launchType"]
    inputs["capacityProviderStrategies"] = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    account.make(SERVICE, **{**inputs, "name": "on-fargate"})
    inputs["taskDefinition"] = for_instances.id
    incompatible = ("ecs.service.compatible", "InvalidParameterException")
    assert refused(account.make, SERVICE, **inputs) == {incompatible}


def test_a_missing_container_port_is_shown_as_a_whole_number(account: Account) -> None:
    inputs = service(account)
    inputs["loadBalancers"][0]["containerPort"] = 8080.0
    with pytest.raises(Refused, match="did not have a container port 8080 defined"):
        account.make(SERVICE, **inputs)


def test_a_bridge_task_has_no_network_configuration_and_doesnt_run_on_fargate(
    account: Account,
) -> None:
    container = json.dumps(
        [{"name": "web", "image": "nginx", "memory": 64, "portMappings": [{"containerPort": 80}]}]
    )
    bridge = account.make(DEFINITION, family="bridge", containerDefinitions=container).id
    inputs = service(account, taskDefinition=bridge)
    rules = refused_rules(account.make, SERVICE, **inputs)
    assert {"ecs.service.network-forbidden", "ecs.service.compatible"} <= rules


def test_the_name_of_a_draining_service_can_be_reused_only_after_its_deletion(
    account: Account,
) -> None:
    again = service(account, name="web")
    account.draining.add(account.id("service"))
    assert ("ecs.service.draining", "InvalidParameterException") in refused(
        account.make, SERVICE, **again
    )
    account.delete(SERVICE, account.id("service"))
    account.make(SERVICE, **again)


def test_a_changed_service_is_checked_against_its_new_task_definition(account: Account) -> None:
    current = account.made["service"]
    container = json.dumps(
        [{"name": "app", "image": "nginx", "portMappings": [{"containerPort": 8080}]}]
    )
    inputs = {**account.minimal(DEFINITION), "containerDefinitions": container}
    renamed = account.make(DEFINITION, **inputs).id
    change = {**current.inputs, "taskDefinition": renamed}
    rules = refused_rules(account.update, SERVICE, current.id, change)
    assert rules == {"ecs.service.container-exists"}
    assert account.get(SERVICE, current.id) == current, "a refused update changes nothing"


def test_a_service_can_be_scaled_after_its_listener_was_deleted(account: Account) -> None:
    current = account.made["service"]
    account.delete(RULE, account.id("rule"))
    scaled = account.update(SERVICE, current.id, {**current.inputs, "desiredCount": 3})
    assert scaled.outputs["desiredCount"] == 3


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, "ENABLED"),
        ({"availabilityZoneRebalancing": "DISABLED"}, "DISABLED"),
        ({"deploymentMaximumPercent": 100, "deploymentMinimumHealthyPercent": 0}, "DISABLED"),
        ({"launchType": "EC2", "schedulingStrategy": "DAEMON"}, "DISABLED"),
    ],
)
def test_a_new_service_is_rebalanced_across_zones_unless_it_cant_be(
    account: Account, inputs: dict[str, Any], expected: str
) -> None:
    made = account.make(SERVICE, **{**account.minimal(SERVICE), **inputs})
    assert made.outputs["availabilityZoneRebalancing"] == expected


def test_an_update_without_rebalancing_keeps_it(account: Account) -> None:
    inputs = account.minimal(SERVICE)
    made = account.make(SERVICE, **inputs, availabilityZoneRebalancing="DISABLED")
    updated = account.update(SERVICE, made.id, inputs)
    assert updated.outputs["availabilityZoneRebalancing"] == "DISABLED"
