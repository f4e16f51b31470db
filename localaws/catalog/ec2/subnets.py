"""EC2: subnets."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.ec2.network import SUBNET, VPC, ec2_id, in_vpc, zone_id, zones_of
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.values import Allowed, Limit, cidr, given, network

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals


def _rules(inputs: Properties) -> Refusals:
    if len(given(inputs, "availabilityZone", "availabilityZoneId")) > 1:
        message = "availabilityZone and availabilityZoneId exclude each other; set one of them"
        yield Refusal("InvalidArgument", message, "ec2.subnet.one-zone")
    if not given(inputs, "cidrBlock", "ipv4IpamPoolId") and inputs.get("ipv6Native") is not True:
        message = "a subnet needs a cidrBlock, unless ipv6Native is true"
        yield Refusal("MissingParameter", message, "ec2.subnet.cidr-required", "cidrBlock")
    assigns_ipv6 = inputs.get("assignIpv6AddressOnCreation") is True
    if assigns_ipv6 and not given(inputs, "ipv6CidrBlock", "ipv6IpamPoolId"):
        yield Refusal(
            "InvalidParameterValue",
            "assignIpv6AddressOnCreation needs an ipv6CidrBlock",
            "ec2.subnet.ipv6-assign",
            "assignIpv6AddressOnCreation",
        )


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    vpc = account.get(VPC, inputs.get("vpcId"))
    if vpc is None:
        return
    yield from _range_rules("ipv6CidrBlock", inputs, vpc, account, current)
    if current is None:  # An update changes neither the zone nor the IPv4 range.
        yield from _zone_rules(inputs, vpc)
        yield from _range_rules("cidrBlock", inputs, vpc, account, current)


def _zone_rules(inputs: Properties, vpc: Resource) -> Refusals:
    zones = zones_of(vpc.region)
    zone_ids = [zone_id(zone) for zone in zones]
    for name, allowed in (("availabilityZone", zones), ("availabilityZoneId", zone_ids)):
        if inputs.get(name) not in (None, *allowed):
            message = f"{name} must be one of {', '.join(allowed)}, got {inputs[name]!r}"
            yield Refusal("InvalidParameterValue", message, "ec2.subnet.zone", name)


def _range_rules(
    name: str, inputs: Properties, vpc: Resource, account: Account, current: Resource | None
) -> Refusals:
    """Refuse a subnet's range outside of its VPC's, or one that overlaps another subnet's.

    `name` is the input with the range: `cidrBlock` or `ipv6CidrBlock`.
    """
    subnet_range = network(inputs.get(name))
    vpc_range = network(vpc.outputs.get(name))
    if subnet_range is None:
        return
    if vpc_range is None and name == "cidrBlock":
        return  # The VPC's range comes from an IPAM pool, and the local AWS has no pools.
    if vpc_range is None or not _contains(vpc_range, subnet_range):
        if vpc_range is None:
            reason = f"{vpc.id} has no IPv6 range; set its assignGeneratedIpv6CidrBlock"
        else:
            reason = f"it must be inside the range of {vpc.id}, {vpc_range}"
        message = f"The CIDR '{subnet_range}' is invalid: {reason}"
        yield Refusal("InvalidSubnet.Range", message, "ec2.subnet.range", name)
    for other in account.where(SUBNET, "vpcId", vpc.id):
        if is_current(other, current):
            continue
        other_range = network(other.inputs.get(name))
        if other_range is not None and subnet_range.overlaps(other_range):
            message = (
                f"The CIDR '{subnet_range}' conflicts with another subnet: {other.id} has "
                f"{other_range}; choose a range that no subnet has"
            )
            yield Refusal("InvalidSubnet.Conflict", message, "ec2.subnet.overlap", name)


def _contains(outer: IPv4Network | IPv6Network, inner: IPv4Network | IPv6Network) -> bool:
    if outer.version != inner.version:
        return False
    return outer[0] <= inner[0] and inner[-1] <= outer[-1]  # type: ignore[operator]


def _computed(mint: Mint, inputs: Properties) -> Properties:
    zones = zones_of(mint.region)
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


def _is_ipv6_range(value: object) -> bool:
    found = network(value)
    return isinstance(found, IPv6Network) and found.prefixlen in range(44, 65, 4)


_IPV6_RANGE = Allowed(
    "an IPv6 network of /44 to /64 in steps of 4 without host bits", _is_ipv6_range
)

TYPES = (
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
            Limit("ipv6CidrBlock", _IPV6_RANGE, "ec2.subnet.ipv6-cidr"),
        ),
        references=(in_vpc("ec2.subnet.vpc-exists"),),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        held=("DependencyViolation", "ec2.subnet.held"),
    ),
)
