"""The default VPC that every account has in every region, with all that AWS makes in it.

Source: Amazon VPC User Guide, "Default VPCs" (default-vpc-components).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from localaws.catalog.ec2_network import (
    INTERNET_GATEWAY,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    default_id,
    zone_id,
)
from localaws.catalog.model import Resource
from localaws.catalog.partitions import partition_of
from localaws.catalog.values import network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.model import Properties, World

_CIDR = "172.31.0.0/16"
_SUBNET_PREFIX = 20


def default_network(world: World, region: str) -> Iterator[Resource]:
    """The default VPC, its gateway, main route table and security group, and a public subnet in each zone."""
    vpc, table, gateway, group = (default_id(prefix, region) for prefix in ("vpc", "rtb", "igw", "sg"))

    def made(
        token: str, identifier: str, kind: str, inputs: Properties, computed: Properties | None = None
    ) -> Resource:
        arn = f"arn:{partition_of(region).name}:ec2:{region}:{world.account}:{kind}/{identifier}"
        shown = {"arn": arn, "ownerId": world.account, "region": region, "tagsAll": {}, **(computed or {})}
        return Resource(token, identifier, "", region, inputs, shown)

    yield made(
        VPC,
        vpc,
        "vpc",
        {"cidrBlock": _CIDR, "enableDnsHostnames": True, "enableDnsSupport": True},
        {
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
    yield made(INTERNET_GATEWAY, gateway, "internet-gateway", {"vpcId": vpc})
    routes = [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}]
    yield made(ROUTE_TABLE, table, "route-table", {"vpcId": vpc, "routes": routes})
    described = {"vpcId": vpc, "name": "default", "description": "default VPC security group"}
    yield made(SECURITY_GROUP, group, "security-group", described)
    whole = network(_CIDR)
    assert whole is not None
    ranges = islice(whole.subnets(new_prefix=_SUBNET_PREFIX), len(world.zones))
    for letter, cidr in zip(world.zones, ranges, strict=True):
        zone = f"{region}{letter}"
        inputs = {"vpcId": vpc, "cidrBlock": str(cidr), "availabilityZone": zone, "mapPublicIpOnLaunch": True}
        defaults = {
            "availabilityZoneId": zone_id(zone),
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "ipv6Native": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "privateDnsHostnameTypeOnLaunch": "ip-name",
        }
        yield made(SUBNET, default_id("subnet", zone), "subnet", inputs, defaults)
