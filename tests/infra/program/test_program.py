"""The whole program, with every stack file and with unusual configurations.

`recorder` describes what these tests can show.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi import CustomResource

from tests.infra import recorder
from tests.infra.recorder import word

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

RECORDINGS = (
    *("dev", "prod", "without_exec", "sealed", "existing_vpc", "another_image", "edge"),
    *("on_instances", "on_spot"),
)


@pytest.fixture(params=RECORDINGS)
def recording(request: pytest.FixtureRequest) -> Recording:
    found: Recording = request.getfixturevalue(request.param)
    return found


def test_the_local_stack_has_the_same_resources_as_dev(dev: Recording) -> None:
    assert recorder.identities(recorder.deployed("local")) == recorder.identities(dev)


def test_prod_has_devs_resources_with_logs_and_without_exec(
    dev: Recording, prod: Recording
) -> None:
    more = recorder.identities(prod) - recorder.identities(dev)
    assert {each for each in more if each[0].startswith("fargate-web:")} == {
        ("fargate-web:index:AccessLogs", "access-logs"),
        ("fargate-web:index:FlowLogs", "flow-logs"),
        ("fargate-web:index:Notifications", "alarms"),
    }
    less = recorder.identities(dev) - recorder.identities(prod)
    assert {name for _, name in less} == {"cluster-exec", "web-task"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_readme_names_the_resources_that_a_destroy_keeps(
    stack: str, request: pytest.FixtureRequest
) -> None:
    recording: Recording = request.getfixturevalue(stack)
    readme = (recorder.ROOT_FOLDER / "README.md").read_text()
    section = readme.partition("## Clean up")[2].partition("\n## ")[0]
    for each in (*recording.all("LogGroup"), *recording.all("Bucket")):
        if each.retain_on_delete:
            name = each.inputs["name"] if word(each.type) == "LogGroup" else f"{each.name}-"
            assert re.search(rf"{name}(?![\w/])", section), name


def test_prods_tasks_have_no_public_address_and_all_keep_running(prod: Recording) -> None:
    service = prod.one("Service").inputs
    assert service["networkConfiguration"]["assignPublicIp"] is False
    assert (service["enableExecuteCommand"], service["desiredCount"]) == (False, 2)
    assert service["deploymentMinimumHealthyPercent"] == 100, (
        "a deployment would take half of the tasks away"
    )
    assert recorder.container(prod)["readonlyRootFilesystem"] is True


def test_dev_is_exactly_these_resources(dev: Recording) -> None:
    assert Counter(each.type for each in dev.registered) == {
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


def test_every_taggable_resource_has_tags_of_its_project_stack_and_component(
    recording: Recording,
) -> None:
    taggable = [each for each in recording.registered if "tags" in _inputs_of(each.type)]
    assert len(taggable) > 10, "the classes' inputs were not found"
    for each in taggable:
        # The load balancer's component used to own target groups and rules; another tag would
        # change deployed stacks.
        routing = word(each.type) in {"TargetGroup", "ListenerRule"}
        owner = "alb" if routing else _component_of(recording, each)
        expected = {
            "Project": "fargate-web",
            "Stack": recording.stack,
            "ManagedBy": "Pulumi",
            "Component": owner,
        }
        tags = each.inputs.get("tags", {})
        if isinstance(tags, list):  # an Auto Scaling group's
            tags = {tag["key"]: tag["value"] for tag in tags}
        assert expected.items() <= tags.items(), f"{each.urn} carries {each.inputs.get('tags')}"


def test_resources_are_replaced_before_they_are_deleted(recording: Recording) -> None:
    deleted_first = {each.type for each in recording.registered if each.delete_before_replace}
    assert deleted_first <= {"aws:wafv2/webAclAssociation:WebAclAssociation"}, (
        "edge/test_waf.py has the reason"
    )


def test_no_output_was_converted_into_text(recording: Recording) -> None:
    inputs = json.dumps([each.inputs for each in recording.registered])
    assert "Calling __str__" not in inputs, "the SDK's text for a converted Output"


def test_every_component_registers_its_outputs(recording: Recording) -> None:
    components = [each for each in recording.registered if each.type.startswith("fargate-web:")]
    assert len(components) >= 3
    for each in components:
        assert recording.outputs[each.urn], f"{each.urn} has no outputs in the state"


def test_no_value_of_a_secret_is_read_or_stored(dev: Recording) -> None:
    lookups = [args for token, args in dev.invoked if "arameter" in token]
    assert lookups, "no lookup of the parameters was found"
    for args in lookups:
        assert args["name"].endswith(":999999999"), "the answer may hold a value"
        assert args["withDecryption"] is False
    assert "aws:ssm/parameter:Parameter" not in {each.type for each in dev.registered}, (
        "the parameters aren't ours"
    )


def test_security_group_rules_are_separate_resources(recording: Recording) -> None:
    for group in recording.all("SecurityGroup"):
        assert not {"ingress", "egress"} & group.inputs.keys(), (
            "inline and separate rules would overwrite each other"
        )
        assert "description" in group.inputs


def test_only_the_load_balancers_web_ports_are_open_to_the_world(recording: Recording) -> None:
    ports = {}
    for rule in recording.all("SecurityGroupIngressRule"):
        if not rule.inputs.keys().isdisjoint({"cidrIpv4", "cidrIpv6"}):
            ports[rule.name] = (rule.inputs["fromPort"], rule.inputs["toPort"])
    expected = {"alb-http": (80, 80)}
    if recording.exports["serviceUrl"].startswith("https:"):
        expected["alb-https"] = (443, 443)
    assert ports == expected


@pytest.mark.parametrize(
    ("which", "types"),
    [
        ("dev", set()),
        (
            "prod",
            {
                "awsx:ec2:Vpc",
                "aws:ec2/vpc:Vpc",
                "aws:ec2/internetGateway:InternetGateway",
                "aws:ec2/subnet:Subnet",
                "aws:ec2/routeTable:RouteTable",
                "aws:ec2/routeTableAssociation:RouteTableAssociation",
                "aws:ec2/route:Route",
                "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
                "aws:ec2/eip:Eip",
                "aws:ec2/natGateway:NatGateway",
                "aws:ecs/cluster:Cluster",
                "aws:lb/loadBalancer:LoadBalancer",
            },
        ),
    ],
)
def test_only_prods_resources_are_protected_and_only_those_that_no_deployment_replaces(
    request: pytest.FixtureRequest, which: str, types: set[str]
) -> None:
    recording: Recording = request.getfixturevalue(which)
    assert {each.type for each in recording.registered if each.protect} == types


def test_another_image_and_port_are_set_on_container_target_group_and_rules(
    another_image: Recording,
) -> None:
    container = recorder.container(another_image)
    assert container["image"].startswith("210987654321.dkr.ecr.")
    assert "command" not in container, "an empty list is the image's own command"
    assert "secrets" not in container
    assert container["environment"] == [{"name": "MODE", "value": "fast"}]
    assert container["portMappings"] == [
        {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}
    ]
    assert another_image.one("TargetGroup").inputs["healthCheck"]["path"] == "/healthz?deep=1"
    inbound = another_image.one("SecurityGroupIngressRule", "shop-from-ingress-8080")
    assert inbound.inputs["fromPort"] == 8080
    outbound = another_image.one("SecurityGroupEgressRule", "shop-from-ingress-8080")
    assert outbound.inputs["toPort"] == 8080
    service = another_image.one("Service")
    assert service.inputs["desiredCount"] == 7
    assert service.inputs["loadBalancers"][0]["containerPort"] == 8080
    task_definition = another_image.one("TaskDefinition")
    assert task_definition.inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"


def test_an_existing_vpc_is_used_and_not_changed(existing_vpc: Recording) -> None:
    vpc = recorder.made(existing_vpc.cloud, recorder.VPC)[0].id
    for each in existing_vpc.registered:
        assert not each.type.startswith(("awsx:", "aws:ec2/vpc", "aws:ec2/sub"))
    assert not existing_vpc.all("DefaultSecurityGroup"), (
        "other resources may rely on the default group"
    )
    assert existing_vpc.one("TargetGroup").inputs["vpcId"] == vpc
    subnets = {each.id for each in recorder.made(existing_vpc.cloud, recorder.SUBNET)}
    assert set(existing_vpc.one("LoadBalancer").inputs["subnets"]) == subnets
    assert set(existing_vpc.one("Service").inputs["networkConfiguration"]["subnets"]) == subnets


def test_two_stacks_fit_into_one_account(prod: Recording) -> None:
    cloud = recorder.deployed("first", file="dev").cloud
    second = recorder.run("second", file="prod", cloud=cloud)
    assert len(second.registered) == len(prod.registered), (
        "the first stack's resources are no obstacle"
    )


@pytest.mark.parametrize("which", RECORDINGS)
def test_the_outputs_name_the_registered_resources(
    request: pytest.FixtureRequest, which: str
) -> None:
    recording: Recording = request.getfixturevalue(which)
    service = recording.one("Service").inputs
    balancer = recording.cloud.get(
        "aws:lb/loadBalancer:LoadBalancer", recording.id(recording.one("LoadBalancer"))
    )
    assert balancer
    exports = dict(recording.exports)
    exec_log = exports.pop("execLogGroup", None)
    if which in {"without_exec", "prod"}:
        assert exec_log is None
    else:
        assert exec_log == f"/aws/ecs/ecs-cluster-{recording.stack}/exec"
    # What it is made of is in tests/infra/costs.
    assert exports.pop("monthlyCostUsd")["total"] > 0
    dns_name = balancer.outputs["dnsName"]
    # The service's own name also has its capacity.
    family = recording.one("TaskDefinition").inputs["family"]
    assert exports == {
        "albDns": dns_name,
        "serviceUrl": "https://shop.example.com" if which == "edge" else f"http://{dns_name}",
        "clusterName": f"ecs-cluster-{recording.stack}",
        "serviceName": service["name"],
        "targetGroupArn": service["loadBalancers"][0]["targetGroupArn"],
        "webLogGroup": f"/aws/ecs/ecs-cluster-{recording.stack}/{family}",
    }


def test_without_prices_a_run_prints_why_there_is_no_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda message, *_: lines.append(message))
    config = {**recorder.configuration("dev", {}), "aws:region": "eu-north-1"}
    recording = recorder.run_under(recorder.Recorder(recorder.account_for(config)), "dev", config)
    assert "monthlyCostUsd" not in recording.exports
    (line,) = lines
    assert "prices of eu-north-1 aren't known" in line
    assert "`python -m tools.prices eu-north-1`" in line


def _inputs_of(token: str) -> set[str]:
    """Return the inputs of the SDK's classes for a type token."""
    inputs: set[str] = set()
    classes: list[Any] = CustomResource.__subclasses__()
    for cls in classes:
        if getattr(cls, "pulumi_type", "") == token:
            inputs.update(cls._internal_init.__annotations__)
    return inputs


def _component_of(recording: Recording, resource: Registered) -> str:
    """Return the name of the topmost component that contains a resource."""
    by_urn = {each.urn: each for each in recording.registered}
    while resource.parent in by_urn:
        resource = by_urn[resource.parent]
    return resource.name
