"""Find an existing VPC, and choose subnets in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.errors import Problem, SettingsError, looking_up
from infra.network.vpc import Network

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass(kw_only=True)
class Subnet:
    """A subnet that exists."""

    id: str
    vpc_id: str
    zone: str
    public: bool
    """Whether it has a route to an internet gateway."""

    ipv6: bool = False
    """Whether it has an IPv6 range."""


@dataclass(kw_only=True)
class SubnetQuery:
    """Subnets to choose from: those with these ids, those with these tags, or all of the VPC."""

    key: str
    """Prefix of the configuration keys: `subnet` or `taskSubnet`."""

    public: bool
    """Whether they must have a route to an internet gateway; otherwise they must have none."""

    ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    ipv6: bool = False
    """Whether they must have an IPv6 range."""

    zones: Collection[str] = ()
    """Zones that they must be in; empty for any. A load balancer sends no requests to targets in
    other zones than its own.
    """

    vpc_key: str = "vpcId"
    """Configuration key that names the VPC."""

    @property
    def deciding_key(self) -> str:
        """The configuration key that decides which subnets are looked up."""
        if self.ids:
            return f"{self.key}Ids"
        if self.tags:
            return f"{self.key}Tags"
        return self.vpc_key


def find(
    *,
    vpc_id: str | None,
    vpc_tags: Mapping[str, str],
    balancer: SubnetQuery,
    tasks: SubnetQuery | None,
) -> Network:
    """Look up an existing VPC and its subnets.

    Args:
        vpc_id: Its id; None to find it by its tags.
        vpc_tags: Tags that no other VPC has; used only without an id.
        balancer: Query for the load balancer's subnets.
        tasks: Query for the tasks' subnets; None for the load balancer's.

    Raises:
        SettingsError: There is no such VPC, or it lacks the subnets.
    """
    key = "vpcId" if vpc_id else "vpcTags"
    found_id = vpc_id or _only_vpc_with(vpc_tags)
    with looking_up(key, found_id, "a VPC of this account and region"):
        vpc = aws.ec2.get_vpc(id=found_id)
    balancer_subnets = task_subnets = _subnets(vpc.id, replace(balancer, vpc_key=key))
    if tasks:
        task_subnets = _subnets(vpc.id, replace(tasks, vpc_key=key, zones=list(balancer_subnets)))
    return Network(
        vpc_id=vpc.id,
        cidr=vpc.cidr_block,
        subnet_ids=sorted(balancer_subnets.values()),
        task_subnet_ids=sorted(task_subnets.values()),
    )


def choose(vpc_id: str, subnets: Iterable[Subnet], wanted: SubnetQuery) -> dict[str, str]:
    """Return one subnet's id for each zone, as a load balancer takes one a zone.

    Subnets that the configuration names by id must all be suitable; of others, the suitable ones
    are chosen.

    Args:
        vpc_id: The VPC that they must be in.
        subnets: The subnets to choose from.
        wanted: The query that they must match.

    Raises:
        SettingsError: A subnet named by id isn't suitable, or fewer than two zones have one.
    """
    kind = "public" if wanted.public else "private"
    with_ipv6 = ", with IPv6" if wanted.ipv6 else ""
    by_zone: dict[str, str] = {}
    problems = []
    for subnet in sorted(subnets, key=lambda subnet: subnet.id):
        flaw = _flaw(subnet, vpc_id, wanted, by_zone)
        if flaw is None:
            by_zone[subnet.zone] = subnet.id
        elif wanted.ids:
            allowed = f"{kind} subnets of the VPC, one a zone{with_ipv6}"
            problems.append(Problem(f"{wanted.key}Ids", f"{subnet.id} is {flaw}", allowed))
    if not problems and len(by_zone) < 2:  # noqa: PLR2004 — a load balancer's least
        found = f"{kind} subnets in {', '.join(by_zone) or 'no zone'}"
        zones = "zones"
        if wanted.zones:
            zones = f"zones of the load balancer's, {', '.join(wanted.zones)}"
        allowed = f"{kind} subnets in at least two {zones}{with_ipv6}"
        problems.append(Problem(wanted.deciding_key, found, allowed))
    if problems:
        raise SettingsError(problems)
    return by_zone


def _flaw(
    subnet: Subnet, vpc_id: str, wanted: SubnetQuery, by_zone: Mapping[str, str]
) -> str | None:
    """Return why a subnet isn't suitable, to follow "is"; None if it is."""
    flaw = None
    if subnet.vpc_id != vpc_id:
        flaw = f"not in {vpc_id}"
    elif wanted.public and not subnet.public:
        flaw = "without a route to an internet gateway"
    elif subnet.public and not wanted.public:
        flaw = "with a route to an internet gateway"
    elif wanted.ipv6 and not subnet.ipv6:
        flaw = "without an IPv6 range"
    elif wanted.zones and subnet.zone not in wanted.zones:
        flaw = f"in zone {subnet.zone}, where the load balancer has no subnet"
    elif subnet.zone in by_zone:
        flaw = f"in zone {subnet.zone} like {by_zone[subnet.zone]}"
    return flaw


def _only_vpc_with(vpc_tags: Mapping[str, str]) -> str:
    ids = aws.ec2.get_vpcs(tags=dict(vpc_tags)).ids
    if len(ids) != 1:
        shown = ", ".join(f"{key}={value}" for key, value in vpc_tags.items())
        raise SettingsError(
            [Problem("vpcTags", f"{shown}, which {len(ids)} VPCs have", "tags of exactly one VPC")]
        )
    return ids[0]


@dataclass
class _RouteTables:
    """The route tables of a VPC, as far as they decide which subnets are public."""

    main: str = ""
    """The one of each subnet that isn't associated with another."""

    by_subnet: dict[str, str] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    """Those with a route to an internet gateway."""

    @classmethod
    def of(cls, vpc_id: str) -> _RouteTables:
        """Look up those of a VPC."""
        found = cls()
        for table_id in aws.ec2.get_route_tables(vpc_id=vpc_id).ids:
            table = aws.ec2.get_route_table(route_table_id=table_id)
            for association in table.associations:
                if association.main:
                    found.main = table.id
                if association.subnet_id:
                    found.by_subnet[association.subnet_id] = table.id
            for route in table.routes:
                if (route.gateway_id or "").startswith("igw-"):
                    found.public.add(table.id)
        return found

    def make_public(self, subnet_id: str) -> bool:
        """Return whether a subnet has a route to an internet gateway."""
        return self.by_subnet.get(subnet_id, self.main) in self.public


def _subnets(vpc_id: str, wanted: SubnetQuery) -> dict[str, str]:
    """Look up the wanted subnets, and choose one for each zone."""
    tables = _RouteTables.of(vpc_id)
    ids = wanted.ids
    if not ids:
        ids = aws.ec2.get_subnets(
            filters=[{"name": "vpc-id", "values": [vpc_id]}], tags=dict(wanted.tags) or None
        ).ids
    subnets = []
    for subnet_id in ids:
        found = _subnet(subnet_id, wanted.deciding_key)
        subnets.append(
            Subnet(
                id=found.id,
                vpc_id=found.vpc_id,
                zone=found.availability_zone,
                public=tables.make_public(found.id),
                ipv6=bool(found.ipv6_cidr_block),
            )
        )
    return choose(vpc_id, subnets, wanted)


def _subnet(subnet_id: str, key: str) -> aws.ec2.GetSubnetResult:
    with looking_up(key, subnet_id, "subnets of this account and region"):
        return aws.ec2.get_subnet(id=subnet_id)
