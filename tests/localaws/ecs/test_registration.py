"""Instances that register with their cluster, and reasons why others don't."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from localaws.ec2.fleet import ManagedScaling, Refresh
from localaws.ecs.instance_groups import groups, problem_of
from tests.localaws.ecs.instance_records import OnInstances, user_data

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def records() -> OnInstances:
    return OnInstances()


def why_not(records: OnInstances) -> str:
    """Return why the instances of the only group don't register; nothing if they do."""
    (group,) = groups(records.cloud)
    return group.why_not_registered


def test_instances_register_with_the_cluster_in_their_user_data(records: OnInstances) -> None:
    (group,) = groups(records.cloud)
    assert group.why_not_registered == ""
    assert (group.minimum, group.maximum, group.provider) == (2, 4, "instances")
    assert [zone for _, zone in group.subnets] == ["eu-west-1a", "eu-west-1c"]
    assert group.scaling == ManagedScaling(warm_up=120)
    assert group.termination_protection
    assert group.managed_draining, "ECS's default"
    assert group.refresh == Refresh(protected="Refresh")
    template = group.template
    assert (template.cluster, template.instance_type) == ("shop", "t3.small")
    assert (template.cpu, template.memory, template.ports) == (2048, 1901, (32768, 60999))
    assert template.security_groups == (records.instance_group.id,)
    assert template.version == f"{records.template.id}:1"
    assert not template.public


def test_reserved_memory_and_host_ports_come_from_the_user_data(records: OnInstances) -> None:
    data = user_data("shop", "ECS_RESERVED_MEMORY=64", "ECS_DYNAMIC_HOST_PORT_RANGE=40000-40100")
    records.change(records.template, userData=data)
    (group,) = groups(records.cloud)
    assert (group.template.memory, group.template.ports) == (1837, (40000, 40100))


def test_an_echo_into_the_agents_configuration_is_read(records: OnInstances) -> None:
    script = "#!/bin/bash\necho ECS_CLUSTER=shop >> /etc/ecs/ecs.config\n"
    records.change(records.template, userData=b64encode(script.encode()).decode())
    assert why_not(records) == ""


def _without_user_data(records: OnInstances) -> None:
    records.change(records.template, userData=None)


def _with_another_cluster(records: OnInstances) -> None:
    records.change(records.template, userData=user_data("shoop"))


def _without_profile(records: OnInstances) -> None:
    records.change(records.template, iamInstanceProfile=None)


def _with_another_trust(records: OnInstances) -> None:
    trusted = str(records.role.inputs["assumeRolePolicy"]).replace("ec2.", "ecs-tasks.")
    records.change(records.role, assumeRolePolicy=trusted)


def _without_a_permission(records: OnInstances) -> None:
    policy = str(records.policy.inputs["policy"]).replace("ecs:RegisterContainerInstance", "s3:*")
    records.change(records.policy, policy=policy)


def _with_a_permission_for_another_cluster(records: OnInstances) -> None:
    policy = json.loads(str(records.policy.inputs["policy"]))
    policy["Statement"][0]["Resource"] = f"{records.cluster.id}-2"
    records.change(records.policy, policy=json.dumps(policy))


def _without_https_egress(records: OnInstances) -> None:
    records.remove(records.https_rule)


def _without_a_route(records: OnInstances) -> None:
    records.remove(records.default_route)


def _in_public_subnets(records: OnInstances) -> None:
    subnets = [each.id for each in records.public]
    records.change(records.scaling_group, vpcZoneIdentifiers=subnets)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_without_user_data, "the user data make the agent join the cluster default, which"),
        (_with_another_cluster, "the user data make the agent join the cluster shoop, which"),
        (_without_profile, "the instances have no role"),
        (_with_another_trust, "role instances doesn't trust ec2.amazonaws.com"),
        (_without_a_permission, "role instances doesn't allow ecs:RegisterContainerInstance on"),
        (_with_a_permission_for_another_cluster, "role instances doesn't allow ecs:"),
        (_without_https_egress, "let nothing out on tcp 443"),
        (_without_a_route, "it has no route to the internet, and the VPC has no endpoints for ecs"),
        (_in_public_subnets, "internet gateway, and instances have no public address"),
    ],
)
def test_instances_that_could_not_register_in_aws_do_not_register(
    records: OnInstances, change: Callable[[OnInstances], None], why: str
) -> None:
    change(records)
    assert why in why_not(records)


def test_the_minimal_permissions_are_enough(records: OnInstances) -> None:
    cluster = records.cluster.id
    instances = cluster.replace(":cluster/", ":container-instance/")
    minimal = {
        "ecs:RegisterContainerInstance": cluster,
        "ecs:Poll": f"{instances}/*",
        "ecs:DiscoverPollEndpoint": "*",
    }
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in minimal.items()
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    records.change(records.policy, policy=json.dumps(policy))
    assert why_not(records) == ""
    statements[1]["Resource"] = instances.replace("shop", "other") + "/*"
    records.change(records.policy, policy=json.dumps(policy))
    assert "role instances doesn't allow ecs:Poll on" in why_not(records)


def test_awss_managed_policy_is_enough(records: OnInstances) -> None:
    records.remove(records.policy)
    records.make(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        role="instances",
        policyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    )
    assert why_not(records) == ""


def test_instances_with_public_addresses_need_no_nat_gateway(records: OnInstances) -> None:
    _in_public_subnets(records)
    interface = {"associatePublicIpAddress": "true", "securityGroups": [records.instance_group.id]}
    records.change(records.template, networkInterfaces=[interface], vpcSecurityGroupIds=None)
    (group,) = groups(records.cloud)
    assert group.why_not_registered == ""
    assert group.template.public


def test_three_endpoints_replace_the_route_to_the_internet(records: OnInstances) -> None:
    _without_a_route(records)
    for service in ("ecs", "ecs-agent", "ecs-telemetry"):
        assert "no endpoints for" in why_not(records)
        records.make(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId=records.vpc_.id,
            serviceName=f"com.amazonaws.eu-west-1.{service}",
            vpcEndpointType="Interface",
            subnetIds=[records.private[0].id],
            securityGroupIds=[records.instance_group.id],
        )
    assert why_not(records) == ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"instanceType": "t9.huge"}, "instance type t9.huge: the local AWS doesn't know"),
        ({"userData": user_data("shop", "ECS_RESERVED_MEMORY=lots")}, "allowed: MiB, such as 64"),
        (
            {"userData": user_data("shop", "ECS_DYNAMIC_HOST_PORT_RANGE=1")},
            "ECS_DYNAMIC_HOST_PORT_RANGE=1; allowed: FIRST-LAST",
        ),
    ],
)
def test_a_template_that_the_local_aws_cannot_launch_is_refused_with_what_to_do(
    records: OnInstances, change: dict[str, Any], problem: str
) -> None:
    assert problem_of(records.scaling_group, records.cloud) == ""
    records.change(records.template, **change)
    assert problem in problem_of(records.scaling_group, records.cloud)
    assert not list(groups(records.cloud))
