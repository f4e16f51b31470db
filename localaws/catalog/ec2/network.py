"""EC2: VPCs, subnets, gateways and routes."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.partitions import partition_of
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, Reference, ResourceType, Unique
from localaws.catalog.values import (
    CIDR_IPV6,
    Allowed,
    Limit,
    blocks,
    cidr,
    exactly_one,
    given,
    network,
    one_of,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
EGRESS_ONLY_GATEWAY = "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"

VPCS_PER_REGION = EIPS_PER_REGION = 5
"""AWS's default quotas."""

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_TARGETS = (
    "carrierGatewayId",
    "coreNetworkArn",
    "egressOnlyGatewayId",
    "gatewayId",
    "localGatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "odbNetworkArn",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)
_INLINE_DESTINATIONS = ("cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")
_DIRECTIONS = {"north": "n", "south": "s", "east": "e", "west": "w", "central": "c"}


def ec2_id(mint: Mint, prefix: str) -> str:
    """Return a new id in EC2's form: `vpc-` and 17 hexadecimal digits."""
    return f"{prefix}-{mint.hex(17)}"


def default_id(prefix: str, region_or_zone: object) -> str:
    """Return the id of a part of the default VPC, which is the same in every local AWS."""
    digest = hashlib.sha256(f"{prefix} of {region_or_zone}".encode()).hexdigest()
    return f"{prefix}-{digest[:17]}"


def is_default(resource: Resource) -> bool:
    """Return whether it is a region's default VPC, or a zone's default subnet."""
    if resource.token == SUBNET:
        return resource.id == default_id("subnet", resource.outputs.get("availabilityZone"))
    return resource.token == VPC and resource.id == default_id("vpc", resource.region)


def vpc_of(account: Account, subnet: object) -> object:
    """Return the id of a subnet's VPC; None if the subnet doesn't exist."""
    found = account.find(SUBNET, subnet)
    return found.outputs.get("vpcId") if found else None


def zone_of(account: Account, subnet: object) -> object:
    """Return a subnet's availability zone; None if the subnet doesn't exist."""
    found = account.find(SUBNET, subnet)
    return found.outputs.get("availabilityZone") if found else None


def has_internet_gateway(account: Account, vpc: object) -> bool:
    """Return whether an internet gateway is attached to a VPC."""
    return any(each.inputs.get("vpcId") == vpc for each in account.all(INTERNET_GATEWAY))


def zone_id(zone: str) -> str:
    """Return a zone's id: `euw1-az1` for `eu-west-1a`."""
    area, direction, number = zone.split("-", 2)
    short = direction
    for word, letter in _DIRECTIONS.items():
        short = short.replace(word, letter)
    return f"{area}{short}{number[:-1]}-az{ord(number[-1]) - ord('a') + 1}"


def _vpc_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("cidrBlock", "ipv4NetmaskLength"), "ec2.vpc.one-range")
    if given(inputs, "ipv4NetmaskLength") and not given(inputs, "ipv4IpamPoolId"):
        yield Refusal(
            "InvalidArgument",
            "ipv4NetmaskLength needs ipv4IpamPoolId",
            "ec2.vpc.pool",
            "ipv4NetmaskLength",
        )

    if inputs.get("assignGeneratedIpv6CidrBlock") is True and given(
        inputs, "ipv6IpamPoolId", "ipv6CidrBlock"
    ):
        message = "assignGeneratedIpv6CidrBlock excludes ipv6IpamPoolId and ipv6CidrBlock"
        yield Refusal("InvalidArgument", message, "ec2.vpc.ipv6", "assignGeneratedIpv6CidrBlock")
    if given(inputs, "ipv6CidrBlock", "ipv6NetmaskLength") and not given(inputs, "ipv6IpamPoolId"):
        message = "an IPv6 range of your own needs ipv6IpamPoolId"
        yield Refusal("InvalidArgument", message, "ec2.vpc.ipv6", "ipv6IpamPoolId")


def _vpc_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    count = 1  # the default VPC, even if this account doesn't have it yet
    for vpc in account.all(VPC):
        in_region = inputs.get("region") in (None, vpc.region)
        if in_region and not is_default(vpc):
            count += 1
    if current is None and count >= VPCS_PER_REGION:
        yield Refusal(
            "VpcLimitExceeded",
            f"{VPCS_PER_REGION} VPCs exist, no more are allowed",
            "ec2.vpc.quota",
        )
    if current is not None and _has_ipv6(current.inputs) and not _has_ipv6(inputs):
        for subnet in account.all(SUBNET):
            if subnet.inputs.get("vpcId") == current.id and given(subnet.inputs, "ipv6CidrBlock"):
                message = (
                    f"The vpc {current.id} currently has a subnet within its IPv6 range: "
                    f"{subnet.id}"
                )
                yield Refusal(
                    "InvalidCidrBlock.InUse",
                    message,
                    "ec2.vpc.ipv6-held",
                    "assignGeneratedIpv6CidrBlock",
                )


def _has_amazon_ipv6(inputs: Properties) -> bool:
    return inputs.get("assignGeneratedIpv6CidrBlock") is True


def _has_ipv6(inputs: Properties) -> bool:
    return _has_amazon_ipv6(inputs) or bool(given(inputs, "ipv6IpamPoolId"))


def _vpc_computed(mint: Mint, inputs: Properties) -> Properties:
    main, identifier = ec2_id(mint, "rtb"), ec2_id(mint, "vpc")
    computed = {
        "id": identifier,
        "arn": mint.arn("ec2", f"vpc/{identifier}"),
        "mainRouteTableId": main,
        "defaultRouteTableId": main,
        "defaultSecurityGroupId": ec2_id(mint, "sg"),
        "defaultNetworkAclId": ec2_id(mint, "acl"),
        "dhcpOptionsId": ec2_id(mint, "dopt"),
        "ownerId": mint.account.account_id,
    }
    if _has_amazon_ipv6(inputs):
        computed["ipv6CidrBlock"] = _ipv6_range(identifier)
    return computed


def _ipv6_range(vpc: str) -> str:
    """Return the IPv6 range that Amazon assigns to a VPC.

    It follows from the id, so an update that keeps the range needs no record of it.
    """
    return f"2001:db8:{vpc[-6:-2]}:{vpc[-2:]}00::/56"


def _replaces_vpc(name: str, old: Properties, new: Properties) -> bool:
    """Return whether a change replaces a VPC: only the tenancy `dedicated` can't be set later."""
    if name != "instanceTenancy":
        return False
    before, after = old.get(name) or "default", new.get(name) or "default"
    return before != after and not (before == "dedicated" and after == "default")


def _vpc_updated(vpc: Resource, inputs: Properties) -> Properties:
    if given(inputs, "ipv6CidrBlock", "ipv6IpamPoolId"):
        return {}
    return {"ipv6CidrBlock": _ipv6_range(vpc.id) if _has_amazon_ipv6(inputs) else ""}


def _vpc_deletion_rules(vpc: Resource, account: Account) -> Refusals:
    """Refuse the deletion of the default VPC, because AWS's subnets are in it."""
    if is_default(vpc):
        subnets = [each.id for each in account.all(SUBNET) if each.inputs.get("vpcId") == vpc.id]
        message = f"The vpc '{vpc.id}' has dependencies and cannot be deleted: {', '.join(subnets)}"
        yield Refusal("DependencyViolation", message, "ec2.vpc.default")


def _vpc_implied(mint: Mint, vpc: Resource) -> Sequence[Resource]:
    """Return the main route table and the default security group."""
    table, group = vpc.computed["mainRouteTableId"], vpc.computed["defaultSecurityGroupId"]
    described = {"vpcId": vpc.id, "name": "default", "description": "default VPC security group"}

    def made(token: str, identifier: str, inputs: Properties, kind: str) -> Resource:
        computed = {
            "arn": mint.arn("ec2", f"{kind}/{identifier}"),
            "ownerId": mint.account.account_id,
        }
        return Resource(token, identifier, "", vpc.region, inputs, computed)

    return (
        made(ROUTE_TABLE, table, {"vpcId": vpc.id}, "route-table"),
        made(SECURITY_GROUP, group, described, "security-group"),
    )


def _subnet_rules(inputs: Properties) -> Refusals:
    if len(given(inputs, "availabilityZone", "availabilityZoneId")) > 1:
        message = "availabilityZone and availabilityZoneId exclude each other"
        yield Refusal("InvalidArgument", message, "ec2.subnet.one-zone")
    if not given(inputs, "cidrBlock", "ipv4IpamPoolId") and inputs.get("ipv6Native") is not True:
        yield Refusal(
            "MissingParameter",
            "a subnet needs a cidrBlock",
            "ec2.subnet.cidr-required",
            "cidrBlock",
        )
    if inputs.get("assignIpv6AddressOnCreation") is True and not given(
        inputs, "ipv6CidrBlock", "ipv6IpamPoolId"
    ):
        message = "assignIpv6AddressOnCreation needs an ipv6CidrBlock"
        yield Refusal(
            "InvalidParameterValue",
            message,
            "ec2.subnet.ipv6-assign",
            "assignIpv6AddressOnCreation",
        )


def _subnet_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    vpc = account.get(VPC, inputs.get("vpcId"))
    if vpc is None:
        return
    yield from _range_rules("ipv6CidrBlock", inputs, vpc, account, current)
    if current is not None:
        return
    zones = [f"{vpc.region}{zone}" for zone in account.zones]
    for name, allowed in (
        ("availabilityZone", zones),
        ("availabilityZoneId", list(map(zone_id, zones))),
    ):
        if inputs.get(name) not in (None, *allowed):
            message = f"{name} must be one of {', '.join(allowed)}, got {inputs[name]!r}"
            yield Refusal("InvalidParameterValue", message, "ec2.subnet.zone", name)
    yield from _range_rules("cidrBlock", inputs, vpc, account, current)


def _range_rules(
    name: str, inputs: Properties, vpc: Resource, account: Account, current: Resource | None
) -> Refusals:
    """Refuse a subnet's range outside of its VPC's, or one that overlaps another subnet's."""
    subnet_range, vpc_range = network(inputs.get(name)), network(vpc.outputs.get(name))
    if subnet_range is None or (vpc_range is None and name == "cidrBlock"):
        return
    if vpc_range is None or not _contains(vpc_range, subnet_range):
        message = f"The CIDR '{subnet_range}' is outside the range {vpc_range} of {vpc.id}"
        yield Refusal("InvalidSubnet.Range", message, "ec2.subnet.range", name)
    for other in account.where(SUBNET, "vpcId", vpc.id):
        other_range = network(other.inputs.get(name))
        if other_range is None or (current is not None and other.id == current.id):
            continue
        if subnet_range.overlaps(other_range):
            message = (
                f"The CIDR '{subnet_range}' conflicts with another subnet: {other.id} has "
                f"{other_range}"
            )
            yield Refusal("InvalidSubnet.Conflict", message, "ec2.subnet.overlap", name)


def _contains(outer: IPv4Network | IPv6Network, inner: IPv4Network | IPv6Network) -> bool:
    if outer.version != inner.version:
        return False
    return outer[0] <= inner[0] and inner[-1] <= outer[-1]  # type: ignore[operator]


def _subnet_computed(mint: Mint, inputs: Properties) -> Properties:
    zones = [f"{mint.region}{zone}" for zone in mint.account.zones]
    zone = inputs.get("availabilityZone")
    if not isinstance(zone, str):
        zones_by_id = {zone_id(each): each for each in zones}
        zone = zones_by_id.get(str(inputs.get("availabilityZoneId")), zones[0])
    identifier = ec2_id(mint, "subnet")
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"subnet/{identifier}"),
        "availabilityZone": zone,
        "availabilityZoneId": zone_id(zone) if zone in zones else "",
        "ownerId": mint.account.account_id,
    }


def _gateway_deletion_rules(gateway: Resource, account: Account) -> Refusals:
    """Refuse while a resource in the VPC has a public address."""
    vpc = gateway.inputs.get("vpcId")
    if vpc is None:
        return
    for token, has_public_address, subnets_of in _PUBLIC_ADDRESSES:
        for each in account.all(token):
            vpcs = {vpc_of(account, subnet) for subnet in subnets_of(each.inputs)}
            if vpc in vpcs and has_public_address(each.inputs):
                message = (
                    f"Network {vpc} has some mapped public address(es): those of {each.id}. "
                    "Please unmap those public address(es) before detaching the gateway."
                )
                yield Refusal("DependencyViolation", message, "ec2.internet-gateway.held")


def _network_configuration(inputs: Properties) -> Mapping[str, object]:
    found = inputs.get("networkConfiguration")
    return found if isinstance(found, dict) else {}


_PUBLIC_ADDRESSES = (
    (
        "aws:lb/loadBalancer:LoadBalancer",
        lambda inputs: inputs.get("internal") is not True,
        lambda inputs: texts(inputs.get("subnets")),
    ),
    (
        NAT_GATEWAY,
        lambda inputs: inputs.get("connectivityType") != "private",
        lambda inputs: [inputs.get("subnetId")],
    ),
    (
        "aws:ecs/service:Service",
        lambda inputs: _network_configuration(inputs).get("assignPublicIp") is True,
        lambda inputs: texts(_network_configuration(inputs).get("subnets")),
    ),
)
"""Types whose resources can have public addresses in a VPC: the token, a function that returns
whether a resource with these inputs does, and one that returns its subnets.
"""


def _nat_rules(inputs: Properties) -> Refusals:
    private = inputs.get("connectivityType") == "private"
    if inputs.get("availabilityMode") == "regional":
        if private or given(inputs, "subnetId"):
            message = "a regional NAT gateway is public and takes no subnetId"
            yield Refusal("InvalidArgument", message, "ec2.nat-gateway.regional")
        return
    if not given(inputs, "subnetId"):
        yield Refusal(
            "InvalidArgument", "subnetId is required", "ec2.nat-gateway.subnet-required", "subnetId"
        )
    if private and given(inputs, "allocationId", "secondaryAllocationIds"):
        message = "a private NAT gateway takes no allocationId"
        yield Refusal("InvalidArgument", message, "ec2.nat-gateway.private", "allocationId")
    if inputs.get("connectivityType") in ("public", None) and not given(inputs, "allocationId"):
        message = "a public NAT gateway needs the allocationId of an elastic address"
        yield Refusal("InvalidArgument", message, "ec2.nat-gateway.address", "allocationId")


def _nat_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if current is not None or inputs.get("connectivityType") == "private":
        return
    vpc = vpc_of(account, inputs.get("subnetId"))
    if not has_internet_gateway(account, vpc):
        message = f"Network {vpc} has no Internet gateway attached"
        yield Refusal("Gateway.NotAttached", message, "ec2.nat-gateway.internet", "subnetId")


def _nat_computed(mint: Mint, inputs: Properties) -> Properties:
    address = mint.account.get(EIP, inputs.get("allocationId"))
    return {
        "id": ec2_id(mint, "nat"),
        "publicIp": address.outputs["publicIp"] if address else "",
        "privateIp": f"10.255.{int(mint.hex(2), 16)}.{int(mint.hex(2), 16)}",
        "networkInterfaceId": ec2_id(mint, "eni"),
        "associationId": ec2_id(mint, "eipassoc"),
    }


def _eip_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if current is not None:
        return
    region = inputs.get("region")
    addresses = [each for each in account.all(EIP) if region in (None, each.region)]
    if len(addresses) >= EIPS_PER_REGION:
        message = f"The maximum number of addresses has been reached: {EIPS_PER_REGION}"
        yield Refusal("AddressLimitExceeded", message, "ec2.eip.quota")


def _free_elastic_address(mint: Mint) -> str:
    """Return an address of a range for documentation (RFC 5737), which no real traffic has.

    It is in the range's upper half, as load balancers and tasks get the lowest free ones.
    """
    taken = {each.outputs.get("publicIp") for each in mint.account.all(EIP)}
    whole = [f"203.0.113.{number}" for number in range(128, 255)]
    free = [address for address in whole if address not in taken]
    candidates = free or whole
    return candidates[int(mint.hex(4), 16) % len(candidates)]


def _eip_computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "eipalloc")
    address = _free_elastic_address(mint)
    domain = f"{mint.region}.compute.{partition_of(mint.region).suffix}"
    return {
        "id": identifier,
        "allocationId": identifier,
        "arn": mint.arn("ec2", f"elastic-ip/{identifier}"),
        "publicIp": address,
        "publicDns": f"ec2-{address.replace('.', '-')}.{domain}",
        "associationId": "",
    }


def _route_table_rules(inputs: Properties) -> Refusals:
    for index, route in enumerate(blocks(inputs.get("routes"))):
        yield from exactly_one(
            route, _INLINE_DESTINATIONS, "ec2.route.one-destination", where=f"routes[{index}]: "
        )
        yield from exactly_one(route, _TARGETS, "ec2.route.one-target", where=f"routes[{index}]: ")


def _route_table_deletion_rules(table: Resource, _account: Account) -> Refusals:
    made_by_aws = not table.urn
    if made_by_aws:
        message = f"the main route table {table.id} can't be deleted"
        yield Refusal("DependencyViolation", message, "ec2.route-table.main")


def _route_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _DESTINATIONS, "ec2.route.one-destination")
    yield from exactly_one(inputs, _TARGETS, "ec2.route.one-target")
    if inputs.get("gatewayId") == "local":
        yield Refusal(
            "InvalidArgument", "the local route exists by itself", "ec2.route.local", "gatewayId"
        )
    for target, destinations in (
        ("egressOnlyGatewayId", ("destinationIpv6CidrBlock",)),
        ("carrierGatewayId", ("destinationCidrBlock",)),
        ("vpcEndpointId", ("destinationCidrBlock", "destinationIpv6CidrBlock")),
    ):
        if given(inputs, target) and not given(inputs, *destinations):
            message = f"{target} needs {' or '.join(destinations)}"
            yield Refusal("InvalidArgument", message, "ec2.route.ip-version", target)


def _route_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    table = account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if table is None:
        return
    for name, token in (
        ("gatewayId", INTERNET_GATEWAY),
        ("natGatewayId", NAT_GATEWAY),
        ("egressOnlyGatewayId", EGRESS_ONLY_GATEWAY),
    ):
        gateway = account.get(token, inputs.get(name))
        if gateway and _gateway_vpc(account, gateway) != table.inputs.get("vpcId"):
            message = (
                f"route table {table.id} and network gateway {gateway.id} belong to different "
                "networks"
            )
            yield Refusal("InvalidParameterValue", message, "ec2.route.same-vpc", name)


def _gateway_vpc(account: Account, gateway: Resource) -> object:
    """Return a gateway's VPC; a zonal NAT gateway only has a subnet."""
    return gateway.inputs.get("vpcId") or vpc_of(account, gateway.inputs.get("subnetId"))


def _destination(inputs: Properties) -> str:
    names = given(inputs, *_DESTINATIONS)
    return str(inputs[names[0]]) if names else ""


def _route_computed(_mint: Mint, inputs: Properties) -> Properties:
    code = zlib.crc32(_destination(inputs).encode())
    return {
        "id": f"r-{inputs.get('routeTableId')}{code}",
        "origin": "CreateRoute",
        "state": "active",
        "instanceId": "",
        "instanceOwnerId": "",
    }


def _association_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("subnetId", "gatewayId"), "ec2.route-table-association.one")


def _association_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    subnet, table = inputs.get("subnetId"), account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if subnet is not None and table and vpc_of(account, subnet) != table.inputs.get("vpcId"):
        message = f"route table {table.id} and subnet {subnet} belong to different networks"
        yield Refusal(
            "InvalidParameterValue", message, "ec2.route-table-association.same-vpc", "routeTableId"
        )


def _association_import_ids(association: Resource) -> Sequence[str]:
    inputs = association.inputs
    return (f"{inputs.get('subnetId') or inputs.get('gatewayId')}/{inputs['routeTableId']}",)


def _is_subnet_ipv6(value: object) -> bool:
    found = network(value)
    # IPv6
    return found is not None and found.version == 6 and found.prefixlen in range(44, 65, 4)  # noqa: PLR2004


_SUBNET_IPV6 = Allowed(
    "an IPv6 network of /44 to /64 in steps of 4 without host bits", _is_subnet_ipv6
)


def _in_vpc(rule: str) -> Reference:
    return Reference("vpcId", VPC, "InvalidVpcID.NotFound", rule, "held")


def _table(path: str = "routeTableId") -> Reference:
    return Reference(
        path, ROUTE_TABLE, "InvalidRouteTableID.NotFound", "ec2.route-table.exists", "gone"
    )


def simple(prefix: str, kind: str) -> Callable[[Mint, Properties], Properties]:
    """Make a `computed` for a type without special outputs: an id, an ARN, an owner."""

    def computed(mint: Mint, _inputs: Properties) -> Properties:
        identifier = ec2_id(mint, prefix)
        return {
            "id": identifier,
            "arn": mint.arn("ec2", f"{kind}/{identifier}"),
            "ownerId": mint.account.account_id,
        }

    return computed


TYPES = (
    ResourceType(
        token=VPC,
        replaces=frozenset({"cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength", "region"}),
        replaces_if=_replaces_vpc,
        defaults={
            "enableDnsSupport": True,
            "enableDnsHostnames": False,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "default",
            "assignGeneratedIpv6CidrBlock": False,
        },
        limits=(
            Limit("cidrBlock", cidr(16, 28), "ec2.vpc.cidr"),
            Limit("instanceTenancy", one_of("default", "dedicated"), "ec2.vpc.tenancy"),
        ),
        rules=_vpc_rules,
        account_rules=_vpc_account_rules,
        computed=_vpc_computed,
        updated=_vpc_updated,
        implied=_vpc_implied,
        deletion_rules=_vpc_deletion_rules,
        held=("DependencyViolation", "ec2.vpc.held"),
    ),
    ResourceType(
        token=SUBNET,
        replaces=frozenset(
            {
                "vpcId",
                "cidrBlock",
                "availabilityZone",
                "availabilityZoneId",
                "ipv6Native",
                "outpostArn",
                "region",
            }
        ),
        defaults={
            "mapPublicIpOnLaunch": False,
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "ipv6Native": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "privateDnsHostnameTypeOnLaunch": "ip-name",
        },
        limits=(
            Limit("cidrBlock", cidr(16, 28), "ec2.subnet.cidr"),
            Limit("ipv6CidrBlock", _SUBNET_IPV6, "ec2.subnet.ipv6-cidr"),
        ),
        references=(_in_vpc("ec2.subnet.vpc-exists"),),
        rules=_subnet_rules,
        account_rules=_subnet_account_rules,
        computed=_subnet_computed,
        held=("DependencyViolation", "ec2.subnet.held"),
    ),
    ResourceType(
        token=INTERNET_GATEWAY,
        recorded=NO_PACKET,
        replaces=frozenset({"region"}),
        references=(_in_vpc("ec2.internet-gateway.vpc-exists"),),
        unique=(
            Unique(
                ("vpcId",),
                "Resource.AlreadyAssociated",
                "ec2.internet-gateway.one-per-vpc",
                "Network {vpcId} already has an internet gateway attached",
            ),
        ),
        computed=simple("igw", "internet-gateway"),
        deletion_rules=_gateway_deletion_rules,
    ),
    ResourceType(
        token=EGRESS_ONLY_GATEWAY,
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        references=(_in_vpc("ec2.egress-only-gateway.vpc-exists"),),
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "eigw")},
    ),
    ResourceType(
        token=NAT_GATEWAY,
        recorded=NO_PACKET,
        replaces=frozenset(
            {
                "subnetId",
                "allocationId",
                "connectivityType",
                "privateIp",
                "availabilityMode",
                "vpcId",
                "region",
                "secondaryPrivateIpAddressCount",
            }
        ),
        defaults={"connectivityType": "public", "availabilityMode": "zonal"},
        limits=(
            Limit("connectivityType", one_of("public", "private"), "ec2.nat-gateway.connectivity"),
            Limit("availabilityMode", one_of("zonal", "regional"), "ec2.nat-gateway.mode"),
        ),
        references=(
            Reference("subnetId", SUBNET, "InvalidSubnet", "ec2.nat-gateway.subnet-exists", "held"),
            Reference(
                "allocationId",
                EIP,
                "InvalidAllocationID.NotFound",
                "ec2.nat-gateway.address-exists",
                "held",
            ),
        ),
        unique=(
            Unique(
                ("allocationId",),
                "Resource.AlreadyAssociated",
                "ec2.nat-gateway.address-in-use",
                "Elastic IP address {allocationId} is already associated",
            ),
        ),
        rules=_nat_rules,
        account_rules=_nat_account_rules,
        computed=_nat_computed,
    ),
    ResourceType(
        token=EIP,
        recorded=NO_PACKET,
        replaces=frozenset({"domain", "address", "publicIpv4Pool", "networkBorderGroup", "region"}),
        defaults={"domain": "vpc"},
        limits=(Limit("domain", one_of("vpc", "standard"), "ec2.eip.domain"),),
        account_rules=_eip_account_rules,
        computed=_eip_computed,
        held=("InvalidIPAddress.InUse", "ec2.eip.held"),
    ),
    ResourceType(
        token=ROUTE_TABLE,
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"routes", "propagatingVgws"}),
        limits=(
            Limit("routes[].cidrBlock", cidr(), "ec2.route.cidr"),
            Limit("routes[].ipv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(_in_vpc("ec2.route-table.vpc-exists"),),
        rules=_route_table_rules,
        computed=simple("rtb", "route-table"),
        deletion_rules=_route_table_deletion_rules,
    ),
    ResourceType(
        token=ROUTE,
        recorded=NO_PACKET,
        replaces=frozenset({"routeTableId", *_DESTINATIONS, "region"}),
        limits=(
            Limit("destinationCidrBlock", cidr(), "ec2.route.cidr"),
            Limit("destinationIpv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(
            _table(),
            Reference(
                "gatewayId",
                INTERNET_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route.gateway-exists",
            ),
            Reference(
                "natGatewayId",
                NAT_GATEWAY,
                "InvalidNatGatewayID.NotFound",
                "ec2.route.gateway-exists",
            ),
            Reference(
                "egressOnlyGatewayId",
                EGRESS_ONLY_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route.gateway-exists",
            ),
        ),
        unique=(
            Unique(
                ("routeTableId", *_DESTINATIONS),
                "RouteAlreadyExists",
                "ec2.route.unique",
                "Route Table ({routeTableId}) has a route to this destination already",
            ),
        ),
        rules=_route_rules,
        account_rules=_route_account_rules,
        computed=_route_computed,
        import_ids=lambda route: (f"{route.inputs['routeTableId']}_{_destination(route.inputs)}",),
    ),
    ResourceType(
        token=ASSOCIATION,
        recorded=NO_PACKET,
        replaces=AllExcept("routeTableId"),
        references=(
            _table(),
            Reference(
                "subnetId",
                SUBNET,
                "InvalidSubnetID.NotFound",
                "ec2.route-table-association.exists",
                "gone",
            ),
            Reference(
                "gatewayId",
                INTERNET_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route-table-association.exists",
                "gone",
            ),
        ),
        unique=(
            Unique(
                ("subnetId",),
                "Resource.AlreadyAssociated",
                "ec2.route-table-association.unique",
                "subnet {subnetId} already has a route table of its own",
            ),
        ),
        rules=_association_rules,
        account_rules=_association_account_rules,
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "rtbassoc")},
        import_ids=_association_import_ids,
    ),
)
