"""The network that load balancer and tasks live in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from infra.allowed import Network, Text, Texts, Whole
from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """A VPC of the stack's own, or one that exists."""

    vpc_id: Annotated[str, Text(r"(vpc-[0-9a-f]{8,17})?", "a VPC's id, like vpc-0a1b2c3d; empty makes a VPC")]
    subnet_ids: Annotated[tuple[str, ...], Texts(Text(r"subnet-[0-9a-f]{8,17}", "a subnet's id, like subnet-0a1b2c3d"))]
    # The narrowest network, cut for the most zones, leaves each subnet the /27 that a load balancer needs.
    vpc_cidr: Annotated[str, Network(16, 24)]
    availability_zone_count: Annotated[int, Whole(2, 6)]


def _subnets_belong_to_a_vpc(vpc_id: str, subnet_ids: tuple[str, ...]) -> Iterator[Problem]:
    if subnet_ids and not vpc_id:
        yield Problem("subnetIds", ", ".join(subnet_ids), "none, unless vpcId names their VPC")


RELATIONS = (_subnets_belong_to_a_vpc,)
