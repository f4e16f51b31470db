"""What a stack registers for tasks on EC2 instances or on Spot, and what a change of capacity does.

The order of deletion and the traps of docs/ec2.md are tried on the recorded inputs and
dependencies; tests/engine deploys.
"""

from __future__ import annotations

import base64
import json
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
"""Kinds that another capacity may not touch."""


def on_instances(**changes: Any) -> Recording:
    return recorder.deployed("dev", **{**ON_INSTANCES, **changes})


def on_spot(**changes: Any) -> Recording:
    return recorder.deployed("dev", capacity="fargate-spot", **changes)


def before(recording: Recording, resource: Registered) -> set[str]:
    """Return the kind and name of everything that a resource depends on, at any depth."""
    by_urn = {each.urn: each for each in recording.registered}
    seen: set[str] = set()
    waiting = [*resource.dependencies]
    while waiting:
        urn = waiting.pop()
        if urn not in seen:
            seen.add(urn)
            waiting += by_urn[urn].dependencies if urn in by_urn else []
    return {f"{word(by_urn[urn].type)} {by_urn[urn].name}" for urn in seen if urn in by_urn}


def document(resource: Registered, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(resource.inputs[name])["Statement"]
    return found


def test_a_stack_on_fargate_has_no_capacity_provider(dev: Recording) -> None:
    kinds = {word(each.type) for each in dev.registered}
    assert not kinds & {"CapacityProviders", "Instances", "ClusterCapacityProviders", "Group"}


def test_instances_are_exactly_these_resources() -> None:
    recording = on_instances()
    assert recording.children(recording.component("Instances")) == {
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


def test_a_container_gets_nothing_of_the_metadata_service() -> None:
    template = on_instances().one("LaunchTemplate").inputs
    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_instances_have_no_public_address_no_key_pair_and_an_encrypted_volume() -> None:
    template = on_instances(instanceVolumeGib=50).one("LaunchTemplate").inputs
    (interface,) = template["networkInterfaces"]
    assert interface["associatePublicIpAddress"] == "false"
    assert "keyName" not in template
    (mapping,) = template["blockDeviceMappings"]
    ebs = mapping["ebs"]
    assert (ebs["encrypted"], ebs["volumeType"], ebs["volumeSize"]) == ("true", "gp3", 50)


def test_the_agent_joins_the_stacks_cluster_and_keeps_to_the_opened_ports() -> None:
    template = on_instances(instanceReservedMib=128).one("LaunchTemplate").inputs
    script = base64.b64decode(template["userData"]).decode().splitlines()
    assert script[0] == "#!/bin/bash"
    assert script[2:5] == [
        "ECS_CLUSTER=ecs-cluster-dev",
        "ECS_DYNAMIC_HOST_PORT_RANGE=32768-60999",
        "ECS_RESERVED_MEMORY=128",
    ]


def test_only_the_load_balancer_reaches_instances_on_the_agents_ports_only() -> None:
    recording = on_instances()
    (group,) = recording.one("LaunchTemplate").inputs["networkInterfaces"][0]["securityGroups"]
    balancers = recording.one("LoadBalancer").inputs["securityGroups"]
    rules = recording.all("SecurityGroupIngressRule")
    (ingress,) = [each.inputs for each in rules if each.inputs["securityGroupId"] == group]
    assert (ingress["fromPort"], ingress["toPort"]) == (32768, 60999)
    assert [ingress["referencedSecurityGroupId"]] == balancers
    rules = recording.all("SecurityGroupEgressRule")
    (egress,) = [each.inputs for each in rules if each.inputs["securityGroupId"] in balancers]
    assert (egress["fromPort"], egress["toPort"]) == (32768, 60999)
    assert egress["referencedSecurityGroupId"] == group


def test_egress_is_the_instances() -> None:
    recording = on_instances(egress=["10.0.0.0/8:5432"])
    (group,) = recording.one("LaunchTemplate").inputs["networkInterfaces"][0]["securityGroups"]
    rule = recording.one("SecurityGroupEgressRule", "instances-to-10-0-0-0-8-5432")
    assert rule.inputs["securityGroupId"] == group


def test_the_instances_role_is_its_own_clusters() -> None:
    recording = on_instances()
    (trust,) = document(recording.one("Role", "instances"), "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    allowed: dict[str, str] = {}
    for statement in document(recording.one("RolePolicy", "instances"), "policy"):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
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


def test_ecs_owns_the_number_of_instances_and_nothing_waits_for_it() -> None:
    group = on_instances(minInstances=1, maxInstances=5).one("Group").inputs
    assert (group["minSize"], group["maxSize"]) == (1, 5)
    assert "desiredCapacity" not in group
    assert group["waitForCapacityTimeout"] == "0"
    tags = {each["key"]: each for each in group["tags"]}
    assert tags["AmazonECSManaged"]["propagateAtLaunch"] is True


def test_a_refresh_starts_with_each_version_and_replaces_protected_instances() -> None:
    group = on_instances().one("Group").inputs
    assert group["launchTemplate"]["version"] == "1", "$Latest would never change"
    assert group["protectFromScaleIn"] is True
    assert group["instanceRefresh"]["strategy"] == "Rolling"
    assert group["instanceRefresh"]["preferences"]["scaleInProtectedInstances"] == "Refresh"


def test_nothing_that_would_replace_the_group_is_set() -> None:
    group = on_instances().one("Group").inputs
    assert not {"name", "namePrefix", "initialLifecycleHooks"} & group.keys()
    for key, value in (
        ("instanceType", "t3.medium"),
        ("instanceVolumeGib", 60),
        ("instanceReservedMib", 100),
        ("maxInstances", 9),
        ("targetCapacityPercent", 50),
    ):
        done = recorder.run("dev", after=on_instances(), **{**ON_INSTANCES, key: value}).done()
        assert "replace" not in {operation for operation, _ in done}, key


def test_the_provider_scales_protects_and_drains() -> None:
    provider = on_instances(targetCapacityPercent=80).one("CapacityProvider").inputs
    assert "name" not in provider, "a replacement must be possible before the deletion"
    settings = provider["autoScalingGroupProvider"]
    assert settings["managedDraining"] == "ENABLED"
    assert settings["managedTerminationProtection"] == "ENABLED"
    assert settings["managedScaling"] == {
        "status": "ENABLED",
        "targetCapacity": 80,
        "instanceWarmupPeriod": 120,
    }


def test_tasks_on_instances_share_a_bridge_and_have_dynamic_host_ports() -> None:
    recording = on_instances(containerPort=4567)
    definition = recording.one("TaskDefinition").inputs
    assert definition["requiresCompatibilities"] == ["EC2"]
    assert definition["networkMode"] == "bridge"
    (container,) = json.loads(definition["containerDefinitions"])
    assert container["portMappings"] == [{"containerPort": 4567, "hostPort": 0, "protocol": "tcp"}]
    target = recording.one("TargetGroup").inputs
    assert target["targetType"] == "instance"
    assert target["healthCheck"]["port"] == "traffic-port"


def test_a_service_on_instances_names_its_provider_and_neither_network_nor_role() -> None:
    recording = on_instances()
    service = recording.one("Service").inputs
    assert service["name"] == "dev-web-ec2"
    (association,) = recording.all("ClusterCapacityProviders")
    providers = association.inputs["capacityProviders"]
    assert providers[:2] == ["FARGATE", "FARGATE_SPOT"]
    assert service["capacityProviderStrategies"] == [
        {"capacityProvider": providers[2], "base": 0, "weight": 1}
    ]
    assert "defaultCapacityProviderStrategies" not in association.inputs
    absent = {"launchType", "networkConfiguration", "iamRole", "forceNewDeployment"}
    assert not absent & service.keys()
    assert "orderedPlacementStrategies" not in service


def test_everything_that_tasks_need_is_created_before_and_deleted_after_the_service() -> None:
    recording = on_instances()
    needed = before(recording, recording.one("Service"))
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
    group = recording.one("Group")
    assert group.inputs["forceDelete"] is True, "its deletion waits for a hook that nothing handles"
    assert "Cluster cluster" in before(recording, group), "a cluster with instances can't go"


def test_with_endpoints_agents_have_theirs_and_the_instances_wait_for_them() -> None:
    recording = on_instances(
        network="endpoints", image=PRIVATE_IMAGE, requireImageDigest=True, secrets={}
    )
    names = recorder.names(recording, "VpcEndpoint")
    agents = {f"endpoints-{each}" for each in ("ecs", "ecs-agent", "ecs-telemetry")}
    assert agents <= names
    needed = before(recording, recording.one("Group"))
    assert {f"VpcEndpoint {name}" for name in names} <= needed


def test_arm_instances_have_an_arm_image() -> None:
    changes = {"cpuArchitecture": "ARM64", "instanceType": "t4g.small"}
    recording = on_instances(**changes)
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
    assert "ClusterCapacityProviders capacity" in before(recording, recording.one("Service"))


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
def test_another_capacity_is_another_service_beside_the_old_one(
    start: dict[str, Any], changes: dict[str, Any]
) -> None:
    first = recorder.deployed("dev", **start)
    changed = recorder.run("dev", after=first, **changes)
    done = changed.done()
    assert {("create", "Service"), ("delete", "Service")} <= done
    assert not {kind for _, kind in done} & KEPT
    serving = [each for each in changed.all("ListenerRule") if each.name == "alb-50000"]
    assert f"Service {changed.one('Service').name}" in before(changed, serving[0])


def test_instances_and_spot_are_not_exchanged_in_one_run() -> None:
    first = recorder.deployed("dev", **ON_INSTANCES)
    with pytest.raises(SettingsError) as refusal:
        recorder.run("dev", after=first, network="nat", capacity="fargate-spot")
    chosen = "fargate-spot, where the cluster ecs-cluster-dev has 2 instances"
    allowed = "fargate for every service first; then fargate-spot, in a second run"
    assert f"capacity: {chosen}; allowed: {allowed}" in str(refusal.value)
    assert isinstance(refusal.value, pulumi.RunError)
