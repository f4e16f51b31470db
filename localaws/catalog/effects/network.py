"""The effects of the inputs of VPCs, subnets and DNS records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import SUBNET, VPC
from localaws.catalog.effects.model import Effects
from localaws.catalog.effects.reasons import (
    ADDRESSES,
    CATALOG_ONLY,
    EVERYWHERE,
    NO_MACHINE,
    NO_METRICS,
)
from localaws.catalog.route53.records import RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECTS: Mapping[str, Effects] = {
    VPC: Effects(
        effective=("cidrBlock", "enableDnsSupport", "ipv6CidrBlock"),
        unmentioned={
            **EVERYWHERE,
            "assignGeneratedIpv6CidrBlock": ADDRESSES,
            "enableDnsHostnames": "no host here has a public name",
            "enableNetworkAddressUsageMetrics": NO_METRICS,
            "instanceTenancy": NO_MACHINE,
            "ipv4IpamPoolId": ADDRESSES,
            "ipv4NetmaskLength": ADDRESSES,
            "ipv6CidrBlockNetworkBorderGroup": ADDRESSES,
            "ipv6IpamPoolId": ADDRESSES,
            "ipv6NetmaskLength": ADDRESSES,
        },
    ),
    SUBNET: Effects(
        effective=(
            "availabilityZone",
            "cidrBlock",
            "ipv6CidrBlock",
            "mapPublicIpOnLaunch",
            "vpcId",
        ),
        without_effect={
            "enableDns64": (False,),
            "enableResourceNameDnsARecordOnLaunch": (False,),
            "enableResourceNameDnsAaaaRecordOnLaunch": (False,),
            "privateDnsHostnameTypeOnLaunch": ("ip-name",),
        },
        unmentioned={
            **EVERYWHERE,
            "assignIpv6AddressOnCreation": ADDRESSES,
            "availabilityZoneId": CATALOG_ONLY,
            "customerOwnedIpv4Pool": ADDRESSES,
            "enableLniAtDeviceIndex": ADDRESSES,
            "ipv4IpamPoolId": ADDRESSES,
            "ipv4NetmaskLength": ADDRESSES,
            "ipv6IpamPoolId": ADDRESSES,
            "ipv6Native": ADDRESSES,
            "ipv6NetmaskLength": ADDRESSES,
            "mapCustomerOwnedIpOnLaunch": ADDRESSES,
            "outpostArn": CATALOG_ONLY,
        },
    ),
    RECORD: Effects(
        effective=("aliases[].name", "name", "records", "ttl", "type", "zoneId"),
        without_effect={
            "cidrRoutingPolicy": (),
            "failoverRoutingPolicies": (),
            "geolocationRoutingPolicies": (),
            "geoproximityRoutingPolicy": (),
            "healthCheckId": (),
            "latencyRoutingPolicies": (),
            "multivalueAnswerRoutingPolicy": (False,),
            "weightedRoutingPolicies": (),
        },
        unmentioned={
            "aliases[].evaluateTargetHealth": "an answer has all records of a name, healthy or not",
            "aliases[].zoneId": CATALOG_ONLY,
            "allowOverwrite": CATALOG_ONLY,
            "setIdentifier": CATALOG_ONLY,
        },
    ),
}
