"""The whole program, for every stack file and unusual configurations.

`recorder` describes what that can prove.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from pulumi import CustomResource

from tests.infra import recorder
from tests.infra.recorder import word

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

RECORDINGS = ("dev", "prod", "without_exec", "sealed", "existing_vpc", "another_image", "edge")


@pytest.fixture(params=RECORDINGS)
def recording(request: pytest.FixtureRequest) -> Recording:
    found: Recording = request.getfixturevalue(request.param)
    return found


def test_the_local_stack_is_devs_resources(dev: Recording) -> None:
    local = recorder.run("local")
    assert {(each.type, each.name) for each in local.registered} == {
        (each.type, each.name) for each in dev.registered
    }


def test_prod_is_devs_resources_and_what_watches_over_them(dev: Recording, prod: Recording) -> None:
    more = {(each.type, each.name) for each in prod.registered} - {
        (each.type, each.name) for each in dev.registered
    }
    assert {each for each in more if each[0].startswith("fargate-web:")} == {
        ("fargate-web:index:AccessLogs", "access-logs"),
        ("fargate-web:index:FlowLogs", "flow-logs"),
    }
    less = {(each.type, each.name) for each in dev.registered} - {
        (each.type, each.name) for each in prod.registered
    }
    assert {name for _, name in less} == {"cluster-exec", "web-task"}, "prod has no shells"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_readme_names_what_a_destroy_leaves(stack: str, request: pytest.FixtureRequest) -> None:
    recording: Recording = request.getfixturevalue(stack)
    left = [each.inputs["name"] for each in recording.all("LogGroup") if each.retain_on_delete]
    left += [f"{each.name}-" for each in recording.all("Bucket") if each.retain_on_delete]
    section = (
        (recorder.ROOT_FOLDER / "README.md")
        .read_text()
        .partition("## Clean up")[2]
        .partition("\n## ")[0]
    )
    assert [name for name in left if not re.search(rf"{name}(?![\w/])", section)] == []


def test_prods_tasks_are_out_of_reach_and_keep_running(prod: Recording) -> None:
    service = prod.one("Service").inputs
    assert service["networkConfiguration"]["assignPublicIp"] is False
    assert (service["enableExecuteCommand"], service["desiredCount"]) == (False, 2)
    assert service["deploymentMinimumHealthyPercent"] == 100, (
        "a deployment would take half of the tasks away"
    )
    assert _container(prod)["readonlyRootFilesystem"] is True


def test_dev_is_exactly_these_resources(dev: Recording) -> None:
    counts: dict[str, int] = {}
    for each in dev.registered:
        counts[each.type] = counts.get(each.type, 0) + 1
    assert counts == {
        "awsx:ec2:Vpc": 1,
        "aws:ec2/vpc:Vpc": 1,
        "aws:ec2/internetGateway:InternetGateway": 1,
        "aws:ec2/subnet:Subnet": 2,
        "aws:ec2/routeTable:RouteTable": 2,
        "aws:ec2/routeTableAssociation:RouteTableAssociation": 2,
        "aws:ec2/route:Route": 2,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": 1,
        "fargate-web:index:Cluster": 1,
        "aws:ecs/cluster:Cluster": 1,
        "fargate-web:index:LoadBalancedIngress": 1,
        "aws:lb/loadBalancer:LoadBalancer": 1,
        "aws:lb/listener:Listener": 1,
        "aws:lb/listenerRule:ListenerRule": 2,
        "aws:lb/targetGroup:TargetGroup": 1,
        "fargate-web:index:WebService": 1,
        "aws:ecs/taskDefinition:TaskDefinition": 1,
        "aws:ecs/service:Service": 1,
        "aws:iam/role:Role": 2,
        "aws:iam/rolePolicy:RolePolicy": 2,
        "aws:cloudwatch/logGroup:LogGroup": 2,
        "aws:ec2/securityGroup:SecurityGroup": 2,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 2,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": 2,
    }


def test_every_taggable_resource_says_whose_it_is(recording: Recording) -> None:
    taggable = [each for each in recording.registered if "tags" in _inputs_of(each.type)]
    assert len(taggable) > 10, "the classes' inputs were not found"
    for each in taggable:
        # These tags are from when the load balancer's component had target groups and rules as its
        # children; others would change deployed stacks.
        routing = word(each.type) in {"TargetGroup", "ListenerRule"}
        owner = "alb" if routing else _component_of(recording, each)
        expected = {
            "Project": "fargate-web",
            "Stack": recording.stack,
            "ManagedBy": "Pulumi",
            "Component": owner,
        }
        assert expected.items() <= each.inputs.get("tags", {}).items(), (
            f"{each.urn} carries {each.inputs.get('tags')}"
        )


def test_nothing_is_deleted_before_its_replacement_is_made(recording: Recording) -> None:
    first = [each.type for each in recording.registered if each.delete_before_replace]
    assert first in ([], ["aws:wafv2/webAclAssociation:WebAclAssociation"]), (
        "test_waf says why that one is"
    )


def test_no_output_was_turned_into_text(recording: Recording) -> None:
    assert "Calling __str__" not in json.dumps([each.inputs for each in recording.registered])


def test_every_component_registers_its_outputs(recording: Recording) -> None:
    for each in recording.registered:
        if each.type.startswith("fargate-web:"):
            assert recording.outputs[each.urn], f"{each.urn} shows nothing in the state"


def test_secrets_are_names_everywhere_and_values_nowhere(dev: Recording) -> None:
    asked = [args for token, args in dev.invoked if "arameter" in token]
    assert asked, "nothing looked for the parameters"
    for args in asked:
        assert args["name"].endswith(":999999999"), "the answer may hold a value"
        assert args["withDecryption"] is False
    assert "aws:ssm/parameter:Parameter" not in {each.type for each in dev.registered}, (
        "the parameters aren't ours"
    )


def test_security_group_rules_are_resources_of_their_own(recording: Recording) -> None:
    for group in recording.all("SecurityGroup"):
        assert not {"ingress", "egress"} & group.inputs.keys(), (
            "inline and separate rules would fight for ever"
        )
        assert "description" in group.inputs


def test_only_the_load_balancers_web_ports_are_open_to_the_world(recording: Recording) -> None:
    rules = recording.all("SecurityGroupIngressRule")
    open_ones = [each for each in rules if "cidrIpv4" in each.inputs or "cidrIpv6" in each.inputs]
    ports = {each.name: (each.inputs["fromPort"], each.inputs["toPort"]) for each in open_ones}
    https = (
        {"alb-https": (443, 443)} if recording.exports["serviceUrl"].startswith("https:") else {}
    )
    assert ports == {"alb-http": (80, 80), **https}


@pytest.mark.parametrize(
    ("which", "urns"),
    [
        ("dev", set()),
        (
            "prod",
            {
                *(
                    "awsx:ec2:Vpc",
                    "aws:ec2/vpc:Vpc",
                    "aws:ec2/internetGateway:InternetGateway",
                    "aws:ec2/subnet:Subnet",
                ),
                *(
                    "aws:ec2/routeTable:RouteTable",
                    "aws:ec2/routeTableAssociation:RouteTableAssociation",
                ),
                *("aws:ec2/route:Route", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"),
                *("aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway"),
                *("aws:ecs/cluster:Cluster", "aws:lb/loadBalancer:LoadBalancer"),
            },
        ),
    ],
)
def test_only_prod_protects_and_only_what_no_deployment_replaces(
    request: pytest.FixtureRequest, which: str, urns: set[str]
) -> None:
    recording: Recording = request.getfixturevalue(which)
    assert {each.type for each in recording.registered if each.protect} == urns


def test_a_private_registrys_image_and_any_port_work(another_image: Recording) -> None:
    container = _container(another_image)
    assert container["image"].startswith("210987654321.dkr.ecr.")
    assert "command" not in container, "an empty list is the image's own command"
    assert "secrets" not in container
    assert container["environment"] == [{"name": "MODE", "value": "fast"}]
    assert container["portMappings"] == [
        {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}
    ]
    assert another_image.one("TargetGroup").inputs["healthCheck"]["path"] == "/healthz?deep=1"
    assert (
        another_image.one("SecurityGroupIngressRule", "shop-from-ingress-8080").inputs["fromPort"]
        == 8080
    )
    assert (
        another_image.one("SecurityGroupEgressRule", "shop-from-ingress-8080").inputs["toPort"]
        == 8080
    )
    assert another_image.one("Service").inputs["desiredCount"] == 7
    assert another_image.one("Service").inputs["loadBalancers"][0]["containerPort"] == 8080
    assert (
        another_image.one("TaskDefinition").inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    )


def test_an_existing_vpc_is_used_and_left_alone(existing_vpc: Recording) -> None:
    vpc = recorder.made(existing_vpc.cloud, recorder.VPC)[0].id
    assert not [
        each
        for each in existing_vpc.registered
        if each.type.startswith(("awsx:", "aws:ec2/vpc", "aws:ec2/sub"))
    ]
    assert not existing_vpc.all("DefaultSecurityGroup"), (
        "other resources may rely on the default group"
    )
    assert existing_vpc.one("TargetGroup").inputs["vpcId"] == vpc
    subnets = {each.id for each in recorder.made(existing_vpc.cloud, recorder.SUBNET)}
    assert set(existing_vpc.one("LoadBalancer").inputs["subnets"]) == subnets
    assert set(existing_vpc.one("Service").inputs["networkConfiguration"]["subnets"]) == subnets


def test_two_stacks_share_an_account(prod: Recording) -> None:
    cloud = recorder.run("first", file="dev").cloud
    second = recorder.run("second", file="prod", cloud=cloud)
    assert len(second.registered) == len(prod.registered), (
        "nothing of the first stack was in the way"
    )


@pytest.mark.parametrize("which", RECORDINGS)
def test_the_outputs_name_what_was_made(request: pytest.FixtureRequest, which: str) -> None:
    recording: Recording = request.getfixturevalue(which)
    service = recording.one("Service").inputs
    balancer = recording.cloud.get(
        "aws:lb/loadBalancer:LoadBalancer", recording.id(recording.one("LoadBalancer"))
    )
    assert balancer
    exports = dict(recording.exports)
    exec_log = {"execLogGroup": "/aws/ecs/ecs-cluster-" + recording.stack + "/exec"}
    assert exports == {
        "albDns": balancer.outputs["dnsName"],
        "serviceUrl": "https://shop.example.com"
        if which == "edge"
        else f"http://{balancer.outputs['dnsName']}",
        "clusterName": f"ecs-cluster-{recording.stack}",
        "serviceName": service["name"],
        "targetGroupArn": service["loadBalancers"][0]["targetGroupArn"],
        "webLogGroup": f"/aws/ecs/ecs-cluster-{recording.stack}/{service['name']}",
        **({} if which in {"without_exec", "prod"} else exec_log),
    }


def _container(recording: Recording) -> dict[str, Any]:
    (container,) = json.loads(recording.one("TaskDefinition").inputs["containerDefinitions"])
    found: dict[str, Any] = container
    return found


def _inputs_of(token: str) -> set[str]:
    """The inputs that the class behind a type token takes."""
    known: list[Any] = CustomResource.__subclasses__()
    return {
        name
        for cls in known
        if getattr(cls, "pulumi_type", "") == token
        for name in cls._internal_init.__annotations__
    }


def _component_of(recording: Recording, resource: Registered) -> str:
    """The name of the topmost component that a resource is part of."""
    by_urn = {each.urn: each for each in recording.registered}
    while resource.parent in by_urn:
        resource = by_urn[resource.parent]
    return resource.name
