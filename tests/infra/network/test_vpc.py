"""The VPC that a stack makes, and its tasks' ways out of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.network.endpoints import needed
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

OWN_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop:1"
PRIVATE = ("nat", "nat-per-zone", "endpoints")


@pytest.fixture(scope="module")
def endpoints() -> Recording:
    return recorder.run("dev", network="endpoints", image=OWN_IMAGE)


@pytest.fixture(scope="module", params=PRIVATE)
def private(request: pytest.FixtureRequest, endpoints: Recording) -> Recording:
    return endpoints if request.param == "endpoints" else recorder.run("dev", network=request.param)


def test_the_vpc_is_awsxs_with_public_subnets_and_no_nat_gateway(dev: Recording) -> None:
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


def test_subnets_hand_out_no_public_addresses_by_themselves(
    dev: Recording, private: Recording
) -> None:
    for recording in (dev, private):
        assert {each.inputs["mapPublicIpOnLaunch"] for each in recording.all("Subnet")} == {False}


def test_the_vpcs_default_security_group_is_closed(dev: Recording) -> None:
    group = dev.one("DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])
    assert group.inputs["vpcId"] == dev.id(dev.one("Vpc"))


@pytest.mark.parametrize("zones", [2, 3])
def test_a_vpc_spans_as_many_zones_as_asked_for(zones: int) -> None:
    recording = recorder.run("dev", availabilityZoneCount=zones, vpcCidr="10.9.0.0/24")
    assert len({each.inputs["availabilityZone"] for each in recording.all("Subnet")}) == zones
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
def test_private_subnets_lead_out_by_one_gateway_or_by_that_of_their_zone(
    mode: str, gateways: int
) -> None:
    recording = recorder.run("dev", network=mode, availabilityZoneCount=3)
    assert len(recording.all("NatGateway")) == len(recording.all("Eip")) == gateways
    public = set(ids(recording, "public"))
    assert {each.inputs["subnetId"] for each in recording.all("NatGateway")} <= public
    by_route = [each.inputs["natGatewayId"] for each in routes(recording, "private")]
    assert (len(by_route), len(set(by_route))) == (3, gateways)


def test_with_endpoints_nothing_leads_out(endpoints: Recording) -> None:
    assert not endpoints.all("NatGateway")
    assert not routes(endpoints, "private")
    rules = [each for each in endpoints.all("SecurityGroupEgressRule") if "cidrIpv4" in each.inputs]
    assert not rules, "tasks reach the endpoints, and S3's prefix list"


def test_endpoints_are_reached_on_443_and_only_by_tasks(endpoints: Recording) -> None:
    group = endpoints.id(endpoints.one("SecurityGroup", "endpoints"))
    tasks = endpoints.id(endpoints.one("SecurityGroup", "web"))
    into = [
        each
        for each in endpoints.all("SecurityGroupIngressRule")
        if each.inputs["securityGroupId"] == group
    ]
    assert [rule(each) for each in into] == [(tasks, 443, 443)]
    out_of = [
        each
        for each in endpoints.all("SecurityGroupEgressRule")
        if each.inputs["securityGroupId"] == tasks
    ]
    s3 = endpoints.cloud.all("aws:ec2/vpcEndpoint:VpcEndpoint")
    lists = {
        each.outputs["prefixListId"] for each in s3 if each.inputs["vpcEndpointType"] == "Gateway"
    }
    assert {rule(each) for each in out_of} == {(group, 443, 443), (lists.pop(), 443, 443)}
    for each in endpoints.all("VpcEndpoint"):
        if each.inputs["vpcEndpointType"] == "Interface":
            assert (each.inputs["securityGroupIds"], each.inputs["privateDnsEnabled"]) == (
                [group],
                True,
            )
            assert sorted(each.inputs["subnetIds"]) == sorted(ids(endpoints, "private"))


def test_tasks_wait_for_every_endpoint(endpoints: Recording) -> None:
    (way,) = [
        each
        for each in endpoints.all("SecurityGroupEgressRule")
        if each.name == "web-endpoints" and each.urn in endpoints.one("Service").dependencies
    ]
    interfaces = {each.urn for each in endpoints.all("VpcEndpoint") if each.name != "endpoints-s3"}
    assert interfaces <= way.dependencies, "the first tasks couldn't pull their image"


def test_the_names_of_services_lead_to_the_endpoints(endpoints: Recording) -> None:
    vpc = endpoints.one("Vpc", "network").inputs
    assert (vpc["enableDnsHostnames"], vpc["enableDnsSupport"]) == (True, True)


def test_images_come_through_the_private_subnets_way_to_s3(endpoints: Recording) -> None:
    (gateway,) = [
        each for each in endpoints.all("VpcEndpoint") if each.inputs["vpcEndpointType"] == "Gateway"
    ]
    tables = {
        each.inputs["routeTableId"]
        for each in endpoints.all("RouteTableAssociation")
        if each.inputs["subnetId"] in ids(endpoints, "private")
    }
    assert set(gateway.inputs["routeTableIds"]) == tables


def test_s3s_endpoint_leads_to_images_and_to_what_tasks_are_granted_and_no_further() -> None:
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
    (policy,) = [
        each.inputs["policy"] for each in recording.all("VpcEndpoint") if "policy" in each.inputs
    ]
    assert json.loads(policy)["Statement"] == [
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
    found = needed(secret_services=secrets, ecs_exec=exec_on, session_key=key)
    assert found == ("ecr.api", "ecr.dkr", "logs", *more)


@pytest.mark.parametrize(("network", "private_routes"), [("public", 0), ("nat", 2)])
def test_ipv6_leads_both_ways_in_public_and_only_outward_in_private(
    network: str, private_routes: int
) -> None:
    recording = recorder.run("dev", network=network, dualStack=True)
    assert all("ipv6CidrBlock" in each.inputs for each in recording.all("Subnet"))
    ipv6 = [
        each
        for each in recording.all("Route")
        if each.inputs.get("destinationIpv6CidrBlock") == "::/0"
    ]
    assert sum("gatewayId" in each.inputs for each in ipv6) == 2
    assert sum("egressOnlyGatewayId" in each.inputs for each in ipv6) == private_routes
    https = recording.one("SecurityGroupEgressRule", "web-https-ipv6").inputs
    assert (https["cidrIpv6"], https["fromPort"], https["toPort"]) == ("::/0", 443, 443)


def test_a_network_mode_changes_no_name_of_what_is_deployed_today(
    dev: Recording, private: Recording
) -> None:
    gone = {(each.type, each.name) for each in dev.registered} - {
        (each.type, each.name) for each in private.registered
    }
    assert {name for _, name in gone} <= {"web-https"}, (
        "the VPC, its subnets and the service keep their names"
    )


def ids(recording: Recording, kind: str) -> list[str]:
    return [recording.id(each) for each in recording.all("Subnet") if f"-{kind}-" in each.name]


def routes(recording: Recording, kind: str) -> list[Registered]:
    return [each for each in recording.all("Route") if f"-{kind}-" in each.name]


def rule(each: Registered) -> tuple[Any, ...]:
    assert "cidrIpv4" not in each.inputs, json.dumps(each.inputs)
    peer = each.inputs.get("referencedSecurityGroupId") or each.inputs["prefixListId"]
    return peer, each.inputs["fromPort"], each.inputs["toPort"]
