"""The subnets of a VPC that awsx creates with its strategy `Auto`: their names and ranges. Pure.

Source: pulumi-awsx at e60adf3c, awsx/ec2/subnetDistributorNew.ts, subnetNaming.ts and vpc.ts.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True, kw_only=True)
class PlannedSubnet:
    """The ranges of a subnet."""

    cidr: IPv4Network

    ipv6_position: int
    """Position of its /64 in the VPC's IPv6 range, if the VPC has one."""


def subnets(name: str, *, cidr: str, zones: int, private_tasks: bool) -> dict[str, PlannedSubnet]:
    """Return the subnets of a VPC by their names.

    Args:
        name: Logical name of the VPC.
        cidr: Its IPv4 range.
        zones: How many availability zones it spans.
        private_tasks: Whether each zone has a private subnet beside the public one.
    """
    kinds = ("public", "private") if private_tasks else ("public",)
    # The zones divide the VPC into equal parts, and subnets the part of their zone: the number of
    # parts is a power of two each time.
    bits = (zones - 1).bit_length() + (len(kinds) - 1).bit_length()
    ranges = list(IPv4Network(cidr).subnets(prefixlen_diff=bits))
    found: dict[str, PlannedSubnet] = {}
    for position, kind in enumerate(kinds):
        for zone in range(zones):
            found[f"{name}-{kind}-{zone + 1}"] = PlannedSubnet(
                cidr=ranges[zone * len(kinds) + position],
                # The first subnets of all zones come first.
                ipv6_position=position * zones + zone,
            )
    return found
