"""What an `awsx:ec2:Vpc` is made of: layouts and children recorded from the real component."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from google.protobuf import empty_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, resource_pb2

from localaws.awsx import VPC, Unsupported, construct, layout
from localaws.catalog import UNKNOWN
from localaws.property_values import from_wire, to_wire

ZONES = ("r-1a", "r-1b", "r-1c")
PUBLIC, PRIVATE, ISOLATED = {"type": "Public"}, {"type": "Private"}, {"type": "Isolated"}


@pytest.mark.parametrize(
    ("cidr", "zones", "specs", "expected"),
    [
        ("10.0.0.0/16", 2, [PUBLIC], ["10.0.0.0/17", "10.0.128.0/17"]),
        ("10.0.0.0/16", 2, [PUBLIC, PRIVATE], ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18", "10.0.192.0/18"]),
        (
            "10.1.0.0/16",
            2,
            [{**PUBLIC, "cidrMask": 24}, {**PRIVATE, "cidrMask": 20, "name": "app"}],
            ["10.1.0.0/24", "10.1.16.0/20", "10.1.128.0/24", "10.1.144.0/20"],
        ),
    ],
)
def test_subnets_lie_where_the_real_component_puts_them(
    cidr: str, zones: int, specs: list[dict[str, object]], expected: list[str]
) -> None:
    assert [plan.cidr for plan in layout("net", cidr, ZONES[:zones], specs)] == expected


def test_three_kinds_in_three_zones_get_a_sixteenth_each() -> None:
    plans = list(layout("net", "10.0.0.0/16", ZONES, [PUBLIC, PRIVATE, ISOLATED]))
    assert {plan.cidr.split("/")[1] for plan in plans} == {"20"}
    assert [plan.name for plan in plans[:3]] == ["net-public-1", "net-private-1", "net-isolated-1"]


def test_an_unused_spec_takes_its_space_but_makes_nothing() -> None:
    plans = list(layout("net", "10.0.0.0/16", ZONES[:1], [{"type": "Unused"}, PUBLIC]))
    assert [(plan.name, plan.cidr) for plan in plans] == [("net-public-1", "10.0.128.0/17")]


@given(zones=st.integers(1, 3), count=st.integers(1, 4), prefix=st.integers(16, 22))
def test_subnets_never_overlap_and_never_leave_the_vpc(zones: int, count: int, prefix: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.0.0.0/{prefix}")
    plans = layout("net", str(vpc), ZONES[:zones], [{"type": "Public", "name": str(n)} for n in range(count)])
    subnets = [ipaddress.IPv4Network(plan.cidr) for plan in plans]
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])


def test_ipv6_ranges_are_counted_through_the_zones_kind_by_kind() -> None:
    plans = layout("net", "10.0.0.0/16", ZONES[:2], [PUBLIC, PRIVATE])
    assert {plan.name: plan.ipv6_index for plan in plans} == {
        "net-public-1": 0,
        "net-public-2": 1,
        "net-private-1": 2,
        "net-private-2": 3,
    }


# What the engine is asked to register, held against recordings of the real component.


class Engine:
    """Answers registrations as an engine would: in a preview nothing has an id yet."""

    def __init__(self, *, preview: bool = False) -> None:
        self.preview = preview
        self.registered: list[Any] = []

    async def Invoke(self, _request: Any) -> Any:  # noqa: N802 — the protocol's name
        return resource_pb2.ResourceInvokeResponse(**{"return": to_wire({"names": list(ZONES)})})  # type: ignore[arg-type]

    async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        self.registered.append(request)
        identifier = "" if self.preview else f"{request.type.rpartition(':')[2]}-{len(self.registered)}"
        outputs = {**from_wire(request.object), "allocationId": UNKNOWN if self.preview else f"of-{identifier}"}
        if outputs.get("assignGeneratedIpv6CidrBlock"):
            outputs["ipv6CidrBlock"] = UNKNOWN if self.preview else "2001:db8:0:ab00::/56"
        return resource_pb2.RegisterResourceResponse(
            urn=f"urn:{request.type}::{request.name}", id=identifier, object=to_wire(outputs)
        )

    async def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802 — the protocol's name
        return empty_pb2.Empty()

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The inputs of each resource of a type, by name."""
        return {each.name: from_wire(each.object) for each in self.registered if each.type.endswith(f":{kind}")}

    def parents(self, kind: str) -> dict[str, str]:
        return {each.name: each.parent for each in self.registered if each.type.endswith(f":{kind}")}


def built(engine: Engine, **inputs: Any) -> dict[str, Any]:
    """The outputs of a network built from these inputs."""
    asked = {"subnetStrategy": "Auto", "numberOfAvailabilityZones": 2, **inputs}
    request = provider_pb2.ConstructRequest(type=VPC, name="net", inputs=to_wire(asked))
    return from_wire(asyncio.run(construct(engine, request, "7.51.0")).state)


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
def test_as_many_children_are_registered_as_by_the_real_component(
    strategy: str | None, zones: int, specs: list[dict[str, object]], children: int
) -> None:
    engine = Engine()
    gateways = {"natGateways": {"strategy": strategy}} if strategy else {}
    built(engine, numberOfAvailabilityZones=zones, subnetSpecs=specs, **gateways)
    assert len(engine.registered) == children + 1, "the children and the component"
    assert len({(each.type, each.name) for each in engine.registered}) == children + 1


def test_one_nat_gateway_in_the_first_zone_serves_every_private_subnet() -> None:
    engine = Engine()
    built(engine, subnetSpecs=[PUBLIC, PRIVATE], natGateways={"strategy": "Single"}, tags={"Stack": "dev"})
    (gateway,) = engine.of("NatGateway").values()
    home = engine.parents("NatGateway")["net-1"]
    assert home == engine.parents("Eip")["net-1"] == "urn:aws:ec2/subnet:Subnet::net-public-1"
    assert gateway["tags"] == engine.of("Eip")["net-1"]["tags"] == {"Stack": "dev", "Name": "net-1"}
    assert gateway["allocationId"].startswith("of-Eip-")
    routes = engine.of("Route")
    assert {name for name, route in routes.items() if "natGatewayId" in route} == {"net-private-1", "net-private-2"}
    assert len({route["natGatewayId"] for route in routes.values() if "natGatewayId" in route}) == 1


def test_a_nat_gateway_in_each_zone_serves_its_own_private_and_no_isolated_subnet() -> None:
    engine = Engine()
    outputs = built(engine, subnetSpecs=[PUBLIC, PRIVATE, ISOLATED], natGateways={"strategy": "OnePerAz"})
    gateways, routes = engine.of("NatGateway"), engine.of("Route")
    assert list(gateways) == ["net-1", "net-2"]
    assert len({gateway["subnetId"] for gateway in gateways.values()}) == 2
    assert len({routes[f"net-private-{zone}"]["natGatewayId"] for zone in (1, 2)}) == 2
    assert not [name for name in routes if "isolated" in name]
    assert {len(outputs[f"{kind}SubnetIds"]) for kind in ("public", "private", "isolated")} == {2}


def test_each_subnet_of_a_network_with_ipv6_has_a_64_of_its_own() -> None:
    engine = Engine()
    inputs = {"cidrBlock": "10.1.0.0/16", "natGateways": {"strategy": "None"}, "assignGeneratedIpv6CidrBlock": True}
    built(engine, subnetSpecs=[PUBLIC, {**PRIVATE, "name": "app"}], **inputs)
    assert {name: subnet["ipv6CidrBlock"] for name, subnet in engine.of("Subnet").items()} == {
        "net-public-1": "2001:db8:0:ab00::/64",
        "net-public-2": "2001:db8:0:ab01::/64",
        "net-app-1": "2001:db8:0:ab02::/64",
        "net-app-2": "2001:db8:0:ab03::/64",
    }


@pytest.mark.parametrize("ipv6", [False, True])
def test_subnets_hand_out_ipv6_addresses_exactly_where_the_vpc_has_a_range(*, ipv6: bool) -> None:
    engine = Engine()
    range_ = {"assignGeneratedIpv6CidrBlock": True} if ipv6 else {}
    built(engine, subnetSpecs=[PUBLIC, PRIVATE], **range_)
    assert {subnet["assignIpv6AddressOnCreation"] for subnet in engine.of("Subnet").values()} == {ipv6}


@pytest.mark.parametrize("preview", [False, True])
def test_the_outputs_refer_to_the_internet_gateway_and_to_every_route_table(*, preview: bool) -> None:
    engine = Engine(preview=preview)
    outputs = built(engine, subnetSpecs=[PUBLIC, PRIVATE])
    tables = outputs["routeTables"]
    assert [table["urn"].rpartition("::")[2] for table in tables] == [
        f"net-{kind}-{zone}" for zone in (1, 2) for kind in ("public", "private")
    ]
    assert outputs["internetGateway"]["urn"] == "urn:aws:ec2/internetGateway:InternetGateway::net"
    assert all((each["id"] is UNKNOWN) is preview for each in (outputs["internetGateway"], *tables))
    assert {each["packageVersion"] for each in tables} == {"7.51.0"}


def test_a_first_preview_knows_addresses_but_no_ids() -> None:
    engine = Engine(preview=True)
    outputs = built(engine, subnetSpecs=[PUBLIC, PRIVATE], assignGeneratedIpv6CidrBlock=True)
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
        ({"subnetSpecs": [PRIVATE], "natGateways": {"strategy": "Single"}}, "public subnets must be declared"),
        (
            {"subnetSpecs": [PUBLIC, PRIVATE], "numberOfAvailabilityZones": 4},
            "does not have at least 4 Availability Zones",
        ),
    ],
)
def test_what_the_real_component_refuses_is_refused_in_its_words(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(Engine(), **inputs)


@pytest.mark.parametrize(
    "inputs",
    [
        {"subnetStrategy": "Legacy"},
        {"vpcEndpointSpecs": [{"serviceName": "s3"}]},
        {"ipv4IpamPoolId": "ipam-pool-0"},
        {"natGateways": {"strategy": "Single", "elasticIpAllocationIds": ["eipalloc-0"]}},
    ],
)
def test_what_isnt_built_here_is_said_to_be_missing_here(inputs: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="the local awsx needs"):
        built(Engine(), subnetSpecs=[PUBLIC, PRIVATE], **inputs)
