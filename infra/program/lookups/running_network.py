"""Find changes of a deployed stack's network that AWS would refuse half-way through a run.

A load balancer can't move to another VPC, and a NAT gateway in a new VPC can't have the elastic IP
address of the one that Pulumi deletes last. A stack that has neither, because its first run or its
`destroy` was stopped, can get another VPC.

Another layout of a VPC's subnets has ranges that overlap those of the former layout: Pulumi creates
the new subnets first, which AWS refuses. That holds for the subnets of a stopped run, too.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Final, NamedTuple

import pulumi_aws as aws

from infra.errors import Problem
from infra.network import layout
from infra.settings.stack.network import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from infra.network.layout import PlannedSubnet
    from infra.settings import Settings

_DESTROY: Final = "run `pulumi destroy` first (`pulumi-local destroy` with the local AWS)"
_HOW: Final = (
    f"for another value, {_DESTROY}, or deploy a second stack and move the domain to it "
    "(docs/network.md)"
)
_IPV6_SUBNET_BITS: Final = 64
_IPV6_SUBNETS: Final = 256
"""Number of /64 in a VPC's /56."""


class _Layout(NamedTuple):
    """What decides the subnets of a VPC, besides its range."""

    zones: int
    """The key `availabilityZoneCount`."""

    private_tasks: bool
    """Whether tasks have their own subnets, as with each `network` but public."""


def problems(
    settings: Settings, vpc_name: str, own_vpcs: Callable[[], Sequence[str]]
) -> Iterator[Problem]:
    """Compare the configured network with the one that the stack runs in.

    Args:
        settings: The stack's settings.
        vpc_name: Logical name of the VPC that the stack creates.
        own_vpcs: Look up the ids of the VPCs that the stack created.
    """
    wanted = _wanted_vpcs(settings, own_vpcs)
    # Each security group of a stack has its tags, in an existing VPC too.
    running = aws.ec2.get_security_groups(tags=settings.tags).vpc_ids
    if running and set(running).isdisjoint(wanted):
        yield from _in_another_vpc(settings, running)
    elif not settings.network.existing_vpc:
        yield from _in_another_range(settings, vpc_name, wanted)


def _wanted_vpcs(settings: Settings, own_vpcs: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Return the ids of the configured VPC; a failed run of an earlier version can leave two."""
    network = settings.network
    if network.vpc_id:
        return [network.vpc_id]
    if network.vpc_tags:
        return aws.ec2.get_vpcs(tags=network.vpc_tags).ids
    return own_vpcs()


def _in_another_vpc(settings: Settings, running: Sequence[str]) -> Iterator[Problem]:
    reason = _bound_to_vpc(settings)
    if reason is None:
        return
    network = settings.network
    where = f"where the stack runs in {', '.join(sorted(set(running)))}"
    allowed = f"the stack's VPC, as {reason}; {_HOW}"
    if network.vpc_tags:
        tags = ", ".join(f"{key}={value}" for key, value in network.vpc_tags.items())
        yield Problem("vpcTags", f"{tags}, {where}", allowed)
    else:
        chosen = network.vpc_id or "empty, so that a VPC is created"
        yield Problem("vpcId", f"{chosen}, {where}", allowed)


def _bound_to_vpc(settings: Settings) -> str | None:
    """Return why the stack can't get another VPC; None if it can, as a stopped run left too little.

    This is looked up only for a stack that is to get another one.
    """
    if aws.lb.get_lbs(tags=settings.tags).arns:
        return "a load balancer doesn't move to another one"
    network = settings.network
    if network.nat_gateways and not network.existing_vpc:
        # EC2 lists deleted ones for about an hour.
        found = aws.ec2.get_nat_gateways(
            tags=settings.tags, filters=[{"name": "state", "values": ["pending", "available"]}]
        )
        if found.ids:
            return "its NAT gateways keep their elastic IP addresses until they are deleted"
    return None


def _in_another_range(
    settings: Settings, vpc_name: str, vpc_ids: Sequence[str]
) -> Iterator[Problem]:
    network = settings.network
    cidrs = {vpc_id: aws.ec2.get_vpc(id=vpc_id).cidr_block for vpc_id in vpc_ids}
    same = [vpc_id for vpc_id, cidr in cidrs.items() if cidr == network.vpc_cidr]
    if cidrs and not same:
        reason = _bound_to_vpc(settings)
        if reason is not None:
            yield Problem(
                "vpcCidr",
                f"{network.vpc_cidr}, where the stack's VPC has {', '.join(cidrs.values())}",
                f"the range of that VPC, as {reason}; {_HOW}",
            )
    for vpc_id in same:
        yield from _in_another_layout(settings, vpc_name, vpc_id)


def _in_another_layout(settings: Settings, vpc_name: str, vpc_id: str) -> Iterator[Problem]:
    """Name the keys that changed the layout of a VPC's subnets, if that is certain."""
    network = settings.network
    ids = aws.ec2.get_subnets(
        filters=[{"name": "vpc-id", "values": [vpc_id]}], tags=settings.tags
    ).ids
    # One by one, because the provider's list of subnets has nothing but their ids.
    existing = [aws.ec2.get_subnet(id=subnet_id) for subnet_id in ids]

    def planned(chosen: _Layout) -> dict[str, PlannedSubnet]:
        return layout.subnets(vpc_name, cidr=network.vpc_cidr, **chosen._asdict())

    wanted = _Layout(network.availability_zone_count, network.private_tasks)
    if not _overlap(existing, planned(wanted)):
        return
    overlapped = f"whose subnets would overlap those of the stack's VPC, {vpc_id}"
    former = _layout_of(existing)
    if not _has_exactly(existing, planned(former)):
        yield Problem(
            "network",
            f"{network.network}, with availabilityZoneCount {wanted.zones}, {overlapped}, of which "
            "an earlier run that was stopped made or left only some",
            f"both keys as in that run; for other values, {_DESTROY}",
        )
        return
    # A key is named if its change alone would be refused: it must go back whatever the other is.
    only_private = former._replace(private_tasks=wanted.private_tasks)
    if only_private != former and _overlap(existing, planned(only_private)):
        before = f"one other than {PUBLIC}" if former.private_tasks else PUBLIC
        yield Problem("network", f"{network.network}, {overlapped}", f"{before}, as before; {_HOW}")
    only_zones = former._replace(zones=wanted.zones)
    if only_zones != former and _overlap(existing, planned(only_zones)):
        yield Problem(
            "availabilityZoneCount",
            f"{wanted.zones}, {overlapped}",
            f"{former.zones}, as before; {_HOW}",
        )


def _layout_of(subnets: Sequence[aws.ec2.GetSubnetResult]) -> _Layout:
    """Return the layout of subnets that awsx created, by its tags on them."""
    kinds = [subnet.tags.get("SubnetType") for subnet in subnets]
    return _Layout(kinds.count("Public"), "Private" in kinds)


def _has_exactly(
    subnets: Sequence[aws.ec2.GetSubnetResult], planned: Mapping[str, PlannedSubnet]
) -> bool:
    """Return whether subnets are those of a plan, by their names and IPv4 ranges."""
    existing = {subnet.tags.get("Name"): subnet.cidr_block for subnet in subnets}
    return existing == {name: str(subnet.cidr) for name, subnet in planned.items()}


def _overlap(
    existing: Sequence[aws.ec2.GetSubnetResult], planned: Mapping[str, PlannedSubnet]
) -> bool:
    """Return whether AWS would refuse planned subnets because of those that exist."""
    return any(_overlaps(each, planned) for each in existing)


def _overlaps(subnet: aws.ec2.GetSubnetResult, planned: Mapping[str, PlannedSubnet]) -> bool:
    """Return whether a subnet has addresses that another one is to get."""
    own_name = subnet.tags.get("Name")
    cidr = IPv4Network(subnet.cidr_block)
    position = None  # of its /64 in the VPC's IPv6 range
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
