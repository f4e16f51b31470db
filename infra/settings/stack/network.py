"""The network that load balancer and tasks live in, and the ways out of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.aws import images
from infra.aws.egress import Destination, Destinations
from infra.aws.locality import PARTITIONS, partition_of
from infra.errors import Problem
from infra.settings.kinds import Choice, Flag, Map, Network, Text, Texts, Whole, twins
from infra.settings.stack.operation import RETENTION_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment

PUBLIC, NAT, NAT_PER_ZONE, ENDPOINTS = MODES = ("public", "nat", "nat-per-zone", "endpoints")

_SUBNETS: Final = Texts(Text(r"subnet-[0-9a-f]{8,17}", "a subnet's id, like subnet-0a1b2c3d"))
_TAGS: Final = Map(
    Text(r"[\w .:/=+@-]{1,128}", "a tag's key"),
    Text(r"[\w .:/=+@-]{0,256}", "a tag's value", longest=256),
)
_NARROWEST_FOR_A_LOAD_BALANCER: Final = 27
"""Source: Elastic Load Balancing, subnets for your load balancer."""

_MOST_DESTINATIONS: Final = 50
"""A security group takes 60 rules of each direction, and a few are ours. Source: Amazon VPC's
quotas.
"""

_ALL_IPV4: Final = "0.0.0.0/0"
_ALL_IPV6: Final = "::/0"
_HTTPS: Final = 443


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """A VPC of the stack's own, or one that exists."""

    network: Annotated[str, Choice(MODES)]
    vpc_id: Annotated[
        str, Text(r"(vpc-[0-9a-f]{8,17})?", "a VPC's id, like vpc-0a1b2c3d; empty makes a VPC")
    ]
    vpc_tags: Annotated[dict[str, str], _TAGS]
    subnet_ids: Annotated[tuple[str, ...], _SUBNETS]
    subnet_tags: Annotated[dict[str, str], _TAGS]
    task_subnet_ids: Annotated[tuple[str, ...], _SUBNETS]
    task_subnet_tags: Annotated[dict[str, str], _TAGS]
    # The narrowest network, cut for the most zones, leaves each subnet the /27 that a load balancer
    # needs.
    vpc_cidr: Annotated[str, Network(16, 24)]
    availability_zone_count: Annotated[int, Whole(2, 6)]
    dual_stack: Annotated[bool, Flag()]
    egress: Annotated[tuple[Destination, ...], Texts(Destinations())]
    flow_logs: Annotated[str, Choice(("none", "reject", "all"))]
    flow_log_retention_days: Annotated[int, Choice(RETENTION_DAYS)]

    @property
    def existing_vpc(self) -> bool:
        """Whether the stack lives in a VPC that it doesn't make."""
        return bool(self.vpc_id or self.vpc_tags)

    @property
    def nat_gateways(self) -> int:
        """How many NAT gateways the VPC that is made gets."""
        return {NAT: 1, NAT_PER_ZONE: self.availability_zone_count}.get(self.network, 0)


def _names_in_the_partition_are_known(place: AwsEnvironment) -> Iterator[Problem]:
    # Names of endpoints, log writers and ARNs differ by partition, and a policy with a wrong one
    # matches nothing.
    if place.partition not in PARTITIONS:
        where = f"{place.region}, of the partition {place.partition}"
        yield Problem(
            "aws:region",
            where,
            f"a region of {', '.join(PARTITIONS)}, whose names this program knows",
        )


def _a_vpc_is_found_in_one_way(vpc_id: str, vpc_tags: dict[str, str]) -> Iterator[Problem]:
    if vpc_id and vpc_tags:
        yield Problem("vpcTags", _shown(vpc_tags), "none, as vpcId names the VPC already")


# a relation's parameters are the settings that it looks at
def _subnets_belong_to_a_vpc(  # noqa: PLR0917
    network: str,
    vpc_id: str,
    vpc_tags: dict[str, str],
    subnet_ids: tuple[str, ...],
    subnet_tags: dict[str, str],
    task_subnet_ids: tuple[str, ...],
    task_subnet_tags: dict[str, str],
) -> Iterator[Problem]:
    for prefix, ids, tags in (
        ("subnet", subnet_ids, subnet_tags),
        ("taskSubnet", task_subnet_ids, task_subnet_tags),
    ):
        for key, value in ((f"{prefix}Ids", ", ".join(ids)), (f"{prefix}Tags", _shown(tags))):
            if value and not (vpc_id or vpc_tags):
                yield Problem(key, value, "none, unless vpcId or vpcTags names their VPC")
            elif value and prefix == "taskSubnet" and network == PUBLIC:
                yield Problem(
                    key,
                    value,
                    f"none with network {PUBLIC}, where tasks are in the load balancer's subnets",
                )
        if ids and tags:
            yield Problem(
                f"{prefix}Tags", _shown(tags), f"none, as {prefix}Ids names the subnets already"
            )


def _an_existing_vpc_has_its_own_gateways(
    network: str, vpc_id: str, vpc_tags: dict[str, str]
) -> Iterator[Problem]:
    # Endpoints answer for their service in the whole VPC, and ours admit nobody but the tasks.
    if network in {NAT_PER_ZONE, ENDPOINTS} and (vpc_id or vpc_tags):
        yield Problem(
            "network",
            network,
            f"{NAT} in an existing VPC, whose gateways and endpoints are its owner's",
        )


def _subnets_hold_a_load_balancer(
    network: str, vpc_id: str, vpc_tags: dict[str, str], vpc_cidr: str, availability_zone_count: int
) -> Iterator[Problem]:
    # Each halving makes room for twice as many subnets: one in each zone, and one for the tasks
    # beside it.
    halvings = (availability_zone_count - 1).bit_length() + (network != PUBLIC)
    narrowest = _NARROWEST_FOR_A_LOAD_BALANCER - halvings
    if not (vpc_id or vpc_tags) and ipaddress.IPv4Network(vpc_cidr).prefixlen > narrowest:
        yield Problem(
            "vpcCidr",
            vpc_cidr,
            f"with network {network} and {availability_zone_count} zones a /{narrowest} or "
            f"wider, as each subnet needs a /{_NARROWEST_FOR_A_LOAD_BALANCER}",
        )


def _images_come_by_the_ways_there_are(
    network: str, image: str, place: AwsEnvironment
) -> Iterator[Problem]:
    found = images.private(image)
    if found and partition_of(found.region) != place.partition:
        where = f"{image}, in the partition {partition_of(found.region)}"
        yield Problem(
            "image", where, f"one in {place.partition}, as no role reaches another partition's ECR"
        )
    elif network == ENDPOINTS and found and found.region != place.region:
        yield Problem(
            "image", f"{image}, in {found.region}", f"with network {network} one in {place.region}"
        )


def _images_are_private_behind_endpoints(network: str, image: str) -> Iterator[Problem]:
    if network == ENDPOINTS and images.private(image) is None:
        yield Problem(
            "image",
            f"{image}, in a registry that has no endpoint in a VPC",
            (
                f"with network {network} an image in this region's private ECR, which can "
                "cache other registries' images"
            ),
        )


def _ipv6_has_a_way_out(network: str, *, dual_stack: bool) -> Iterator[Problem]:
    if dual_stack and network == ENDPOINTS:
        yield Problem(
            "dualStack", "true", f"false with network {network}, which has no way to the internet"
        )


def _destinations_widen(
    network: str, egress: tuple[Destination, ...], *, dual_stack: bool
) -> Iterator[Problem]:
    if again := twins(egress):
        yield Problem("egress", ", ".join(again), "each destination once")
    open_to_all: set[str] = set()
    if network != ENDPOINTS:
        open_to_all.add(_ALL_IPV4)
        if dual_stack:
            open_to_all.add(_ALL_IPV6)
    open_already = [
        str(each)
        for each in egress
        if each.network in open_to_all and each.first_port == each.last_port == _HTTPS
    ]
    if open_already:
        yield Problem(
            "egress",
            ", ".join(open_already),
            f"what isn't open already; with network {network} HTTPS is",
        )
    if len(egress) > _MOST_DESTINATIONS:
        yield Problem("egress", f"{len(egress)} of them", f"at most {_MOST_DESTINATIONS}")


def _ipv6_destinations_need_ipv6_addresses(
    vpc_id: str, vpc_tags: dict[str, str], egress: tuple[Destination, ...], *, dual_stack: bool
) -> Iterator[Problem]:
    # Whether tasks in an existing VPC have IPv6 addresses is its subnets' affair, and the
    # account's.
    if ipv6 := [
        str(each) for each in egress if each.is_ipv6 and not (dual_stack or vpc_id or vpc_tags)
    ]:
        allowed = (
            "IPv4 destinations only without dualStack, as nothing in the stack's VPC has an "
            "IPv6 address then"
        )
        yield Problem("egress", ", ".join(ipv6), allowed)


def _shown(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


RELATIONS = (
    _names_in_the_partition_are_known,
    _a_vpc_is_found_in_one_way,
    _subnets_belong_to_a_vpc,
    _an_existing_vpc_has_its_own_gateways,
    _subnets_hold_a_load_balancer,
    _images_are_private_behind_endpoints,
    _images_come_by_the_ways_there_are,
    _ipv6_has_a_way_out,
    _destinations_widen,
    _ipv6_destinations_need_ipv6_addresses,
)
