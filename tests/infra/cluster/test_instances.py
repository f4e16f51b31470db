"""Tasks on EC2 instances and on Spot: what a stack registers, and what a change of capacity does.

The order of deletion and the pitfalls in docs/ec2.md are tested by the recorded inputs and
dependencies; tests/engine deploys such stacks.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.errors import SettingsError
from tests.infra import recorder
from tests.infra.recorder import word

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

ON_INSTANCES: dict[str, Any] = {"capacity": "ec2", "network": "nat"}
PRIVATE_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + "0" * 64
KEPT = {"LogGroup", "Cluster", "LoadBalancer", "Listener", "Vpc", "Subnet"}
"""Kinds of resources that a change of capacity leaves as they are."""


@pytest.fixture(scope="module")
def configured() -> Recording:
    """The dev stack on instances, with other values of the keys about them."""
    return recorder.run(
        "dev",
        **ON_INSTANCES,
        containerPort=4567,
        egress=["10.0.0.0/8:5432"],
        instanceReservedMib=128,
        instanceVolumeGib=50,
        maxInstances=5,
        minInstances=1,
        targetCapacityPercent=80,
    )


def on_spot(**changes: Any) -> Recording:
    return recorder.deployed("dev", capacity="fargate-spot", **changes)


def titles(resources: list[Registered]) -> set[str]:
    """Return the kind and name of each resource."""
    return {f"{word(each.type)} {each.name}" for each in resources}


def test_a_stack_on_fargate_has_no_capacity_provider(dev: Recording) -> None:
    kinds = {word(each.type) for each in dev.registered}
    assert not kinds & {"CapacityProviders", "Instances", "ClusterCapacityProviders", "Group"}


def test_instances_consist_of_exactly_these_resources(on_instances: Recording) -> None:
    assert on_instances.children(on_instances.component("Instances")) == {
        ("Role", "instances"),
        ("RolePolicy", "instances"),
        ("InstanceProfile", "instances"),
        ("SecurityGroup", "instances"),
        ("LaunchTemplate", "instances"),
        ("Group", "instances"),
        ("CapacityProvider", "instances"),
        ("SecurityGroupIngressRule", "instances-from-ingress"),
        ("SecurityGroupEgressRule", "instances-from-ingress"),
        ("SecurityGroupEgressRule", "instances-https"),
    }


def test_the_metadata_service_answers_no_container(on_instances: Recording) -> None:
    template = on_instances.one("LaunchTemplate").inputs
    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_instances_have_no_public_address_no_key_pair_and_an_encrypted_volume(
    configured: Recording,
) -> None:
    template = configured.one("LaunchTemplate").inputs
    (interface,) = template["networkInterfaces"]
    assert interface["associatePublicIpAddress"] == "false"
    assert "keyName" not in template
    (mapping,) = template["blockDeviceMappings"]
    ebs = mapping["ebs"]
    assert (ebs["encrypted"], ebs["volumeType"], ebs["volumeSize"]) == ("true", "gp3", 50)


def test_the_agent_joins_the_stacks_cluster_and_uses_the_allowed_host_ports(
    configured: Recording,
) -> None:
    template = configured.one("LaunchTemplate").inputs
    script = base64.b64decode(template["userData"]).decode().splitlines()
    assert script[0] == "#!/bin/bash"
    assert script[2:5] == [
        "ECS_CLUSTER=ecs-cluster-dev",
        "ECS_DYNAMIC_HOST_PORT_RANGE=32768-60999",
        "ECS_RESERVED_MEMORY=128",
    ]


def test_only_the_load_balancer_can_connect_to_instances_and_only_on_host_ports(
    on_instances: Recording,
) -> None:
    (group,) = on_instances.one("LaunchTemplate").inputs["networkInterfaces"][0]["securityGroups"]
    balancers = on_instances.one("LoadBalancer").inputs["securityGroups"]
    rules = on_instances.all("SecurityGroupIngressRule")
    (ingress,) = [each.inputs for each in rules if each.inputs["securityGroupId"] == group]
    assert (ingress["fromPort"], ingress["toPort"]) == (32768, 60999)
    assert [ingress["referencedSecurityGroupId"]] == balancers
    rules = on_instances.all("SecurityGroupEgressRule")
    (egress,) = [each.inputs for each in rules if each.inputs["securityGroupId"] in balancers]
    assert (egress["fromPort"], egress["toPort"]) == (32768, 60999)
    assert egress["referencedSecurityGroupId"] == group


def test_egress_rules_belong_to_the_instances_security_group(configured: Recording) -> None:
    (group,) = configured.one("LaunchTemplate").inputs["networkInterfaces"][0]["securityGroups"]
    rule = configured.one("SecurityGroupEgressRule", "instances-to-10-0-0-0-8-5432")
    assert rule.inputs["securityGroupId"] == group


def test_the_instances_role_is_limited_to_the_stacks_cluster(on_instances: Recording) -> None:
    (trust,) = recorder.statements(on_instances.one("Role", "instances"), "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    allowed: dict[str, str] = {}
    for statement in recorder.statements(on_instances.one("RolePolicy", "instances")):
        found = statement["Action"]
        actions = [found] if isinstance(found, str) else found
        for action in actions:
            allowed[action] = statement["Resource"].rpartition(":")[2]
    cluster, instances = "cluster/ecs-cluster-dev", "container-instance/ecs-cluster-dev/*"
    assert allowed == {
        "ecs:DeregisterContainerInstance": cluster,
        "ecs:RegisterContainerInstance": cluster,
        "ecs:SubmitAttachmentStateChanges": cluster,
        "ecs:SubmitContainerStateChange": cluster,
        "ecs:SubmitTaskStateChange": cluster,
        "ecs:Poll": instances,
        "ecs:StartTelemetrySession": instances,
        "ecs:DiscoverPollEndpoint": "*",
    }


def test_ecs_sets_the_number_of_instances_and_no_run_waits_for_it(configured: Recording) -> None:
    group = configured.one("Group").inputs
    assert (group["minSize"], group["maxSize"]) == (1, 5)
    assert "desiredCapacity" not in group
    assert group["waitForCapacityTimeout"] == "0"
    tags = {each["key"]: each for each in group["tags"]}
    assert tags["AmazonECSManaged"]["propagateAtLaunch"] is True


def test_a_refresh_starts_with_each_version_and_replaces_protected_instances(
    on_instances: Recording,
) -> None:
    group = on_instances.one("Group").inputs
    assert group["launchTemplate"]["version"] == "1", "$Latest would never change"
    assert group["protectFromScaleIn"] is True
    assert group["instanceRefresh"]["strategy"] == "Rolling"
    assert group["instanceRefresh"]["preferences"]["scaleInProtectedInstances"] == "Refresh"


def test_no_key_of_instances_replaces_the_group(on_instances: Recording) -> None:
    group = on_instances.one("Group").inputs
    assert not {"name", "namePrefix", "initialLifecycleHooks"} & group.keys()
    for key, value in (
        ("instanceType", "t3.medium"),
        ("instanceVolumeGib", 60),
        ("instanceReservedMib", 100),
        ("maxInstances", 9),
        ("targetCapacityPercent", 50),
    ):
        done = recorder.run("dev", after=on_instances, **{**ON_INSTANCES, key: value}).done()
        assert "replace" not in {operation for operation, _ in done}, key


def test_the_provider_scales_protects_and_drains(configured: Recording) -> None:
    provider = configured.one("CapacityProvider").inputs
    assert "name" not in provider, "a replacement must be possible before the deletion"
    settings = provider["autoScalingGroupProvider"]
    assert settings["managedDraining"] == "ENABLED"
    assert settings["managedTerminationProtection"] == "ENABLED"
    assert settings["managedScaling"] == {
        "status": "ENABLED",
        "targetCapacity": 80,
        "instanceWarmupPeriod": 120,
    }


def test_tasks_on_instances_share_a_bridge_and_have_dynamic_host_ports(
    configured: Recording,
) -> None:
    definition = configured.one("TaskDefinition").inputs
    assert definition["requiresCompatibilities"] == ["EC2"]
    assert definition["networkMode"] == "bridge"
    container = recorder.container(configured)
    assert container["portMappings"] == [{"containerPort": 4567, "hostPort": 0, "protocol": "tcp"}]
    target = configured.one("TargetGroup").inputs
    assert target["targetType"] == "instance"
    assert target["healthCheck"]["port"] == "traffic-port"


def test_a_service_on_instances_names_its_provider_and_neither_network_nor_role(
    on_instances: Recording,
) -> None:
    service = on_instances.one("Service").inputs
    assert service["name"] == "dev-web-ec2"
    (association,) = on_instances.all("ClusterCapacityProviders")
    providers = association.inputs["capacityProviders"]
    assert providers[:2] == ["FARGATE", "FARGATE_SPOT"]
    assert service["capacityProviderStrategies"] == [
        {"capacityProvider": providers[2], "base": 0, "weight": 1}
    ]
    assert "defaultCapacityProviderStrategies" not in association.inputs
    absent = {"launchType", "networkConfiguration", "iamRole", "forceNewDeployment"}
    assert not absent & service.keys()
    assert "orderedPlacementStrategies" not in service


def test_everything_that_tasks_need_is_created_before_and_deleted_after_the_service(
    on_instances: Recording,
) -> None:
    needed = titles(recorder.needed_by(on_instances, on_instances.one("Service")))
    assert {
        "ClusterCapacityProviders capacity",
        "CapacityProvider instances",
        "Group instances",
        "LaunchTemplate instances",
        "InstanceProfile instances",
        "RolePolicy instances",
        "SecurityGroupIngressRule instances-from-ingress",
        "SecurityGroupEgressRule instances-https",
        "Cluster cluster",
    } <= needed
    routes = {each for each in needed if each.startswith("Route ")}
    assert "Route network-private-1" in routes, "the agent is cut off before its tasks are drained"
    group = on_instances.one("Group")
    assert group.inputs["forceDelete"] is True, "its deletion waits for a hook that nothing handles"
    assert "Cluster cluster" in titles(recorder.needed_by(on_instances, group)), (
        "AWS doesn't delete a cluster with instances"
    )


def test_with_endpoints_there_are_those_of_the_agent_and_instances_wait_for_all() -> None:
    recording = recorder.run(
        "dev",
        capacity="ec2",
        network="endpoints",
        image=PRIVATE_IMAGE,
        requireImageDigest=True,
        secrets={},
    )
    names = recorder.names(recording, "VpcEndpoint")
    agents = {f"endpoints-{each}" for each in ("ecs", "ecs-agent", "ecs-telemetry")}
    assert agents <= names
    needed = titles(recorder.needed_by(recording, recording.one("Group")))
    assert {f"VpcEndpoint {name}" for name in names} <= needed


def test_arm_instances_have_an_arm_image() -> None:
    recording = recorder.run(
        "dev", **ON_INSTANCES, cpuArchitecture="ARM64", instanceType="t4g.small"
    )
    assert recording.one("LaunchTemplate").inputs["imageId"].endswith("a64")
    assert recording.one("TaskDefinition").inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"


@pytest.mark.parametrize(
    ("base", "strategy"),
    [
        (0, [{"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1}]),
        (
            2,
            [
                {"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1},
                {"capacityProvider": "FARGATE", "base": 2, "weight": 0},
            ],
        ),
    ],
)
def test_spot_keeps_a_base_on_demand(base: int, strategy: list[dict[str, Any]]) -> None:
    recording = on_spot(onDemandBase=base)
    service = recording.one("Service").inputs
    assert service["capacityProviderStrategies"] == strategy
    assert service["forceNewDeployment"] is True
    assert "launchType" not in service
    assert service["networkConfiguration"]["assignPublicIp"] is True
    needed = titles(recorder.needed_by(recording, recording.one("Service")))
    assert "ClusterCapacityProviders capacity" in needed


def test_the_base_of_a_running_stack_can_change() -> None:
    done = recorder.run("dev", after=on_spot(), capacity="fargate-spot", onDemandBase=1).done()
    assert done == {("update", "Service")}


@pytest.mark.parametrize(
    ("start", "changes"),
    [
        ({"network": "nat"}, ON_INSTANCES),
        ({"network": "nat", "capacity": "fargate-spot"}, ON_INSTANCES),
        (ON_INSTANCES, {"network": "nat"}),
        ({}, {"capacity": "fargate-spot"}),
        ({"capacity": "fargate-spot"}, {}),
    ],
)
def test_another_capacity_creates_another_service_before_the_old_one_is_deleted(
    start: dict[str, Any], changes: dict[str, Any]
) -> None:
    first = recorder.deployed("dev", **start)
    changed = recorder.run("dev", after=first, **changes)
    done = changed.done()
    assert {("create", "Service"), ("delete", "Service")} <= done
    assert not {kind for _, kind in done} & KEPT
    serving = changed.one("ListenerRule", "alb-50000")
    assert changed.one("Service") in recorder.needed_by(changed, serving)


def test_a_change_from_instances_to_spot_in_one_run_is_refused() -> None:
    first = recorder.deployed("dev", **ON_INSTANCES)
    with pytest.raises(SettingsError) as refusal:
        recorder.run("dev", after=first, network="nat", capacity="fargate-spot")
    chosen = "fargate-spot, where the cluster ecs-cluster-dev has 2 instances"
    allowed = "fargate for every service first; then fargate-spot, in a second run"
    assert f"capacity: {chosen}; allowed: {allowed}" in str(refusal.value)
    assert isinstance(refusal.value, pulumi.RunError)
