"""Find changes of a deployed stack's network that AWS would refuse half-way through a run.

A load balancer can't move to another VPC. And another layout of a VPC's subnets has ranges that
overlap those of the former layout: Pulumi creates the new subnets first, which AWS refuses.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Final

import pulumi_aws as aws

from infra.errors import Problem
from infra.network import layout
from infra.settings.stack.network import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.network.layout import PlannedSubnet
    from infra.settings import Settings

_HOW: Final = (
    "for another value, run `pulumi destroy` first, or deploy a second stack and move the domain "
    "to it (docs/network.md)"
)
_IPV6_SUBNET_BITS: Final = 64
_IPV6_SUBNETS: Final = 256
"""Number of /64 in a VPC's /56."""


def problems(settings: Settings, vpc_name: str) -> Iterator[Problem]:
    """Compare the configured network with the one that the stack runs in.

    Args:
        settings: The stack's settings.
        vpc_name: Logical name of the VPC that the stack creates.
    """
    wanted = _wanted_vpcs(settings)
    # Each security group of a stack has its tags, in an existing VPC too.
    running = aws.ec2.get_security_groups(tags=settings.tags).vpc_ids
    if running and set(running).isdisjoint(wanted):
        yield from _in_another_vpc(settings, running)
    elif not settings.network.existing_vpc:
        yield from _in_another_layout(settings, vpc_name, wanted)


def _wanted_vpcs(settings: Settings) -> Sequence[str]:
    """Return the ids of the configured VPC; a failed run of an earlier version can leave two."""
    network = settings.network
    if network.vpc_id:
        return [network.vpc_id]
    return aws.ec2.get_vpcs(tags=network.vpc_tags or settings.tags).ids


def _in_another_vpc(settings: Settings, running: Sequence[str]) -> Iterator[Problem]:
    network = settings.network
    where = f"where the stack runs in {', '.join(sorted(set(running)))}"
    allowed = f"the stack's VPC, as a load balancer doesn't move to another one; {_HOW}"
    if network.vpc_tags:
        tags = ", ".join(f"{key}={value}" for key, value in network.vpc_tags.items())
        yield Problem("vpcTags", f"{tags}, {where}", allowed)
    else:
        chosen = network.vpc_id or "empty, so that a VPC is created"
        yield Problem("vpcId", f"{chosen}, {where}", allowed)


def _in_another_layout(
    settings: Settings, vpc_name: str, vpc_ids: Sequence[str]
) -> Iterator[Problem]:
    network = settings.network
    cidrs = {vpc_id: aws.ec2.get_vpc(id=vpc_id).cidr_block for vpc_id in vpc_ids}
    same = [vpc_id for vpc_id, cidr in cidrs.items() if cidr == network.vpc_cidr]
    if cidrs and not same:
        yield Problem(
            "vpcCidr",
            f"{network.vpc_cidr}, where the stack's VPC has {', '.join(cidrs.values())}",
            f"the range of that VPC, as a load balancer doesn't move to another one; {_HOW}",
        )
    planned = layout.subnets(
        vpc_name,
        cidr=network.vpc_cidr,
        zones=network.availability_zone_count,
        private_tasks=network.private_tasks,
    )
    for vpc_id in same:
        ids = aws.ec2.get_subnets(
            filters=[{"name": "vpc-id", "values": [vpc_id]}], tags=settings.tags
        ).ids
        existing = [aws.ec2.get_subnet(id=subnet_id) for subnet_id in ids]
        if any(_overlaps(each, planned) for each in existing):
            yield _overlap(settings, vpc_id, existing)


def _overlaps(subnet: aws.ec2.GetSubnetResult, planned: dict[str, PlannedSubnet]) -> bool:
    """Return whether a subnet has addresses that another one is to get."""
    own_name = subnet.tags.get("Name")
    cidr = IPv4Network(subnet.cidr_block)
    position = None
    if subnet.ipv6_cidr_block:
        address = int(IPv6Network(subnet.ipv6_cidr_block).network_address)
        position = (address >> _IPV6_SUBNET_BITS) % _IPV6_SUBNETS
    for name, each in planned.items():
        if name == own_name and cidr == each.cidr:
            # Its IPv6 range is changed in place.
            continue
        if cidr.overlaps(each.cidr) or position == each.ipv6_position:
            return True
    return False


def _overlap(
    settings: Settings, vpc_id: str, existing: Sequence[aws.ec2.GetSubnetResult]
) -> Problem:
    """Name the key that changed: all but `public` have the same layout of as many zones."""
    network = settings.network
    overlapped = f"whose subnets would overlap those of the stack's VPC, {vpc_id}"
    kinds = [each.tags.get("SubnetType") for each in existing]
    private = "Private" in kinds
    if private != network.private_tasks:
        former = f"one other than {PUBLIC}" if private else PUBLIC
        return Problem(
            "network", f"{network.network}, {overlapped}", f"{former}, as before; {_HOW}"
        )
    return Problem(
        "availabilityZoneCount",
        f"{network.availability_zone_count}, {overlapped}",
        f"{kinds.count('Public')}, as before; {_HOW}",
    )
