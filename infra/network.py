"""The VPC that a stack makes, with subnets for the load balancer and for the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from infra import naming
from infra.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Table = pulumi.Output[aws.ec2.GetRouteTableResult]


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where load balancer and tasks live."""

    vpc_id: pulumi.Input[str]
    cidr: str
    """IPv4 range of the VPC."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the load balancer, one a zone: public ones, unless it is internal."""

    task_subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the tasks, one a zone; nobody outside reaches them, unless they are the load balancer's too."""

    task_route_table_ids: pulumi.Input[Sequence[str]] = ()
    """Route tables of subnets that are the tasks' alone and the stack's own."""


def create(
    name: str,
    *,
    cidr: str,
    zones: int,
    private_tasks: bool = False,
    internal: bool = False,
    gateways: int = 0,
    private_dns: bool = False,
    ipv6: bool = False,
    deletion_protection: bool = False,
    tags: dict[str, str],
) -> Network:
    """Make a VPC with a public subnet in each of `zones` zones, and perhaps a private one for tasks.

    Args:
        name: Its logical name.
        cidr: Its IPv4 range.
        zones: How many availability zones it spans.
        private_tasks: Whether tasks get subnets of their own, that nobody outside reaches.
        internal: Whether the load balancer is where the tasks are, and not in the public subnets.
        gateways: How many NAT gateways lead out of those: none, one, or one for each zone.
        private_dns: Whether names of AWS's services can lead to endpoints in the VPC.
        ipv6: Whether everything in it gets IPv6 addresses as well.
        deletion_protection: Whether Pulumi refuses to delete it.
        tags: Tags of everything in it.

    Raises:
        SettingsError: The region hasn't got as many zones; nothing was registered.
    """
    # awsx would find out too, when other resources are made already.
    here = aws.get_availability_zones().names
    if zones > len(here):
        raise SettingsError([Problem("availabilityZoneCount", f"{zones}", f"at most {len(here)}, {', '.join(here)}")])
    tags = naming.of_component(tags, name)
    kinds, strategies = awsx.ec2.SubnetType, awsx.ec2.NatGatewayStrategy
    extras: dict[str, Any] = {
        **({"enable_dns_hostnames": True, "enable_dns_support": True} if private_dns else {}),
        **({"assign_generated_ipv6_cidr_block": True} if ipv6 else {}),
    }
    vpc = awsx.ec2.Vpc(
        name,
        cidr_block=cidr,
        number_of_availability_zones=zones,
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_specs=[{"type": kind} for kind in (kinds.PUBLIC, *((kinds.PRIVATE,) if private_tasks else ()))],
        nat_gateways={"strategy": {0: strategies.NONE, 1: strategies.SINGLE}.get(gateways, strategies.ONE_PER_AZ)},
        **extras,
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
    private_tables = _tables_of(vpc.private_subnet_ids, zones) if private_tasks else []
    if ipv6:
        _lead_ipv6_out(name, vpc, _tables_of(vpc.public_subnet_ids, zones), private_tables, tags)
    task_subnet_ids = vpc.private_subnet_ids if private_tasks else vpc.public_subnet_ids
    return Network(
        vpc_id=vpc.vpc_id,
        cidr=cidr,
        subnet_ids=task_subnet_ids if internal else vpc.public_subnet_ids,
        task_subnet_ids=task_subnet_ids,
        task_route_table_ids=pulumi.Output.all(*(table.route_table_id for table in private_tables)),
    )


def _tables_of(subnet_ids: pulumi.Output[Sequence[str]], zones: int) -> list[Table]:
    """The route table of each subnet; awsx makes one for each, and gives them in no order."""
    return [aws.ec2.get_route_table_output(subnet_id=subnet_ids[number]) for number in range(zones)]


def _lead_ipv6_out(
    name: str, vpc: awsx.ec2.Vpc, public: Sequence[Table], private: Sequence[Table], tags: Mapping[str, str]
) -> None:
    """The routes that awsx doesn't make: both ways for public subnets, only outward for private ones."""
    child = pulumi.ResourceOptions(parent=vpc)
    for number, table in enumerate(public, start=1):
        aws.ec2.Route(
            f"{name}-public-{number}-ipv6",
            route_table_id=table.route_table_id,
            destination_ipv6_cidr_block="::/0",
            gateway_id=table.routes.apply(
                lambda routes: next(each.gateway_id for each in routes if (each.gateway_id or "").startswith("igw-"))
            ),
            opts=child,
        )
    if not private:
        return
    gateway = aws.ec2.EgressOnlyInternetGateway(name, vpc_id=vpc.vpc_id, tags=tags, opts=child)
    for number, table in enumerate(private, start=1):
        aws.ec2.Route(
            f"{name}-private-{number}-ipv6",
            route_table_id=table.route_table_id,
            destination_ipv6_cidr_block="::/0",
            egress_only_gateway_id=gateway.id,
            opts=child,
        )


def _hand_out_no_addresses(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Make public subnets give no public address to whatever starts in them; awsx has no setting for that."""
    if args.type_ != "aws:ec2/subnet:Subnet":
        return None
    return pulumi.ResourceTransformResult({**args.props, "mapPublicIpOnLaunch": False}, args.opts)
