"""Create the VPC of a stack, with subnets for the load balancer and for the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from infra.aws import naming
from infra.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(kw_only=True)
class Network:
    """The VPC and the subnets of load balancer and tasks."""

    vpc_id: pulumi.Input[str]
    cidr: str
    """IPv4 range of the VPC."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the load balancer, one a zone: public ones, unless it is internal."""

    task_subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the tasks, one a zone. Clients outside the VPC can't reach them, unless they are
    the load balancer's too.
    """

    task_route_table_ids: pulumi.Input[Sequence[str]] = ()
    """Route tables of the tasks' subnets, where the stack created these for tasks only."""

    routes: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]] = ()
    """The routes of a network that the stack created."""


@dataclass(kw_only=True)
class VpcArgs:
    """Arguments of a VPC that a stack creates; what a stack configures has no defaults here."""

    cidr: str
    """Its IPv4 range."""

    zones: int
    """How many availability zones it spans."""

    private_tasks: bool
    """Whether tasks get their own subnets, not reachable from outside the VPC."""

    internal: bool
    """Whether the load balancer is in the subnets of the tasks, not in the public ones."""

    gateways: int
    """Number of NAT gateways of the tasks' subnets: 0, 1, or one for each zone."""

    private_dns: bool
    """Whether names of AWS's services can resolve to endpoints in the VPC."""

    ipv6: bool
    """Whether everything in it gets IPv6 addresses as well."""

    deletion_protection: bool
    """Whether Pulumi refuses to delete it."""

    tags: dict[str, str]
    """Tags of everything in it."""


def create(name: str, args: VpcArgs) -> Network:
    """Create a VPC with a public subnet in each zone, and optional private ones.

    Raises:
        SettingsError: The region has fewer zones; nothing was registered.
    """
    # awsx would fail too, but only after other resources were created.
    offered = aws.get_availability_zones().names
    if args.zones > len(offered):
        allowed = f"at most {len(offered)}, {', '.join(offered)}"
        raise SettingsError([Problem("availabilityZoneCount", f"{args.zones}", allowed)])
    tags = naming.of_component(args.tags, name)
    vpc = _register_vpc(name, args, tags)
    # The default security group of a VPC allows its members to connect to each other and to
    # everything outside. Nothing here uses it.
    aws.ec2.DefaultSecurityGroup(
        f"{name}-default",
        vpc_id=vpc.vpc_id,
        ingress=[],
        egress=[],
        tags=tags,
        opts=pulumi.ResourceOptions(parent=vpc),
    )
    public_tables = _route_tables(vpc, f"{name}-public", args.zones)
    private_tables: dict[str, pulumi.Output[str]] = {}
    task_subnet_ids = vpc.public_subnet_ids
    if args.private_tasks:
        private_tables = _route_tables(vpc, f"{name}-private", args.zones)
        task_subnet_ids = vpc.private_subnet_ids
    if args.ipv6:
        _route_ipv6(name, vpc, public_tables, private_tables, tags)
    return Network(
        vpc_id=vpc.vpc_id,
        cidr=args.cidr,
        subnet_ids=task_subnet_ids if args.internal else vpc.public_subnet_ids,
        task_subnet_ids=task_subnet_ids,
        task_route_table_ids=pulumi.Output.all(*private_tables.values()),
        routes=vpc.routes,
    )


def _register_vpc(name: str, args: VpcArgs, tags: dict[str, str]) -> awsx.ec2.Vpc:
    """Register the VPC with its subnets, route tables and gateways."""
    subnet_types = [awsx.ec2.SubnetType.PUBLIC]
    if args.private_tasks:
        subnet_types.append(awsx.ec2.SubnetType.PRIVATE)
    strategy = awsx.ec2.NatGatewayStrategy.ONE_PER_AZ
    if args.gateways == 0:
        strategy = awsx.ec2.NatGatewayStrategy.NONE
    elif args.gateways == 1:
        strategy = awsx.ec2.NatGatewayStrategy.SINGLE
    # Passed only where wanted, so that awsx's defaults remain in a stack without them.
    extras: dict[str, Any] = {}
    if args.private_dns:
        extras |= {"enable_dns_hostnames": True, "enable_dns_support": True}
    if args.ipv6:
        extras["assign_generated_ipv6_cidr_block"] = True
    return awsx.ec2.Vpc(
        name,
        cidr_block=args.cidr,
        number_of_availability_zones=args.zones,
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_specs=[{"type": each} for each in subnet_types],
        nat_gateways={"strategy": strategy},
        **extras,
        tags=tags,
        opts=pulumi.ResourceOptions(
            protect=args.deletion_protection or None,
            transforms=[_without_automatic_public_addresses],
        ),
    )


def _route_tables(vpc: awsx.ec2.Vpc, kind: str, zones: int) -> dict[str, pulumi.Output[str]]:
    """Return the route table of each zone, by the logical name that it shares with its subnet.

    They come from the component itself (docs/adr/0016). A lookup in AWS could run while the network
    is being created, when a subnet exists without its route table.
    """
    found: dict[str, pulumi.Output[str]] = {}
    for number in range(1, zones + 1):
        subnet = f"{kind}-{number}"
        found[subnet] = vpc.route_tables.apply(partial(_id_of_table, subnet))
    return found


def _id_of_table(name: str, tables: Sequence[aws.ec2.RouteTable]) -> pulumi.Output[str]:
    for table in tables:
        if table.pulumi_resource_name == name:
            return table.id
    raise LookupError(name)


def _route_ipv6(
    name: str,
    vpc: awsx.ec2.Vpc,
    public: Mapping[str, pulumi.Output[str]],
    private: Mapping[str, pulumi.Output[str]],
    tags: Mapping[str, str],
) -> None:
    """Add the routes that awsx doesn't: both directions in public subnets, outbound in private."""
    child = pulumi.ResourceOptions(parent=vpc)
    gateway_id: pulumi.Output[str] = vpc.internet_gateway.apply(lambda gateway: gateway.id)
    for subnet, table_id in public.items():
        aws.ec2.Route(
            f"{subnet}-ipv6",
            route_table_id=table_id,
            destination_ipv6_cidr_block="::/0",
            gateway_id=gateway_id,
            opts=child,
        )
    if not private:
        return
    outbound = aws.ec2.EgressOnlyInternetGateway(name, vpc_id=vpc.vpc_id, tags=tags, opts=child)
    for subnet, table_id in private.items():
        aws.ec2.Route(
            f"{subnet}-ipv6",
            route_table_id=table_id,
            destination_ipv6_cidr_block="::/0",
            egress_only_gateway_id=outbound.id,
            opts=child,
        )


def _without_automatic_public_addresses(
    args: pulumi.ResourceTransformArgs,
) -> pulumi.ResourceTransformResult | None:
    """Turn off mapPublicIpOnLaunch of public subnets; awsx has no setting for it."""
    if args.type_ != "aws:ec2/subnet:Subnet":
        return None
    return pulumi.ResourceTransformResult({**args.props, "mapPublicIpOnLaunch": False}, args.opts)
