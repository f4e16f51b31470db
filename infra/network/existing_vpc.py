"""A VPC that exists, and which of its subnets to take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.errors import Problem, SettingsError, looking_up
from infra.network.vpc import Network

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet that exists."""

    id: str
    vpc_id: str
    zone: str
    public: bool
    """Whether it has a route to an internet gateway."""

    ipv6: bool = False
    """Whether it has an IPv6 range."""


@dataclass(frozen=True, kw_only=True)
class SubnetQuery:
    """Which subnets are wanted for something: by id, by tags, or whichever will do."""

    key: str
    """What the configuration keys begin with: `subnet` or `taskSubnet`."""

    public: bool
    ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    ipv6: bool = False
    """Whether they must have an IPv6 range."""

    zones: Collection[str] = ()
    """Zones to stay in; empty for any. A load balancer sends nothing to a target outside its own.
    """


def find(
    *,
    vpc_id: str | None,
    vpc_tags: Mapping[str, str],
    balancer: SubnetQuery,
    tasks: SubnetQuery | None,
) -> Network:
    """Look an existing VPC up.

    Args:
        vpc_id: Its id; empty where it is known by its tags.
        vpc_tags: Tags that it has, and no other VPC.
        balancer: Subnets of the load balancer.
        tasks: Subnets of the tasks; None for the load balancer's.

    Raises:
        SettingsError: There is no such VPC, or it lacks the subnets.
    """
    key = "vpcId" if vpc_id else "vpcTags"
    known_as = vpc_id or _only(vpc_tags)
    with looking_up(key, known_as, "a VPC of this account and region"):
        vpc = aws.ec2.get_vpc(id=known_as)
    balancers = _subnets(vpc.id, balancer, key)
    return Network(
        vpc_id=vpc.id,
        cidr=vpc.cidr_block,
        subnet_ids=sorted(balancers.values()),
        task_subnet_ids=sorted(
            (
                _subnets(vpc.id, replace(tasks, zones=[*balancers]), key) if tasks else balancers
            ).values()
        ),
    )


def choose(
    vpc_id: str, subnets: Iterable[Subnet], wanted: SubnetQuery, *, otherwise: str = "vpcId"
) -> dict[str, str]:
    """One subnet's id for each zone, as a load balancer takes one a zone.

    Subnets that the configuration named must all do; of those that were found, the ones that do are
    taken.

    Args:
        vpc_id: The VPC that they must be in.
        subnets: Those to choose from.
        wanted: What they must be.
        otherwise: The configuration key to blame if neither ids nor tags were given.

    Raises:
        SettingsError: A named subnet won't do, or fewer than two zones remain.
    """
    kind = "public" if wanted.public else "private"
    by_zone: dict[str, str] = {}
    problems = []
    for subnet in sorted(subnets, key=lambda subnet: subnet.id):
        flaw = _flaw(subnet, vpc_id, wanted, by_zone)
        if flaw is None:
            by_zone[subnet.zone] = subnet.id
        elif wanted.ids:
            allowed = f"{kind} subnets of the VPC, one a zone{', with IPv6' if wanted.ipv6 else ''}"
            problems.append(Problem(f"{wanted.key}Ids", f"{subnet.id} is {flaw}", allowed))
    if not problems and len(by_zone) < 2:  # noqa: PLR2004 — a load balancer's least
        found = f"{kind} subnets in {', '.join(by_zone) or 'no zone'}"
        zones = (
            f"zones of the load balancer's, {', '.join(wanted.zones)}" if wanted.zones else "zones"
        )
        allowed = f"{kind} subnets in at least two {zones}{', with IPv6' if wanted.ipv6 else ''}"
        problems.append(Problem(_key(wanted, otherwise), found, allowed))
    if problems:
        raise SettingsError(problems)
    return by_zone


def _key(wanted: SubnetQuery, otherwise: str) -> str:
    return f"{wanted.key}Ids" if wanted.ids else f"{wanted.key}Tags" if wanted.tags else otherwise


def _flaw(
    subnet: Subnet, vpc_id: str, wanted: SubnetQuery, by_zone: Mapping[str, str]
) -> str | None:
    """Why a subnet won't do."""
    flaws = {
        f"not in {vpc_id}": subnet.vpc_id != vpc_id,
        "without a route to an internet gateway": wanted.public and not subnet.public,
        "with a route to an internet gateway": subnet.public and not wanted.public,
        "without an IPv6 range": wanted.ipv6 and not subnet.ipv6,
        f"in zone {subnet.zone}, where the load balancer has no subnet": wanted.zones
        and subnet.zone not in wanted.zones,
        f"in zone {subnet.zone} like {by_zone.get(subnet.zone)}": subnet.zone in by_zone,
    }
    return next((flaw for flaw, found in flaws.items() if found), None)


def _only(vpc_tags: Mapping[str, str]) -> str:
    ids = aws.ec2.get_vpcs(tags=dict(vpc_tags)).ids
    if len(ids) != 1:
        shown = ", ".join(f"{key}={value}" for key, value in vpc_tags.items())
        raise SettingsError(
            [Problem("vpcTags", f"{shown}, which {len(ids)} VPCs have", "tags of exactly one VPC")]
        )
    return ids[0]


def _subnets(vpc_id: str, wanted: SubnetQuery, otherwise: str) -> dict[str, str]:
    """Look up the wanted subnets, and choose one for each zone."""
    main = ""
    table_of: dict[str, str] = {}
    public: set[str] = set()
    for table_id in aws.ec2.get_route_tables(vpc_id=vpc_id).ids:
        table = aws.ec2.get_route_table(route_table_id=table_id)
        for association in table.associations:
            if association.main:
                main = table.id
            if association.subnet_id:
                table_of[association.subnet_id] = table.id
        for route in table.routes:
            if (route.gateway_id or "").startswith("igw-"):
                public.add(table.id)
    ids = wanted.ids
    if not ids:
        ids = aws.ec2.get_subnets(
            filters=[{"name": "vpc-id", "values": [vpc_id]}], tags=dict(wanted.tags) or None
        ).ids
    subnets = []
    for subnet_id in ids:
        found = _subnet(subnet_id, _key(wanted, otherwise))
        subnets.append(
            Subnet(
                id=found.id,
                vpc_id=found.vpc_id,
                zone=found.availability_zone,
                # A subnet without a route table of its own uses the main one.
                public=table_of.get(found.id, main) in public,
                ipv6=bool(found.ipv6_cidr_block),
            )
        )
    return choose(vpc_id, subnets, wanted, otherwise=otherwise)


def _subnet(subnet_id: str, key: str) -> aws.ec2.GetSubnetResult:
    with looking_up(key, subnet_id, "subnets of this account and region"):
        return aws.ec2.get_subnet(id=subnet_id)
