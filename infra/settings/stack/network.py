"""The network of load balancer and tasks, and the connections that leave it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws.locality import PARTITIONS
from infra.errors import Problem
from infra.settings.collection_kinds import ListOf, Map
from infra.settings.kinds import Choice, Destinations, Flag, Ipv4Network, OrNone, Text, Whole
from infra.settings.stack.operation import RETENTION_DAYS
from infra.settings.topic import Topic, key, relation
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.egress import Destination
    from infra.aws.environment import AwsEnvironment

PUBLIC, NAT, NAT_PER_ZONE, ENDPOINTS = MODES = ("public", "nat", "nat-per-zone", "endpoints")

_SUBNETS: Final = ListOf(Text(r"subnet-[0-9a-f]{8,17}", "a subnet's id, like subnet-0a1b2c3d"))
_TAGS: Final = Map(
    Text(r"[\w .:/=+@-]{1,128}", "a tag's key"),
    Text(r"[\w .:/=+@-]{0,256}", "a tag's value", longest=256),
)
_NARROWEST_FOR_A_LOAD_BALANCER: Final = 27
"""Source: Elastic Load Balancing, subnets for your load balancer."""

_MOST_DESTINATIONS: Final = 50
"""A security group takes 60 rules in each direction, and the program needs a few itself. Source:
Amazon VPC's quotas.
"""

_ALL_IPV4: Final = "0.0.0.0/0"
_ALL_IPV6: Final = "::/0"
_HTTPS: Final = 443


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Topic):
    """A VPC that the stack creates, or an existing one."""

    network: str = key(Choice(MODES))
    vpc_id: str | None = key(
        OrNone(Text(r"vpc-[0-9a-f]{8,17}", "a VPC's id, like vpc-0a1b2c3d"), "empty creates a VPC")
    )
    vpc_tags: dict[str, str] = key(_TAGS)
    subnet_ids: tuple[str, ...] = key(_SUBNETS)
    subnet_tags: dict[str, str] = key(_TAGS)
    task_subnet_ids: tuple[str, ...] = key(_SUBNETS)
    task_subnet_tags: dict[str, str] = key(_TAGS)
    # The narrowest network, divided for the most zones, leaves each subnet the /27 that a load
    # balancer needs.
    vpc_cidr: str = key(Ipv4Network(16, 24))
    availability_zone_count: int = key(Whole(2, 6))
    dual_stack: bool = key(Flag())
    egress: tuple[Destination, ...] = key(ListOf(Destinations()))
    flow_logs: str | None = key(Choice(("none", "reject", "all"), none="none"))
    flow_log_retention_days: int = key(Choice(RETENTION_DAYS))

    @property
    def existing_vpc(self) -> bool:
        """Whether the stack uses a VPC that it doesn't create."""
        return self.vpc_id is not None or bool(self.vpc_tags)

    @property
    def private_tasks(self) -> bool:
        """Whether tasks have their own subnets, without public addresses."""
        return self.network != PUBLIC

    @property
    def endpoints(self) -> bool:
        """Whether tasks reach AWS by VPC endpoints, and nothing else."""
        return self.network == ENDPOINTS

    @property
    def nat_gateways(self) -> int:
        """Number of NAT gateways in a VPC that the stack creates."""
        return {NAT: 1, NAT_PER_ZONE: self.availability_zone_count}.get(self.network, 0)

    def problems(self) -> Iterator[Problem]:
        """Check VPC, subnets and destinations."""
        yield from self._vpc_is_named_once()
        yield from self._subnets_belong_to_a_vpc()
        yield from self._task_subnets_are_used()
        yield from self._subnets_are_named_once()
        yield from self._existing_vpcs_keep_their_gateways()
        yield from self._created_vpc_uses_its_keys()
        yield from self._flow_log_uses_its_retention()
        yield from self._subnets_hold_a_load_balancer()
        yield from self._ipv6_has_a_route()
        yield from self._destinations_are_few()
        yield from self._destinations_add_to_https()
        yield from self._ipv6_destinations_need_ipv6_addresses()

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that the region is in a partition that the program knows."""
        # Names of endpoints, log writers and ARNs differ by partition, and a policy with a wrong
        # one matches nothing.
        if environment.partition not in PARTITIONS:
            yield Problem(
                "aws:region",
                f"{environment.region}, of the partition {environment.partition}",
                f"a region of {', '.join(PARTITIONS)}, whose names this program knows",
            )

    @relation("vpc_id", "vpc_tags")
    def _vpc_is_named_once(self) -> Iterator[Problem]:
        if self.vpc_id and self.vpc_tags:
            yield Problem("vpcTags", _shown(self.vpc_tags), "none, as vpcId names the VPC already")

    @relation(
        "vpc_id",
        "vpc_tags",
        "subnet_ids",
        "subnet_tags",
        "task_subnet_ids",
        "task_subnet_tags",
    )
    def _subnets_belong_to_a_vpc(self) -> Iterator[Problem]:
        if self.existing_vpc:
            return
        for name, value in (
            ("subnetIds", ", ".join(self.subnet_ids)),
            ("subnetTags", _shown(self.subnet_tags)),
            ("taskSubnetIds", ", ".join(self.task_subnet_ids)),
            ("taskSubnetTags", _shown(self.task_subnet_tags)),
        ):
            if value:
                yield Problem(name, value, "none, unless vpcId or vpcTags names their VPC")

    @relation("network", "vpc_id", "vpc_tags", "task_subnet_ids", "task_subnet_tags")
    def _task_subnets_are_used(self) -> Iterator[Problem]:
        if self.private_tasks or not self.existing_vpc:
            return
        for name, value in (
            ("taskSubnetIds", ", ".join(self.task_subnet_ids)),
            ("taskSubnetTags", _shown(self.task_subnet_tags)),
        ):
            if value:
                yield Problem(
                    name,
                    value,
                    f"none with network {PUBLIC}, where tasks are in the load balancer's subnets",
                )

    @relation("subnet_ids", "subnet_tags", "task_subnet_ids", "task_subnet_tags")
    def _subnets_are_named_once(self) -> Iterator[Problem]:
        for prefix, ids, tags in (
            ("subnet", self.subnet_ids, self.subnet_tags),
            ("taskSubnet", self.task_subnet_ids, self.task_subnet_tags),
        ):
            if ids and tags:
                yield Problem(
                    f"{prefix}Tags", _shown(tags), f"none, as {prefix}Ids names the subnets already"
                )

    @relation("network", "vpc_id", "vpc_tags")
    def _existing_vpcs_keep_their_gateways(self) -> Iterator[Problem]:
        # An endpoint with private DNS answers for its service in the whole VPC, and the security
        # group of the stack's own endpoints allows only its tasks.
        if self.network in {NAT_PER_ZONE, ENDPOINTS} and self.existing_vpc:
            yield Problem(
                "network",
                self.network,
                f"{PUBLIC} or {NAT} in an existing VPC, whose gateways and endpoints belong to its "
                "owner",
            )

    @relation("vpc_id", "vpc_tags", "vpc_cidr", "availability_zone_count")
    def _created_vpc_uses_its_keys(self) -> Iterator[Problem]:
        if self.existing_vpc:
            yield from self.without_effect(
                "vpc_cidr",
                "availability_zone_count",
                allowed="only for a VPC that the stack creates, without vpcId and vpcTags",
            )

    @relation("flow_logs", "flow_log_retention_days")
    def _flow_log_uses_its_retention(self) -> Iterator[Problem]:
        if self.flow_logs is None:
            yield from self.without_effect(
                "flow_log_retention_days", allowed="only with flowLogs reject or all"
            )

    @relation("network", "vpc_id", "vpc_tags", "vpc_cidr", "availability_zone_count")
    def _subnets_hold_a_load_balancer(self) -> Iterator[Problem]:
        if self.existing_vpc:
            return
        # Each bit of the prefix doubles the number of subnets: enough for one in each zone, and
        # twice as many where tasks have their own.
        bits = (self.availability_zone_count - 1).bit_length() + self.private_tasks
        narrowest = _NARROWEST_FOR_A_LOAD_BALANCER - bits
        if ipaddress.IPv4Network(self.vpc_cidr).prefixlen > narrowest:
            yield Problem(
                "vpcCidr",
                self.vpc_cidr,
                f"with network {self.network} and {self.availability_zone_count} zones a "
                f"/{narrowest} or wider, as each subnet needs a /{_NARROWEST_FOR_A_LOAD_BALANCER}",
            )

    @relation("network", "dual_stack")
    def _ipv6_has_a_route(self) -> Iterator[Problem]:
        if self.dual_stack and self.endpoints:
            yield Problem(
                "dualStack",
                "true",
                f"false with network {ENDPOINTS}, which has no route to the internet",
            )

    @relation("egress")
    def _destinations_are_few(self) -> Iterator[Problem]:
        if repeated := duplicates(self.egress):
            yield Problem("egress", ", ".join(repeated), "each destination once")
        if len(self.egress) > _MOST_DESTINATIONS:
            yield Problem("egress", f"{len(self.egress)} of them", f"at most {_MOST_DESTINATIONS}")

    @relation("network", "egress", "dual_stack")
    def _destinations_add_to_https(self) -> Iterator[Problem]:
        # Tasks may connect to HTTPS servers anywhere, wherever they have a route to them.
        reached: set[str] = set()
        if not self.endpoints:
            reached.add(_ALL_IPV4)
            if self.dual_stack:
                reached.add(_ALL_IPV6)
        needless = []
        for destination in self.egress:
            https_only = destination.first_port == destination.last_port == _HTTPS
            if https_only and destination.network in reached:
                needless.append(str(destination))
        if needless:
            yield Problem(
                "egress",
                ", ".join(needless),
                "destinations other than HTTPS anywhere, which is allowed already with network "
                f"{self.network}",
            )

    @relation("vpc_id", "vpc_tags", "egress", "dual_stack")
    def _ipv6_destinations_need_ipv6_addresses(self) -> Iterator[Problem]:
        # In an existing VPC, its subnets and the account's settings decide whether tasks get IPv6
        # addresses.
        if self.dual_stack or self.existing_vpc:
            return
        ipv6 = [str(destination) for destination in self.egress if destination.is_ipv6]
        if ipv6:
            yield Problem(
                "egress",
                ", ".join(ipv6),
                "IPv4 destinations only without dualStack, as nothing in the stack's VPC has an "
                "IPv6 address then",
            )


def _shown(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())
