"""`awsx.ec2.Vpc`: a VPC with its gateways, subnets and route tables."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.protocol.awsx.monitor import Registered, Unsupported, urns
from localaws.protocol.awsx.subnets import TYPES, SubnetPlan, plans
from localaws.protocol.property_values import unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.protocol.awsx.monitor import Monitor, Outputs
    from localaws.protocol.messages import provider_pb2

VPC = "awsx:ec2:Vpc"

_DEFAULT_CIDR = "10.0.0.0/16"
_VPC_SETTINGS = (
    "enableDnsHostnames",
    "enableDnsSupport",
    "assignGeneratedIpv6CidrBlock",
    "instanceTenancy",
    "region",
    "enableNetworkAddressUsageMetrics",
)
"""Inputs of the component that are the VPC's own."""

_STRATEGIES = ("Legacy", "Auto")


@dataclass(frozen=True)
class _Subnet:
    """A subnet that was created, with its route table."""

    plan: SubnetPlan
    subnet: Registered
    table: Registered
    association: Registered
    route: Registered | None = None
    """The route to the internet gateway; the routes to NAT gateways are created later."""


@dataclass(frozen=True)
class _Network:
    """The arguments that the creation of all children needs."""

    monitor: Monitor
    region: object
    tags: Any
    vpc: Registered
    gateway: Registered


async def vpc(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component and its children.

    Raises:
        Unsupported: The real awsx can do this, the local one can't.
        ValueError: The real awsx refuses it too.
    """
    inputs = unwrapped(monitor.inputs)
    name = monitor.name
    cidr = inputs.get("cidrBlock") or _DEFAULT_CIDR
    tags = inputs.get("tags") or {}
    region = inputs.get("region")
    _require_supported(inputs)
    zones = inputs.get("availabilityZoneNames") or await _first_zones(monitor, inputs)
    strategy = _nat_strategy(inputs)
    own_addresses = _elastic_addresses(inputs, strategy, len(zones))
    planned = plans(name, cidr, zones, inputs)
    _require_room_for_nat_gateways(strategy, planned)

    component = await monitor.component()
    settings = {key: inputs[key] for key in _VPC_SETTINGS if key in inputs}
    made = await monitor.child(
        "aws:ec2/vpc:Vpc",
        name,
        component,
        {"cidrBlock": cidr, **settings, "tags": _tags({"Name": name}, tags)},
        *monitor.needed,
    )
    gateway = await monitor.child(
        "aws:ec2/internetGateway:InternetGateway",
        name,
        made,
        {"vpcId": made.id, "region": region, "tags": _tags({"Name": name}, tags)},
        made,
    )
    network = _Network(monitor, region, tags, made, gateway)
    indexes = _ipv6_indexes(planned, len(zones))
    subnets = await asyncio.gather(
        *(_subnet(network, plan, indexes[plan.name]) for plan in planned)
    )
    nat = await _nat_gateways(network, strategy, own_addresses, subnets)
    await monitor.done(component)
    return _outputs(network, subnets, nat).response(component)


def _outputs(network: _Network, subnets: Sequence[_Subnet], nat: _NatGateways) -> Outputs:
    created: list[Registered] = []
    routes: list[Registered] = []
    by_kind: dict[str, list[Registered]] = {kind: [] for kind in TYPES if kind != "Unused"}
    for each in subnets:
        created.append(each.subnet)
        by_kind[each.plan.kind].append(each.subnet)
        if each.route:
            routes.append(each.route)
    outputs = network.monitor.outputs()
    needed = urns([network.vpc, *created])
    outputs.value("vpcId", network.vpc.id, needed)
    for kind, of_kind in by_kind.items():
        ids = [each.id for each in of_kind]
        outputs.value(f"{kind.lower()}SubnetIds", UNKNOWN if UNKNOWN in ids else ids, needed)
        outputs.resources(f"{kind.lower()}Subnets", of_kind, needed)
    outputs.resource("vpc", network.vpc, needed)
    outputs.resource("internetGateway", network.gateway, needed)
    outputs.resources("subnets", created, needed)
    outputs.resources("routeTables", [each.table for each in subnets], needed)
    outputs.resources("routeTableAssociations", [each.association for each in subnets], needed)
    outputs.resources("routes", [*routes, *nat.routes], needed)
    outputs.resources("natGateways", nat.gateways, needed)
    outputs.resources("eips", nat.addresses, needed)
    outputs.resources("vpcEndpoints", [], needed)
    return outputs


def _tags(*parts: Any) -> Any:
    """Merge tags; later ones override earlier ones. UNKNOWN if any part is unknown."""
    if UNKNOWN in parts:
        return UNKNOWN
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return merged


def _ipv6_indexes(planned: Sequence[SubnetPlan], zones: int) -> dict[str, int]:
    """Return the position of each subnet's /64 in the VPC's IPv6 range, by the subnet's name.

    The first subnets of all zones come first, then the second ones, and so on.
    """
    in_order = list(dict.fromkeys(plan.zone for plan in planned))
    earlier: Counter[str] = Counter()
    indexes: dict[str, int] = {}
    for plan in planned:
        indexes[plan.name] = in_order.index(plan.zone) + zones * earlier[plan.zone]
        earlier[plan.zone] += 1
    return indexes


async def _subnet(network: _Network, plan: SubnetPlan, index: int) -> _Subnet:
    """Create a subnet and its route table, with a route to the internet if it is public."""
    monitor, vpc, region = network.monitor, network.vpc, network.region
    own = {"Name": plan.name_tag, "SubnetType": plan.kind}
    subnet = await monitor.child(
        "aws:ec2/subnet:Subnet",
        plan.name,
        vpc,
        {
            "region": region,
            "vpcId": vpc.id,
            "availabilityZone": plan.zone,
            "cidrBlock": plan.cidr,
            "mapPublicIpOnLaunch": plan.kind == "Public",
            **_ipv6(vpc, plan, index),
            "tags": _tags(network.tags, plan.tags, own),
        },
        vpc,
    )
    inputs = {"region": region, "vpcId": vpc.id, "tags": _tags(network.tags, own)}
    table = await monitor.child(
        "aws:ec2/routeTable:RouteTable", plan.name, subnet, inputs, subnet, vpc
    )
    link = {"region": region, "routeTableId": table.id, "subnetId": subnet.id}
    association = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    children = [monitor.child(association, plan.name, table, link, table, subnet)]
    if plan.kind == "Public":
        children.append(_route(network, plan.name, table, "gatewayId", network.gateway))
    return _Subnet(plan, subnet, table, *(await asyncio.gather(*children)))


async def _route(
    network: _Network, name: str, table: Registered, kind: str, gateway: Registered
) -> Registered:
    """Create a subnet's default route."""
    inputs = {
        "region": network.region,
        "routeTableId": table.id,
        "destinationCidrBlock": "0.0.0.0/0",
        kind: gateway.id,
    }
    return await network.monitor.child("aws:ec2/route:Route", name, table, inputs, table, gateway)


def _ipv6(vpc: Registered, plan: SubnetPlan, index: int) -> Mapping[str, object]:
    """Return a subnet's IPv6 inputs: a /64 and automatic addresses, if the VPC has IPv6.

    Source: pulumi-awsx at e60adf3c, awsx/ec2/vpc.ts, resolveAssignIpv6AddressOnCreation and
    handleIpv6Cidr.
    """
    has_range = vpc.outputs.get("assignGeneratedIpv6CidrBlock") is True
    assigns = has_range if plan.assign_ipv6 is None else plan.assign_ipv6
    if not assigns:
        return {"assignIpv6AddressOnCreation": False}
    if not has_range:
        raise ValueError(
            "Subnets with assignIpv6AddressOnCreation=true require the VPC to have an IPv6 CIDR "
            "block. Set assignGeneratedIpv6CidrBlock=true or provide ipv6CidrBlock."
        )
    # Unknown in a preview that gives the VPC a range.
    whole = vpc.outputs.get("ipv6CidrBlock")
    own: object = UNKNOWN
    if isinstance(whole, str) and whole:
        own = f"{ipaddress.IPv6Network(whole).network_address + (index << 64)}/64"
    return {"assignIpv6AddressOnCreation": True, "ipv6CidrBlock": own}


@dataclass
class _NatGateways:
    """The NAT gateways, their addresses, and the private subnets' routes to them."""

    gateways: list[Registered] = field(default_factory=list)
    addresses: list[Registered] = field(default_factory=list)
    routes: list[Registered] = field(default_factory=list)


async def _nat_gateways(
    network: _Network, strategy: str, own_addresses: Sequence[str], subnets: Sequence[_Subnet]
) -> _NatGateways:
    """Create NAT gateways in the first or every zone, and private subnets' routes to them."""
    found = _NatGateways()
    if strategy == "None":
        return found
    public: dict[str, Registered] = {}
    for each in subnets:
        if each.plan.kind == "Public":
            public.setdefault(each.plan.zone, each.subnet)
    zones = list(dict.fromkeys(each.plan.zone for each in subnets))
    zones_with_gateway = zones if strategy == "OnePerAz" else zones[:1]
    gateways = {}
    for number, zone in enumerate(zones_with_gateway, start=1):
        own = own_addresses[number - 1] if own_addresses else None
        gateways[zone] = await _nat_gateway(
            network, found, f"{network.monitor.name}-{number}", public[zone], own
        )
    for each in subnets:
        if each.plan.kind == "Private":
            gateway = gateways.get(each.plan.zone, gateways[zones[0]])
            found.routes.append(
                await _route(network, each.plan.name, each.table, "natGatewayId", gateway)
            )
    return found


async def _nat_gateway(
    network: _Network, found: _NatGateways, name: str, subnet: Registered, own_address: str | None
) -> Registered:
    """Create a NAT gateway in a subnet, with a new address or an existing one."""
    monitor = network.monitor
    shared = {"region": network.region, "tags": _tags(network.tags, {"Name": name})}
    needed = [subnet]
    allocation = own_address
    if allocation is None:
        address = await monitor.child("aws:ec2/eip:Eip", name, subnet, shared, subnet)
        found.addresses.append(address)
        needed.append(address)
        allocation = address.output("allocationId")
    inputs = {"subnetId": subnet.id, "allocationId": allocation, **shared}
    gateway = await monitor.child("aws:ec2/natGateway:NatGateway", name, subnet, inputs, *needed)
    found.gateways.append(gateway)
    return gateway


def _nat_strategy(inputs: Mapping[str, Any]) -> str:
    return str((inputs.get("natGateways") or {}).get("strategy", "OnePerAz"))


def _elastic_addresses(inputs: Mapping[str, Any], strategy: str, zones: int) -> Sequence[str]:
    """Return the allocation ids of existing addresses.

    Raises:
        ValueError: The strategy needs another number of addresses.
    """
    found = (inputs.get("natGateways") or {}).get("elasticIpAllocationIds") or []
    if found and strategy == "None":
        raise ValueError(
            "Elastic IP allocation IDs cannot be specified when NAT Gateway strategy is 'None'."
        )
    if len(found) > 1 and strategy == "Single":
        raise ValueError(
            "Exactly one Elastic IP may be specified when NAT Gateway strategy is 'Single'."
        )
    if found and len(found) != zones and strategy == "OnePerAz":
        raise ValueError(
            "The number of Elastic IPs, if specified, must match the number of availability zones "
            f"for the VPC ({zones}) when NAT Gateway strategy is 'OnePerAz'"
        )
    return list(found)


def _require_supported(inputs: Mapping[str, Any]) -> None:
    if inputs.get("availabilityZoneNames") and inputs.get("numberOfAvailabilityZones"):
        raise ValueError(
            "Only one of [availabilityZoneNames] and [numberOfAvailabilityZones] can be specified"
        )
    needed: list[str] = []
    if (inputs.get("subnetStrategy") or "Legacy") not in _STRATEGIES:
        needed.append(f"a subnetStrategy of {', '.join(_STRATEGIES)}")
    kinds = {str(spec.get("type")).capitalize() for spec in inputs.get("subnetSpecs") or ()}
    if not kinds.issubset(TYPES):
        needed.append(f"subnetSpecs with a type of {', '.join(TYPES)}")
    if inputs.get("vpcEndpointSpecs"):
        needed.append("no vpcEndpointSpecs")
    for key in inputs:
        if key.startswith("ipv6") or "Ipam" in key or key == "ipv4NetmaskLength":
            needed.append("no IPAM pool, and of IPv6 only assignGeneratedIpv6CidrBlock")
            break
    if needed:
        raise Unsupported(f"the local awsx needs {'; '.join(needed)}")


def _require_room_for_nat_gateways(strategy: str, planned: Sequence[SubnetPlan]) -> None:
    kinds = {plan.kind for plan in planned}
    if strategy != "None" and not ("Public" in kinds and {"Private", "Isolated"} & kinds):
        raise ValueError(
            "If NAT Gateway strategy is 'OnePerAz' or 'Single', public subnets must be declared to "
            "host the NAT Gateway resource, along with private or isolated subnets to route "
            "through it."
        )


async def _first_zones(monitor: Monitor, inputs: Mapping[str, Any]) -> Sequence[str]:
    region = {"region": inputs["region"]} if inputs.get("region") else {}
    answer = await monitor.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", **region)
    zones: list[str] = list(answer["names"])
    wanted = int(inputs.get("numberOfAvailabilityZones") or 3)
    if wanted > len(zones):
        raise ValueError(
            f"The configured region for this provider does not have at least {wanted} "
            "Availability Zones. Either specify an explicit list of zones in "
            f"availabilityZoneNames or choose a region with at least {wanted} AZs."
        )
    return zones[:wanted]
