"""The default VPC, which every account has in every region, and AWS's resources in it.

Source: Amazon VPC User Guide, "Default VPCs" (default-vpc-components).
"""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import islice
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource
from localaws.catalog.ec2.network import (
    INTERNET_GATEWAY,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    default_id,
    zone_id,
)
from localaws.catalog.only_recorded import DEFAULT_NETWORK
from localaws.catalog.partitions import partition_of
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

DEFAULT_VPC = "aws:ec2/defaultVpc:DefaultVpc"
DEFAULT_SUBNET = "aws:ec2/defaultSubnet:DefaultSubnet"

_CIDR = IPv4Network("172.31.0.0/16")
_SUBNET_PREFIX = 20


def default_network(account: Account, region: str) -> Iterator[Resource]:
    """Yield the default VPC, its gateway, route table and security group, and public subnets."""
    vpc, table = default_id("vpc", region), default_id("rtb", region)
    gateway, group = default_id("igw", region), default_id("sg", region)
    yield _made_by_aws(
        account,
        region,
        VPC,
        vpc,
        inputs={"cidrBlock": str(_CIDR), "enableDnsHostnames": True, "enableDnsSupport": True},
        computed={
            "mainRouteTableId": table,
            "defaultRouteTableId": table,
            "defaultSecurityGroupId": group,
            "defaultNetworkAclId": default_id("acl", region),
            "dhcpOptionsId": default_id("dopt", region),
            "instanceTenancy": "default",
            "enableNetworkAddressUsageMetrics": False,
            "assignGeneratedIpv6CidrBlock": False,
        },
    )
    yield _made_by_aws(account, region, INTERNET_GATEWAY, gateway, inputs={"vpcId": vpc})
    routes = [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}]
    table_inputs = {"vpcId": vpc, "routes": routes}
    yield _made_by_aws(account, region, ROUTE_TABLE, table, inputs=table_inputs)
    group_inputs = {"vpcId": vpc, "name": "default", "description": "default VPC security group"}
    yield _made_by_aws(account, region, SECURITY_GROUP, group, inputs=group_inputs)
    ranges = islice(_CIDR.subnets(new_prefix=_SUBNET_PREFIX), len(account.zones))
    for letter, cidr in zip(account.zones, ranges, strict=True):
        zone = f"{region}{letter}"
        inputs = {
            "vpcId": vpc,
            "cidrBlock": str(cidr),
            "availabilityZone": zone,
            "mapPublicIpOnLaunch": True,
        }
        defaults = {
            "availabilityZoneId": zone_id(zone),
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "ipv6Native": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "privateDnsHostnameTypeOnLaunch": "ip-name",
        }
        yield _made_by_aws(
            account, region, SUBNET, default_id("subnet", zone), inputs=inputs, computed=defaults
        )


_ARN_KINDS = {
    VPC: "vpc",
    INTERNET_GATEWAY: "internet-gateway",
    ROUTE_TABLE: "route-table",
    SECURITY_GROUP: "security-group",
    SUBNET: "subnet",
}
"""The kind of resource in an ARN, by type."""


def _made_by_aws(
    account: Account,
    region: str,
    token: str,
    identifier: str,
    *,
    inputs: Properties,
    computed: Properties | None = None,
) -> Resource:
    """Return a resource without a URN, as AWS and not a program makes it."""
    partition, owner = partition_of(region).name, account.account_id
    all_computed = {
        "arn": f"arn:{partition}:ec2:{region}:{owner}:{_ARN_KINDS[token]}/{identifier}",
        "ownerId": owner,
        "region": region,
        "tagsAll": {},
        **(computed or {}),
    }
    return Resource(token, identifier, "", region, inputs, all_computed)


def needs_default_network(kind: ResourceType, inputs: Properties) -> bool:
    """Return whether a new resource adopts a part of the default VPC, or is in it by default."""
    if kind.token in {DEFAULT_VPC, DEFAULT_SUBNET}:
        return True
    return kind.token.startswith("aws:ec2/") and "vpcId" in kind.inputs and not inputs.get("vpcId")


def _adopted(mint: Mint, inputs: Properties, identifier: str, exists: str) -> Properties:
    """Return the outputs of a part of the default VPC that a program adopts.

    `exists` is the output which reports that the program didn't create it.
    """
    outputs = {"id": identifier, exists: True}
    for part in default_network(mint.account, mint.region):
        if part.id == identifier:
            # What the program sets, or the provider computes, isn't taken from the part.
            for name in part.outputs.keys() - {*inputs, "tagsAll", "region"}:
                outputs[name] = part.outputs[name]
    return outputs


def _vpc_computed(mint: Mint, inputs: Properties) -> Properties:
    return _adopted(mint, inputs, default_id("vpc", mint.region), "existingDefaultVpc")


def _subnet_computed(mint: Mint, inputs: Properties) -> Properties:
    return _adopted(
        mint, inputs, default_id("subnet", inputs.get("availabilityZone")), "existingDefaultSubnet"
    )


def _subnet_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    zone = inputs.get("availabilityZone")
    if account.get(SUBNET, default_id("subnet", zone)) is None:
        zones = ", ".join(f"{inputs['region']}{suffix}" for suffix in account.zones)
        message = f"availabilityZone must be one of {zones}, got {zone!r}"
        yield Refusal(
            "InvalidParameterValue", message, "ec2.default-subnet.zone", "availabilityZone"
        )


TYPES = (
    ResourceType(
        token=DEFAULT_VPC,
        only_recorded=DEFAULT_NETWORK,
        replaces=frozenset({"region"}),
        computed=_vpc_computed,
    ),
    ResourceType(
        token=DEFAULT_SUBNET,
        only_recorded=DEFAULT_NETWORK,
        replaces=frozenset({"availabilityZone", "ipv6Native", "region"}),
        account_rules=_subnet_account_rules,
        computed=_subnet_computed,
    ),
)
