"""The components of awsx: their subnets and children, compared with recordings of the real ones."""

from __future__ import annotations

import ipaddress
import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.catalog import UNKNOWN
from localaws.protocol.awsx.monitor import Unsupported
from localaws.protocol.awsx.subnets import SubnetPlan, plans
from localaws.protocol.awsx.task_size import task_size
from localaws.protocol.awsx.vpc import VPC
from tests.localaws.protocol.recording_engine import ZONES, Engine, component

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLIC, PRIVATE, ISOLATED = {"type": "Public"}, {"type": "Private"}, {"type": "Isolated"}


def layout(
    name: str,
    cidr: str,
    zones: Sequence[str],
    specs: Sequence[dict[str, Any]] | None,
    strategy: str = "Auto",
) -> list[SubnetPlan]:
    return plans(name, cidr, zones, {"subnetSpecs": specs, "subnetStrategy": strategy})


@pytest.mark.parametrize(
    ("cidr", "zones", "specs", "expected"),
    [
        ("10.0.0.0/16", 2, [PUBLIC], ["10.0.0.0/17", "10.0.128.0/17"]),
        (
            "10.0.0.0/16",
            2,
            [PUBLIC, PRIVATE],
            ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18", "10.0.192.0/18"],
        ),
        (
            "10.1.0.0/16",
            2,
            [{**PUBLIC, "cidrMask": 24}, {**PRIVATE, "cidrMask": 20, "name": "app"}],
            ["10.1.0.0/24", "10.1.16.0/20", "10.1.128.0/24", "10.1.144.0/20"],
        ),
    ],
)
def test_subnets_have_the_ranges_of_the_real_component(
    cidr: str, zones: int, specs: list[dict[str, object]], expected: list[str]
) -> None:
    assert [plan.cidr for plan in layout("net", cidr, ZONES[:zones], specs)] == expected


def test_three_kinds_of_subnets_in_three_zones_get_a_sixteenth_of_the_vpc_each() -> None:
    found = layout("net", "10.0.0.0/16", ZONES, [PUBLIC, PRIVATE, ISOLATED])
    assert {plan.cidr.split("/")[1] for plan in found} == {"20"}
    assert [plan.name for plan in found[:3]] == ["net-public-1", "net-private-1", "net-isolated-1"]


def test_an_unused_spec_reserves_its_range_without_a_subnet() -> None:
    found = layout("net", "10.0.0.0/16", ZONES[:1], [{"type": "Unused"}, PUBLIC])
    assert [(plan.name, plan.cidr) for plan in found] == [("net-public-1", "10.0.128.0/17")]


@given(zones=st.integers(1, 3), count=st.integers(1, 4), prefix=st.integers(16, 22))
def test_subnets_dont_overlap_and_are_inside_the_vpc(zones: int, count: int, prefix: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.0.0.0/{prefix}")
    specs = [{"type": "Public", "name": str(number)} for number in range(count)]
    found = layout("net", str(vpc), ZONES[:zones], specs)
    subnets = [ipaddress.IPv4Network(plan.cidr) for plan in found]
    for subnet in subnets:
        assert subnet.subnet_of(vpc)
    for first, second in combinations(subnets, 2):
        assert not first.overlaps(second)


# Recorded from the real component's allocator, in the order of its subnets: public, private,
# isolated in each zone.
LEGACY: list[tuple[str, int, list[dict[str, Any]] | None, list[str]]] = [
    (
        "10.0.0.0/16",
        3,
        None,
        [
            "10.0.32.0/20",
            "10.0.0.0/19",
            "10.0.96.0/20",
            "10.0.64.0/19",
            "10.0.160.0/20",
            "10.0.128.0/19",
        ],
    ),
    ("10.0.0.0/16", 1, None, ["10.0.128.0/18", "10.0.0.0/17"]),
    ("10.0.0.0/16", 2, [PUBLIC], ["10.0.0.0/20", "10.0.128.0/20"]),
    (
        "10.0.0.0/16",
        2,
        [PUBLIC, PRIVATE],
        ["10.0.32.0/20", "10.0.0.0/19", "10.0.160.0/20", "10.0.128.0/19"],
    ),
    (
        "10.0.0.0/16",
        3,
        [PUBLIC, PRIVATE, ISOLATED],
        [
            "10.0.32.0/20",
            "10.0.0.0/19",
            "10.0.48.0/24",
            "10.0.96.0/20",
            "10.0.64.0/19",
            "10.0.112.0/24",
            "10.0.160.0/20",
            "10.0.128.0/19",
            "10.0.176.0/24",
        ],
    ),
    # Outside of the VPC; the real component doesn't notice that either.
    (
        "10.0.0.0/24",
        1,
        [PUBLIC, PRIVATE, ISOLATED],
        ["10.0.0.128/25", "10.0.0.0/25", "10.0.1.0/25"],
    ),
    # The second subnet is moved behind the first one, which it would overlap.
    (
        "10.0.0.0/18",
        1,
        [{**ISOLATED, "cidrMask": 22}, {**PUBLIC, "cidrMask": 21}],
        ["10.0.0.0/21", "10.0.8.0/22"],
    ),
    ("10.0.0.0/16", 1, [{**PRIVATE, "size": 256}, PUBLIC], ["10.0.16.0/20", "10.0.0.0/24"]),
]


@pytest.mark.parametrize(("cidr", "zones", "specs", "expected"), LEGACY)
def test_the_legacy_strategy_has_the_ranges_of_the_real_component(
    cidr: str, zones: int, specs: list[dict[str, Any]] | None, expected: list[str]
) -> None:
    assert [plan.cidr for plan in layout("net", cidr, ZONES[:zones], specs, "Legacy")] == expected


def test_both_strategies_have_the_same_default_subnets() -> None:
    legacy = layout("net", "10.0.0.0/16", ZONES, None, "Legacy")
    auto = layout("net", "10.0.0.0/16", ZONES, None, "Auto")
    assert [(plan.name, plan.cidr) for plan in legacy] == [(plan.name, plan.cidr) for plan in auto]


def test_a_spec_can_set_a_range_for_each_zone() -> None:
    ranges = ["10.0.8.0/24", "10.0.9.0/24"]
    found = layout("net", "10.0.0.0/16", ZONES[:2], [{**PUBLIC, "cidrBlocks": ranges}])
    assert [plan.cidr for plan in found] == ranges


def test_the_size_of_a_zones_range_can_be_set() -> None:
    inputs = {"subnetSpecs": [PUBLIC], "subnetStrategy": "Auto", "availabilityZoneCidrMask": 20}
    found = plans("net", "10.0.0.0/16", ZONES[:2], inputs)
    assert [plan.cidr for plan in found] == ["10.0.0.0/20", "10.0.16.0/20"]


def test_a_zones_name_can_be_in_the_name_tag_but_not_in_the_resources_name() -> None:
    inputs = {"subnetSpecs": [PUBLIC], "subnetNameTagStrategy": "AvailabilityZone"}
    zones = ["us-gov-west-1a", "us-gov-west-1b"]
    found = plans("net", "10.0.0.0/16", zones, inputs)
    assert [(plan.name, plan.name_tag) for plan in found] == [
        ("net-public-1", "net-public-1a"),
        ("net-public-2", "net-public-1b"),
    ]
    with pytest.raises(ValueError, match="distinct suffixes"):
        plans("net", "10.0.0.0/16", ["us-east-1a", "us-west-1a"], inputs)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([PUBLIC, PUBLIC], 'Multiple subnet specs of type "public" require unique names'),
        ([{**PUBLIC, "size": 300}], "subnet sizes are invalid: 300"),
        (
            [{**PUBLIC, "size": 256, "cidrMask": 25}],
            "does not match the expected size for a /25 subnet",
        ),
        (
            [{**PUBLIC, "cidrBlocks": ["10.0.0.0/24"]}, PRIVATE],
            "all subnets must have explicit cidrBlocks",
        ),
        (
            [{**PUBLIC, "cidrBlocks": ["10.0.0.0/24"]}],
            r"must match the number of availability zones \(2\)",
        ),
        (
            [{**PUBLIC, "cidrBlocks": ["10.0.0.0/24", "10.0.0.0/25"]}],
            "overlap with at least one other subnet",
        ),
        ([{**PUBLIC, "cidrMask": 17}, PRIVATE], "Subnets are too large for VPC"),
        ([], "No subnets specified"),
    ],
)
def test_specs_that_the_real_component_refuses_are_refused(
    specs: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        layout("net", "10.0.0.0/16", ZONES[:2], specs)


# The registrations of a VPC, compared with recordings of the real component.


async def built(engine: Engine, **inputs: Any) -> dict[str, Any]:
    """Construct a VPC with these inputs, and return its outputs."""
    return await component(
        engine, VPC, "net", **{"subnetStrategy": "Auto", "numberOfAvailabilityZones": 2, **inputs}
    )


@pytest.mark.parametrize(
    ("strategy", "zones", "specs", "children"),
    [
        ("None", 2, [PUBLIC], 10),
        ("Single", 2, [PUBLIC, PRIVATE], 20),
        (None, 3, [PUBLIC, PRIVATE], 32),
        ("OnePerAz", 3, [PUBLIC, PRIVATE, ISOLATED], 41),
        ("None", 2, [PUBLIC, PRIVATE], 16),
    ],
)
async def test_the_number_of_children_is_that_of_the_real_component(
    strategy: str | None, zones: int, specs: list[dict[str, object]], children: int
) -> None:
    engine = Engine()
    gateways = {"natGateways": {"strategy": strategy}} if strategy else {}
    await built(engine, numberOfAvailabilityZones=zones, subnetSpecs=specs, **gateways)
    assert len(engine.registered) == children + 1, "the children and the component"
    assert len({(each.type, each.name) for each in engine.registered}) == children + 1


async def test_one_nat_gateway_in_the_first_zone_serves_every_private_subnet() -> None:
    engine = Engine()
    await built(
        engine,
        subnetSpecs=[PUBLIC, PRIVATE],
        natGateways={"strategy": "Single"},
        tags={"Stack": "dev"},
    )
    (gateway,) = engine.of("NatGateway").values()
    parent = engine.parents("NatGateway")["net-1"]
    assert parent == engine.parents("Eip")["net-1"] == "urn:aws:ec2/subnet:Subnet::net-public-1"
    assert gateway["tags"] == engine.of("Eip")["net-1"]["tags"] == {"Stack": "dev", "Name": "net-1"}
    assert gateway["allocationId"].startswith("of-Eip-")
    routes = engine.of("Route")
    assert {name for name, route in routes.items() if "natGatewayId" in route} == {
        "net-private-1",
        "net-private-2",
    }
    assert len({route["natGatewayId"] for route in routes.values() if "natGatewayId" in route}) == 1


async def test_private_subnets_route_to_their_zones_nat_gateway_and_isolated_ones_to_none() -> None:
    engine = Engine()
    outputs = await built(
        engine, subnetSpecs=[PUBLIC, PRIVATE, ISOLATED], natGateways={"strategy": "OnePerAz"}
    )
    gateways, routes = engine.of("NatGateway"), engine.of("Route")
    assert list(gateways) == ["net-1", "net-2"]
    assert len({gateway["subnetId"] for gateway in gateways.values()}) == 2
    assert len({routes[f"net-private-{zone}"]["natGatewayId"] for zone in (1, 2)}) == 2
    assert not [name for name in routes if "isolated" in name]
    assert {len(outputs[f"{kind}SubnetIds"]) for kind in ("public", "private", "isolated")} == {2}


async def test_each_subnet_of_a_network_with_ipv6_has_its_own_64_range() -> None:
    engine = Engine()
    inputs = {
        "cidrBlock": "10.1.0.0/16",
        "natGateways": {"strategy": "None"},
        "assignGeneratedIpv6CidrBlock": True,
    }
    await built(engine, subnetSpecs=[PUBLIC, {**PRIVATE, "name": "app"}], **inputs)
    assert {name: subnet["ipv6CidrBlock"] for name, subnet in engine.of("Subnet").items()} == {
        "net-public-1": "2001:db8:0:ab00::/64",
        "net-public-2": "2001:db8:0:ab01::/64",
        "net-app-1": "2001:db8:0:ab02::/64",
        "net-app-2": "2001:db8:0:ab03::/64",
    }


@pytest.mark.parametrize("ipv6", [False, True])
async def test_subnets_assign_ipv6_addresses_if_the_vpc_has_a_range(*, ipv6: bool) -> None:
    engine = Engine()
    range_ = {"assignGeneratedIpv6CidrBlock": True} if ipv6 else {}
    await built(engine, subnetSpecs=[PUBLIC, PRIVATE], **range_)
    for subnet in engine.of("Subnet").values():
        assert subnet["assignIpv6AddressOnCreation"] is ipv6


@pytest.mark.parametrize("preview", [False, True])
async def test_the_outputs_refer_to_the_internet_gateway_and_to_every_route_table(
    *, preview: bool
) -> None:
    engine = Engine(preview=preview)
    outputs = await built(engine, subnetSpecs=[PUBLIC, PRIVATE])
    tables, gateway = outputs["routeTables"], outputs["internetGateway"]
    assert [table["urn"].rpartition("::")[2] for table in tables] == [
        "net-public-1",
        "net-private-1",
        "net-public-2",
        "net-private-2",
    ]
    assert gateway["urn"] == "urn:aws:ec2/internetGateway:InternetGateway::net"
    for each in (gateway, *tables):
        assert (each["id"] is UNKNOWN) is preview
        assert each["packageVersion"] == "7.51.0"


async def test_a_first_preview_has_ranges_but_no_ids() -> None:
    engine = Engine(preview=True)
    outputs = await built(engine, subnetSpecs=[PUBLIC, PRIVATE], assignGeneratedIpv6CidrBlock=True)
    assert outputs["vpcId"] is outputs["publicSubnetIds"] is UNKNOWN
    assert outputs["isolatedSubnetIds"] == []
    subnet = engine.of("Subnet")["net-public-1"]
    assert subnet["cidrBlock"] == "10.0.0.0/18"
    assert subnet["ipv6CidrBlock"] is UNKNOWN
    assert engine.of("NatGateway")["net-1"]["allocationId"] is UNKNOWN


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"subnetSpecs": [PUBLIC]}, "public subnets must be declared to host the NAT Gateway"),
        (
            {
                "subnetSpecs": [{**PUBLIC, "assignIpv6AddressOnCreation": True}],
                "natGateways": {"strategy": "None"},
            },
            "require the VPC to have an IPv6 CIDR block",
        ),
        (
            {"subnetSpecs": [PRIVATE], "natGateways": {"strategy": "Single"}},
            "public subnets must be declared",
        ),
        (
            {"subnetSpecs": [PUBLIC, PRIVATE], "numberOfAvailabilityZones": 4},
            "does not have at least 4 Availability Zones",
        ),
    ],
)
async def test_inputs_that_the_real_component_refuses_are_refused_with_its_message(
    inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await built(Engine(), **inputs)


@pytest.mark.parametrize(
    "inputs",
    [
        {"subnetStrategy": "Exact"},
        {"subnetStrategy": "AutoMerge"},
        {"vpcEndpointSpecs": [{"serviceName": "s3"}]},
        {"ipv4IpamPoolId": "ipam-pool-0"},
    ],
)
async def test_unsupported_inputs_are_reported(inputs: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="the local awsx needs"):
        await built(Engine(), subnetSpecs=[PUBLIC, PRIVATE], **inputs)


async def test_a_network_with_its_defaults_has_the_children_of_the_real_one() -> None:
    engine = Engine()
    outputs = await component(engine, VPC, "net")
    assert len(engine.registered) == 32 + 1, "the children and the component"
    assert {name: subnet["cidrBlock"] for name, subnet in engine.of("Subnet").items()} == {
        "net-public-1": "10.0.32.0/20",
        "net-private-1": "10.0.0.0/19",
        "net-public-2": "10.0.96.0/20",
        "net-private-2": "10.0.64.0/19",
        "net-public-3": "10.0.160.0/20",
        "net-private-3": "10.0.128.0/19",
    }
    assert list(engine.of("NatGateway")) == ["net-1", "net-2", "net-3"]
    assert len(outputs["publicSubnetIds"]) == len(outputs["privateSubnetIds"]) == 3
    for name in ("subnets", "routeTables", "routeTableAssociations", "routes"):
        assert len(outputs[name]) == 6
    for name in ("publicSubnets", "privateSubnets", "natGateways", "eips"):
        assert len(outputs[name]) == 3
    assert outputs["isolatedSubnets"] == outputs["vpcEndpoints"] == []
    assert outputs["vpc"]["urn"] == "urn:aws:ec2/vpc:Vpc::net"
    gateways = {each["urn"].rpartition("::")[2] for each in outputs["natGateways"]}
    assert gateways == {"net-1", "net-2", "net-3"}


async def test_the_vpcs_settings_and_region_are_passed_to_the_children() -> None:
    engine = Engine()
    await built(
        engine, subnetSpecs=[PUBLIC, PRIVATE], region="eu-central-1", instanceTenancy="dedicated"
    )
    assert engine.of("Vpc")["net"]["instanceTenancy"] == "dedicated"
    kinds = (
        "Vpc",
        "Subnet",
        "RouteTable",
        "RouteTableAssociation",
        "Route",
        "NatGateway",
        "Eip",
        "InternetGateway",
    )
    for kind in kinds:
        for each in engine.of(kind).values():
            assert each["region"] == "eu-central-1", kind


async def test_nat_gateways_can_use_existing_addresses() -> None:
    engine = Engine()
    gateways = {"strategy": "OnePerAz", "elasticIpAllocationIds": ["eipalloc-1", "eipalloc-2"]}
    await built(engine, subnetSpecs=[PUBLIC, PRIVATE], natGateways=gateways)
    assert engine.of("Eip") == {}
    assert [each["allocationId"] for each in engine.of("NatGateway").values()] == [
        "eipalloc-1",
        "eipalloc-2",
    ]
    for strategy, ids, message in (
        (
            "OnePerAz",
            ["eipalloc-1"],
            r"must match the number of availability zones for the VPC \(2\)",
        ),
        ("Single", ["eipalloc-1", "eipalloc-2"], "Exactly one Elastic IP"),
        ("None", ["eipalloc-1"], "cannot be specified when NAT Gateway strategy is 'None'"),
    ):
        gateways = {"strategy": strategy, "elasticIpAllocationIds": ids}
        with pytest.raises(ValueError, match=message):
            await built(Engine(), subnetSpecs=[PUBLIC, PRIVATE], natGateways=gateways)


# The other components, compared with recordings of the real ones.

ALB = "awsx:lb:ApplicationLoadBalancer"
SERVICE = "awsx:ecs:FargateService"
TASK_DEFINITION = "awsx:ecs:FargateTaskDefinition"
GROUP = {
    "4dabf18193072939515e22adb298388d": "5cf8f73096256a8f31e491e813e4eb8e",
    "urn": "urn:group",
    "id": "arn:group",
}
"""A reference to a target group, as a program's input has it."""

SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
CONTAINER: dict[str, Any] = {
    "image": "nginx",
    "cpu": 128,
    "memory": 512,
    "portMappings": [{"containerPort": 80}],
}
EVERYONE = {"cidrBlocks": ["0.0.0.0/0"], "ipv6CidrBlocks": ["::/0"]}
OPEN = {
    "ingress": [{"fromPort": 0, "toPort": 0, "protocol": "-1", **EVERYONE}],
    "egress": [{"fromPort": 0, "toPort": 65535, "protocol": "tcp", **EVERYONE}],
}


async def test_a_load_balancer_has_an_open_group_a_target_group_and_a_listener_by_default() -> None:
    engine = Engine()
    outputs = await component(engine, ALB, "lb")
    parent = f"urn:{ALB}::lb"
    assert {(each.type, each.name, each.parent) for each in engine.registered[1:]} == {
        ("aws:ec2/securityGroup:SecurityGroup", "lb", parent),
        ("aws:lb/loadBalancer:LoadBalancer", "lb", parent),
        ("aws:lb/targetGroup:TargetGroup", "lb", parent),
        ("aws:lb/listener:Listener", "lb-0", parent),
    }
    assert engine.of("SecurityGroup")["lb"] == {"vpcId": "vpc-default", **OPEN}
    assert engine.of("LoadBalancer")["lb"] == {
        "loadBalancerType": "application",
        "securityGroups": [outputs["defaultSecurityGroup"]["id"]],
        "subnets": ["subnet-a", "subnet-a"],
    }
    assert engine.of("TargetGroup")["lb"] == {
        "vpcId": "vpc-default",
        "targetType": "ip",
        "port": 80,
        "protocol": "HTTP",
    }
    listener = engine.of("Listener")["lb-0"]
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    assert [each["type"] for each in listener["defaultActions"]] == ["forward"]
    assert outputs["vpcId"] == "vpc-default"
    assert [each["urn"] for each in outputs["listeners"]] == ["urn:aws:lb/listener:Listener::lb-0"]


@pytest.mark.parametrize(
    ("inputs", "target", "listeners"),
    [
        ({"listener": {"port": 443}}, {"port": 443, "protocol": "HTTPS"}, [(443, "HTTPS")]),
        ({"listener": {"protocol": "HTTPS"}}, {"port": 443, "protocol": "HTTPS"}, [(443, "HTTPS")]),
        ({"listener": {"port": 8080}}, {"port": 8080, "protocol": "HTTP"}, [(8080, "HTTP")]),
        ({"defaultTargetGroupPort": 8080}, {"port": 8080, "protocol": "HTTP"}, [(8080, "HTTP")]),
        (
            {"defaultTargetGroup": {"port": 3000, "deregistrationDelay": 1}},
            {"port": 3000, "protocol": "HTTP", "deregistrationDelay": 1},
            [(80, "HTTP")],
        ),
        (
            {"listeners": [{"port": 80}, {"port": 443}]},
            {"port": 80, "protocol": "HTTP"},
            [(80, "HTTP"), (443, "HTTPS")],
        ),
        # The real component's own mistake: a list of one listener leaves the target group without a
        # port.
        ({"listeners": [{"port": 80}]}, {}, [(80, "HTTP")]),
    ],
)
async def test_ports_and_protocols_follow_the_listeners(
    inputs: dict[str, Any], target: dict[str, Any], listeners: list[tuple[int, str]]
) -> None:
    engine = Engine()
    await component(engine, ALB, "lb", **inputs)
    (group,) = engine.of("TargetGroup").values()
    assert group == {"vpcId": "vpc-default", "targetType": "ip", **target}
    found = engine.of("Listener").values()
    assert [(each["port"], each["protocol"]) for each in found] == listeners


@pytest.mark.parametrize(
    ("inputs", "subnets", "vpc"),
    [
        ({"subnetIds": ["subnet-1", "subnet-2"]}, ["subnet-1", "subnet-2"], "vpc-of-subnet"),
        ({"subnetIds": UNKNOWN}, UNKNOWN, UNKNOWN),
        ({"subnetIds": [UNKNOWN, UNKNOWN]}, [UNKNOWN, UNKNOWN], UNKNOWN),
        ({"subnetMappings": [{"subnetId": "subnet-1"}]}, None, "vpc-of-subnet"),
    ],
)
async def test_a_load_balancer_is_in_the_vpc_of_its_first_subnet(
    inputs: dict[str, Any], subnets: Any, vpc: Any
) -> None:
    engine = Engine()
    outputs = await component(engine, ALB, "lb", tags={"Stack": "dev"}, **inputs)
    balancer = engine.of("LoadBalancer")["lb"]
    assert balancer.get("subnets") == subnets
    assert balancer["tags"] == {"Stack": "dev"}
    assert outputs["vpcId"] == engine.of("TargetGroup")["lb"]["vpcId"] == vpc


async def test_a_load_balancer_can_have_existing_security_groups_or_none() -> None:
    for inputs, groups in (
        ({"securityGroups": ["sg-1"]}, ["sg-1"]),
        ({"defaultSecurityGroup": {"securityGroupId": "sg-2"}}, ["sg-2"]),
        ({"defaultSecurityGroup": {"skip": True}}, None),
    ):
        engine = Engine()
        outputs = await component(engine, ALB, "lb", **inputs)
        assert engine.of("LoadBalancer")["lb"].get("securityGroups") == groups
        assert engine.of("SecurityGroup") == {}
        assert "defaultSecurityGroup" not in outputs


async def test_a_service_has_a_task_definition_with_roles_and_logs_and_an_open_group() -> None:
    engine = Engine()
    mapping = {"containerPort": 80, "targetGroup": GROUP}
    outputs = await component(
        engine,
        SERVICE,
        "svc",
        cluster="arn:cluster",
        assignPublicIp=True,
        taskDefinitionArgs={"container": {**CONTAINER, "portMappings": [mapping]}},
    )
    parent, tasks = f"urn:{SERVICE}::svc", f"urn:{TASK_DEFINITION}::svc"
    assert {(each.type, each.name, each.parent) for each in engine.registered[1:]} == {
        (TASK_DEFINITION, "svc", parent),
        ("aws:cloudwatch/logGroup:LogGroup", "svc", tasks),
        ("aws:iam/role:Role", "svc-task", tasks),
        ("aws:iam/role:Role", "svc-execution", tasks),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "svc-execution-9a42f520", tasks),
        ("aws:ecs/taskDefinition:TaskDefinition", "svc", tasks),
        ("aws:ec2/securityGroup:SecurityGroup", "svc-sg", parent),
        ("aws:ecs/service:Service", "svc", parent),
    }
    definition = engine.of("TaskDefinition")["svc"]
    assert (definition["cpu"], definition["memory"]) == ("256", "512")
    assert definition["networkMode"] == "awsvpc"
    assert definition["requiresCompatibilities"] == ["FARGATE"]
    assert re.fullmatch(r"svc-[0-9a-f]{8}", definition["family"])
    (container,) = json.loads(definition["containerDefinitions"])
    # The service's port is the target group's, not the container's, and so is the host's.
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 8080}]
    assert container["name"] == "container"
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "name-of-svc",
            "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "container",
        },
    }
    service = engine.of("Service")["svc"]
    assert service["loadBalancers"] == [
        {"containerName": "container", "containerPort": 8080, "targetGroupArn": "arn:group"}
    ]
    assert service["networkConfiguration"]["assignPublicIp"] is True
    assert service["networkConfiguration"]["subnets"] == ["subnet-a", "subnet-a"]
    assert service["launchType"] == "FARGATE"
    assert service["desiredCount"] == 1
    assert service["waitForSteadyState"] is True
    assert service["cluster"] == "arn:cluster"
    assert not {"assignPublicIp", "taskDefinitionArgs"} & service.keys()
    assert engine.of("SecurityGroup")["svc-sg"] == {"vpcId": "vpc-default", **OPEN}
    assert outputs["service"]["urn"] == "urn:aws:ecs/service:Service::svc"


async def test_the_family_of_a_task_definition_depends_only_on_its_containers() -> None:
    async def family(**container: Any) -> str:
        engine = Engine()
        await component(engine, TASK_DEFINITION, "td", container={**CONTAINER, **container})
        return str(engine.of("TaskDefinition")["td"]["family"])

    assert await family() == await family() != await family(image="python")


async def test_a_secret_in_a_container_makes_the_definitions_a_secret() -> None:
    engine = Engine()
    value = {SECRET[0]: SECRET[1], "value": "hunter2"}
    await component(
        engine,
        TASK_DEFINITION,
        "td",
        container={**CONTAINER, "environment": [{"name": "A", "value": value}]},
    )
    definitions = engine.of("TaskDefinition")["td"]["containerDefinitions"]
    assert definitions[SECRET[0]] == SECRET[1]
    assert json.loads(definitions["value"])[0]["environment"] == [{"name": "A", "value": "hunter2"}]


async def test_containers_are_unknown_while_their_target_groups_are() -> None:
    engine = Engine(preview=True)
    engine.answers["getResource"] = {
        "urn": "",
        "id": "",
        "state": {"arn": UNKNOWN, "port": UNKNOWN},
    }
    mapping = {"containerPort": 80, "targetGroup": GROUP}
    outputs = await component(
        engine, TASK_DEFINITION, "td", container={**CONTAINER, "portMappings": [mapping]}
    )
    definition = engine.of("TaskDefinition")["td"]
    assert definition["containerDefinitions"] is definition["family"] is UNKNOWN
    assert outputs["loadBalancers"] is UNKNOWN
    assert definition["cpu"] == "256"


@pytest.mark.parametrize(
    ("inputs", "size", "balancers"),
    [
        ({"container": UNKNOWN}, (UNKNOWN, UNKNOWN), UNKNOWN),
        ({"containers": {"a": UNKNOWN, "b": CONTAINER}}, (UNKNOWN, UNKNOWN), UNKNOWN),
        ({"container": {**CONTAINER, "name": UNKNOWN}}, (UNKNOWN, UNKNOWN), UNKNOWN),
        ({"container": {**CONTAINER, "cpu": UNKNOWN}}, (UNKNOWN, UNKNOWN), []),
        ({"container": {**CONTAINER, "portMappings": UNKNOWN}}, ("256", "512"), UNKNOWN),
        ({"container": {**CONTAINER, "portMappings": [UNKNOWN]}}, ("256", "512"), UNKNOWN),
        (
            {"container": {**CONTAINER, "portMappings": [{"targetGroup": UNKNOWN}]}},
            ("256", "512"),
            UNKNOWN,
        ),
        ({"container": {**CONTAINER, "environment": UNKNOWN}}, ("256", "512"), []),
    ],
)
async def test_unknown_inputs_of_containers_make_the_outputs_unknown(
    inputs: dict[str, Any], size: tuple[Any, Any], balancers: Any
) -> None:
    engine = Engine(preview=True)
    outputs = await component(engine, TASK_DEFINITION, "td", **inputs)
    definition = engine.of("TaskDefinition")["td"]
    assert (definition["cpu"], definition["memory"]) == size
    assert definition["containerDefinitions"] is definition["family"] is UNKNOWN
    assert outputs["loadBalancers"] == balancers


async def test_the_subnets_of_tasks_are_unknown_while_assign_public_ip_is() -> None:
    engine = Engine()
    await component(engine, SERVICE, "svc", taskDefinition="arn:definition", assignPublicIp=UNKNOWN)
    network = engine.of("Service")["svc"]["networkConfiguration"]
    assert network["assignPublicIp"] is network["subnets"] is UNKNOWN


async def test_unknown_tags_of_a_network_are_unknown_in_its_children() -> None:
    engine = Engine(preview=True)
    await built(engine, subnetSpecs=[PUBLIC, PRIVATE], tags=UNKNOWN)
    for kind in ("Vpc", "Subnet", "RouteTable", "NatGateway", "Eip", "InternetGateway"):
        for each in engine.of(kind).values():
            assert each["tags"] is UNKNOWN, kind


async def test_roles_and_log_groups_can_be_existing_changed_or_left_out() -> None:
    engine = Engine()
    await component(
        engine,
        TASK_DEFINITION,
        "td",
        containers={"b": CONTAINER, "a": {**CONTAINER, "logConfiguration": {"logDriver": "none"}}},
        taskRole={"args": {"policyArns": ["arn:policy"], "path": "/own/"}},
        executionRole={"roleArn": "arn:role"},
        logGroup={"existing": {"arn": "arn:aws:logs:eu-north-1:123456789012:log-group:/own"}},
    )
    assert engine.of("LogGroup") == {}
    assert list(engine.of("Role")) == ["td-task"]
    assert engine.of("Role")["td-task"]["path"] == "/own/"
    (attachment,) = engine.of("RolePolicyAttachment").values()
    assert attachment["policyArn"] == "arn:policy"
    definition = engine.of("TaskDefinition")["td"]
    assert definition["executionRoleArn"] == "arn:role"
    assert (definition["cpu"], definition["memory"]) == ("256", "1024")
    first, second = json.loads(definition["containerDefinitions"])
    assert (first["name"], first["logConfiguration"]) == ("a", {"logDriver": "none"})
    options = second["logConfiguration"]["options"]
    assert (options["awslogs-group"], options["awslogs-region"]) == ("/own", "eu-north-1")

    bare = Engine()
    left_out = {key: {"skip": True} for key in ("taskRole", "executionRole", "logGroup")}
    await component(bare, TASK_DEFINITION, "td", container=CONTAINER, **left_out)
    assert [each.type.rpartition(":")[2] for each in bare.registered[1:]] == ["TaskDefinition"]
    (container,) = json.loads(bare.of("TaskDefinition")["td"]["containerDefinitions"])
    assert "logConfiguration" not in container


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (128, 512, ("256", "512")),
        (0, 0, ("256", "512")),
        # Half a vCPU, because a quarter can't have 3 GiB.
        (256, 3072, ("512", "3072")),
        (1024, 512, ("1024", "2048")),
        (32768, 1024, ("32768", "61440")),
    ],
)
def test_a_task_has_the_smallest_size_with_room_for_its_containers(
    cpu: int, memory: int, size: tuple[str, str]
) -> None:
    assert task_size([{"cpu": cpu, "memory": memory}]) == size


def test_a_containers_reservation_takes_precedence_over_its_limit() -> None:
    assert task_size([{"cpu": 128, "memory": 2048, "memoryReservation": 512}, {}]) == ("256", "512")
    with pytest.raises(ValueError, match=r"Requested: 33 vCPU and 1GB\. Max: 32 vCPU and 244GB"):
        task_size([{"cpu": 33 * 1024, "memory": 1024}])


async def test_the_default_vpc_component_looks_the_vpc_up_and_has_no_children() -> None:
    engine = Engine()
    outputs = await component(engine, "awsx:ec2:DefaultVpc", "default")
    assert len(engine.registered) == 1
    assert outputs == {
        "vpcId": "vpc-default",
        "publicSubnetIds": ["subnet-a", "subnet-a"],
        "privateSubnetIds": [],
    }


DEFINITION = {"taskDefinition": "arn:definition"}


@pytest.mark.parametrize(
    ("token", "inputs", "message"),
    [
        (
            ALB,
            {"subnetIds": ["s"], "subnetMappings": [{}]},
            r"Only one of \[subnets\], \[subnetIds\]",
        ),
        (
            ALB,
            {"listener": {"port": 80}, "listeners": [{"port": 80}]},
            r"Only one of \[listener\] and \[listeners\]",
        ),
        (
            ALB,
            {"defaultTargetGroup": {"port": 80}, "defaultTargetGroupPort": 80},
            "Only one of `defaultTargetGroup`",
        ),
        (
            ALB,
            {"defaultSecurityGroup": {"args": {"name": "a"}, "securityGroupId": "sg"}},
            "Only one of",
        ),
        (SERVICE, {}, "Either `taskDefinition` or `taskDefinitionArgs` must be provided"),
        (
            SERVICE,
            {**DEFINITION, "taskDefinitionArgs": {"container": CONTAINER}},
            "Only one of `taskDefinition`",
        ),
        (
            SERVICE,
            {**DEFINITION, "assignPublicIp": True, "networkConfiguration": {"subnets": []}},
            "Only one of",
        ),
        (SERVICE, DEFINITION, "The default VPC does not have any private subnets"),
        (SERVICE, {"taskDefinitionArgs": {}}, r"Exactly one of \[container\] or \[containers\]"),
        (
            TASK_DEFINITION,
            {"container": CONTAINER, "containers": {"a": CONTAINER}},
            "Exactly one of",
        ),
        (
            TASK_DEFINITION,
            {"container": CONTAINER, "taskRole": {"roleArn": "arn", "args": {"name": "a"}}},
            "Can't define role args",
        ),
        (
            TASK_DEFINITION,
            {"container": CONTAINER, "logGroup": {"existing": {"arn": "arn:aws:s3:::bucket"}}},
            "Invalid log group ARN",
        ),
    ],
)
async def test_inputs_that_the_other_components_refuse_are_refused(
    token: str, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await component(Engine(), token, "it", **inputs)


async def test_the_error_for_an_unsupported_component_names_the_supported_ones() -> None:
    with pytest.raises(
        Unsupported, match=r"builds .*awsx:ecs:FargateService.* instead of awsx:cloudtrail:Trail"
    ):
        await component(Engine(), "awsx:cloudtrail:Trail", "trail")
