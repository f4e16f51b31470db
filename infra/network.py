"""The VPC: one of the stack's own, or one that exists. Either gives public subnets in at least two zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from infra import naming
from infra.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where load balancer and tasks live."""

    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    """Public subnets, one a zone."""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet of an existing VPC."""

    id: str
    vpc_id: str
    zone: str
    public: bool
    """Whether it has a route to an internet gateway."""


def create(name: str, *, cidr: str, zones: int, deletion_protection: bool, tags: dict[str, str]) -> Network:
    """Make a VPC with a public subnet in each of `zones` zones, and no NAT gateway."""
    tags = naming.of_component(tags, name)
    vpc = awsx.ec2.Vpc(
        name,
        cidr_block=cidr,
        number_of_availability_zones=zones,
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_specs=[{"type": awsx.ec2.SubnetType.PUBLIC}],
        nat_gateways={"strategy": awsx.ec2.NatGatewayStrategy.NONE},
        tags=tags,
        opts=pulumi.ResourceOptions(protect=deletion_protection or None, transforms=[_hand_out_no_addresses]),
    )
    # Every VPC comes with a group that lets its members talk to each other and out; nobody here needs it.
    aws.ec2.DefaultSecurityGroup(
        f"{name}-default",
        vpc_id=vpc.vpc_id,
        ingress=[],
        egress=[],
        tags=tags,
        opts=pulumi.ResourceOptions(parent=vpc),
    )
    return Network(vpc_id=vpc.vpc_id, subnet_ids=vpc.public_subnet_ids)


def find(vpc_id: str, subnet_ids: Sequence[str]) -> Network:
    """Look an existing VPC up.

    Raises:
        SettingsError: It hasn't got the named subnets, or not in two zones, or they are not public.
    """
    tables = [
        aws.ec2.get_route_table(route_table_id=table_id) for table_id in aws.ec2.get_route_tables(vpc_id=vpc_id).ids
    ]
    # A subnet without a table of its own follows the main one.
    main = next((table.id for table in tables if any(link.main for link in table.associations)), None)
    table_of = {link.subnet_id: table.id for table in tables for link in table.associations if link.subnet_id}
    public = {table.id for table in tables if any(route.gateway_id.startswith("igw-") for route in table.routes)}
    ids = subnet_ids or aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [vpc_id]}]).ids
    described = (aws.ec2.get_subnet(id=subnet_id) for subnet_id in ids)
    subnets = [
        Subnet(
            id=each.id, vpc_id=each.vpc_id, zone=each.availability_zone, public=table_of.get(each.id, main) in public
        )
        for each in described
    ]
    chosen = choose(vpc_id, subnets, named=bool(subnet_ids))
    return Network(vpc_id=vpc_id, subnet_ids=chosen)


def choose(vpc_id: str, subnets: Iterable[Subnet], *, named: bool) -> list[str]:
    """One public subnet for each zone, as a load balancer takes one a zone, by id.

    Subnets that the configuration named must all do; of those that were found, the ones that do are taken.

    Raises:
        SettingsError: A named subnet won't do, or fewer than two zones remain.
    """
    by_zone: dict[str, str] = {}
    problems = []
    for subnet in sorted(subnets, key=lambda subnet: subnet.id):
        flaw = (
            f"not in {vpc_id}"
            if subnet.vpc_id != vpc_id
            else "without a route to an internet gateway"
            if not subnet.public
            else f"in zone {subnet.zone} like {by_zone[subnet.zone]}"
            if subnet.zone in by_zone
            else None
        )
        if flaw is None:
            by_zone[subnet.zone] = subnet.id
        elif named:
            problems.append(Problem("subnetIds", f"{subnet.id} is {flaw}", "public subnets of vpcId, one a zone"))
    if not problems and len(by_zone) < 2:  # noqa: PLR2004 — a load balancer's least
        zones = ", ".join(by_zone) or "no zone"
        problems.append(
            Problem(
                "subnetIds" if named else "vpcId", f"public subnets in {zones}", "public subnets in at least two zones"
            )
        )
    if problems:
        raise SettingsError(problems)
    return sorted(by_zone.values())


def _hand_out_no_addresses(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Make public subnets give no public address to whatever starts in them; awsx has no setting for that."""
    if args.type_ != "aws:ec2/subnet:Subnet":
        return None
    return pulumi.ResourceTransformResult({**args.props, "mapPublicIpOnLaunch": False}, args.opts)
