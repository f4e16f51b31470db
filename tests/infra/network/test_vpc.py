"""The VPC that a stack creates, and the outbound routes of its tasks."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from infra.aws.endpoint_services import needed
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

OWN_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop:1"
PRIVATE = ("nat", "nat-per-zone", "endpoints")
S3 = "endpoints-s3"
"""Name of the gateway endpoint; all others are interface endpoints."""


@pytest.fixture(scope="module")
def endpoints() -> Recording:
    return recorder.run("dev", network="endpoints", image=OWN_IMAGE)


@pytest.fixture(scope="module", params=PRIVATE)
def private(request: pytest.FixtureRequest, endpoints: Recording) -> Recording:
    return endpoints if request.param == "endpoints" else recorder.run("dev", network=request.param)


def test_the_vpc_is_an_awsx_component_with_public_subnets_and_no_nat_gateway(
    dev: Recording,
) -> None:
    component = next(each for each in dev.registered if each.type == "awsx:ec2:Vpc")
    inputs = dict(component.inputs)
    del inputs["tags"]
    assert inputs == {
        "cidrBlock": "10.0.0.0/16",
        "numberOfAvailabilityZones": 2,
        "subnetStrategy": "Auto",
        "subnetSpecs": [{"type": "Public"}],
        "natGateways": {"strategy": "None"},
    }


def test_subnets_assign_no_public_addresses(dev: Recording, private: Recording) -> None:
    for recording in (dev, private):
        assert recorder.inputs_of(recording, "Subnet", "mapPublicIpOnLaunch") == {False}


def test_the_vpcs_default_security_group_is_closed(dev: Recording) -> None:
    group = dev.one("DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])
    assert group.inputs["vpcId"] == dev.id(dev.one("Vpc"))


@pytest.mark.parametrize("zones", [2, 3])
def test_a_vpc_spans_the_configured_number_of_zones(zones: int) -> None:
    recording = recorder.run("dev", availabilityZoneCount=zones, vpcCidr="10.9.0.0/24")
    assert len(recorder.inputs_of(recording, "Subnet", "availabilityZone")) == zones
    assert len(recording.one("LoadBalancer").inputs["subnets"]) == zones


def test_private_tasks_have_no_public_address_and_no_route_from_the_internet(
    private: Recording,
) -> None:
    network = private.one("Service").inputs["networkConfiguration"]
    assert network["assignPublicIp"] is False
    assert sorted(network["subnets"]) == sorted(ids(private, "private"))
    assert sorted(private.one("LoadBalancer").inputs["subnets"]) == sorted(ids(private, "public"))
    for route in routes(private, "private"):
        assert "gatewayId" not in route.inputs, f"{route.name} routes to the internet gateway"


@pytest.mark.parametrize(("mode", "gateways"), [("nat", 1), ("nat-per-zone", 3)])
def test_private_subnets_route_through_one_nat_gateway_or_through_one_in_each_zone(
    mode: str, gateways: int
) -> None:
    recording = recorder.run("dev", network=mode, availabilityZoneCount=3)
    assert len(recording.all("NatGateway")) == len(recording.all("Eip")) == gateways
    assert recorder.inputs_of(recording, "NatGateway", "subnetId") <= set(ids(recording, "public"))
    by_route = [each.inputs["natGatewayId"] for each in routes(recording, "private")]
    assert (len(by_route), len(set(by_route))) == (3, gateways)


def test_with_endpoints_there_is_no_route_to_the_internet(endpoints: Recording) -> None:
    assert not endpoints.all("NatGateway")
    assert not routes(endpoints, "private")
    assert not recorder.inputs_of(endpoints, "SecurityGroupEgressRule", "cidrIpv4"), (
        "tasks may connect only to the endpoints and to S3's prefix list"
    )


def test_only_tasks_connect_to_the_endpoints_and_only_on_443(endpoints: Recording) -> None:
    group = endpoints.id(endpoints.one("SecurityGroup", "endpoints"))
    tasks = endpoints.id(endpoints.one("SecurityGroup", "web"))
    s3 = endpoints.cloud.get(
        "aws:ec2/vpcEndpoint:VpcEndpoint", endpoints.id(endpoints.one("VpcEndpoint", S3))
    )
    assert s3
    assert rules_of(endpoints, "SecurityGroupIngressRule", group) == {(tasks, 443, 443)}
    assert rules_of(endpoints, "SecurityGroupEgressRule", tasks) == {
        (group, 443, 443),
        (s3.outputs["prefixListId"], 443, 443),
    }
    for each in interfaces(endpoints):
        assert each.inputs["securityGroupIds"] == [group]
        assert each.inputs["privateDnsEnabled"] is True
        assert sorted(each.inputs["subnetIds"]) == sorted(ids(endpoints, "private"))


def test_tasks_wait_for_every_endpoint(endpoints: Recording) -> None:
    rule = endpoints.one("SecurityGroupEgressRule", "web-endpoints")
    assert rule.urn in endpoints.one("Service").dependencies
    for each in interfaces(endpoints):
        assert each.urn in rule.dependencies, "the first tasks couldn't pull their image"


def test_the_names_of_aws_services_resolve_to_the_endpoints(endpoints: Recording) -> None:
    vpc = endpoints.one("Vpc", "network").inputs
    assert (vpc["enableDnsHostnames"], vpc["enableDnsSupport"]) == (True, True)


def test_the_private_subnets_route_to_s3_through_its_endpoint(endpoints: Recording) -> None:
    private_subnets = ids(endpoints, "private")
    tables = set()
    for association in endpoints.all("RouteTableAssociation"):
        if association.inputs["subnetId"] in private_subnets:
            tables.add(association.inputs["routeTableId"])
    assert set(endpoints.one("VpcEndpoint", S3).inputs["routeTableIds"]) == tables


def test_s3s_endpoint_allows_only_image_layers_and_the_buckets_of_the_task_policy() -> None:
    recording = recorder.run(
        "dev",
        network="endpoints",
        image=OWN_IMAGE,
        taskPolicyStatements=[
            {
                "Action": ["s3:PutObject", "sqs:SendMessage"],
                "Resource": ["arn:aws:s3:::a/*", "arn:aws:sqs:r:1:q"],
            },
            {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:r:1:q"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
        ],
    )
    assert recorder.statements(recording.one("VpcEndpoint", S3)) == [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::prod-ap-northeast-1-starport-layer-bucket/*",
        },
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:PutObject"],
            "Resource": ["arn:aws:s3:::a/*"],
        },
    ]


@pytest.mark.parametrize(
    ("secrets", "exec_on", "key", "more"),
    [
        ((), False, False, ()),
        (("ssm",), False, False, ("ssm",)),
        (("ssm", "secretsmanager"), True, False, ("secretsmanager", "ssm", "ssmmessages")),
        ((), True, True, ("ssmmessages", "kms")),
        ((), False, True, ()),
    ],
)
def test_only_the_services_that_tasks_call_have_endpoints(
    secrets: tuple[str, ...], *, exec_on: bool, key: bool, more: tuple[str, ...]
) -> None:
    for instances, of_agents in ((False, ()), (True, ("ecs", "ecs-agent", "ecs-telemetry"))):
        found = needed(
            secret_services=secrets, ecs_exec=exec_on, session_key=key, instances=instances
        )
        assert found == ("ecr.api", "ecr.dkr", "logs", *more, *of_agents)


@pytest.mark.parametrize(("network", "private_routes"), [("public", 0), ("nat", 2)])
def test_ipv6_routes_are_bidirectional_for_public_and_outbound_only_for_private_subnets(
    network: str, private_routes: int
) -> None:
    recording = recorder.run("dev", network=network, dualStack=True)
    subnets = recording.all("Subnet")
    assert len(subnets) == 2 + private_routes
    assert all("ipv6CidrBlock" in each.inputs for each in subnets)
    gateways = Counter[str]()
    for route in recording.all("Route"):
        if route.inputs.get("destinationIpv6CidrBlock") == "::/0":
            gateways.update(route.inputs.keys() & {"gatewayId", "egressOnlyGatewayId"})
    assert gateways["gatewayId"] == 2
    assert gateways["egressOnlyGatewayId"] == private_routes
    https = recording.one("SecurityGroupEgressRule", "web-https-ipv6").inputs
    assert (https["cidrIpv6"], https["fromPort"], https["toPort"]) == ("::/0", 443, 443)


def test_another_network_mode_keeps_the_names_of_resources(
    dev: Recording, private: Recording
) -> None:
    only_public = recorder.identities(dev) - recorder.identities(private)
    assert {name for _, name in only_public} <= {"web-https"}, (
        "the VPC, its subnets and the service keep their names"
    )


def ids(recording: Recording, kind: str) -> list[str]:
    return [recording.id(each) for each in recording.all("Subnet") if f"-{kind}-" in each.name]


def routes(recording: Recording, kind: str) -> list[Registered]:
    return [each for each in recording.all("Route") if f"-{kind}-" in each.name]


def interfaces(recording: Recording) -> list[Registered]:
    return [each for each in recording.all("VpcEndpoint") if each.name != S3]


def rules_of(recording: Recording, kind: str, group: str) -> set[tuple[str, int, int]]:
    """Return the peer and the ports of each rule of a security group."""
    found: set[tuple[str, int, int]] = set()
    for rule in recording.all(kind):
        inputs = rule.inputs
        if inputs["securityGroupId"] == group:
            assert "cidrIpv4" not in inputs, json.dumps(inputs)
            peer = inputs.get("referencedSecurityGroupId") or inputs["prefixListId"]
            found.add((peer, inputs["fromPort"], inputs["toPort"]))
    return found
