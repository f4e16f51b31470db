"""EC2: the types that make up a VPC's network, and what their modules share."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference
from localaws.catalog.values import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
EGRESS_ONLY_GATEWAY = "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"

_LETTERS = {"gov": "g", "north": "n", "south": "s", "east": "e", "west": "w", "central": "c"}
"""The letters that stand for the words of a region's name in the ids of its zones."""


def ec2_id(mint: Mint, prefix: str) -> str:
    """Return a new id in EC2's form: `vpc-` and 17 hexadecimal digits."""
    return f"{prefix}-{mint.hex(17)}"


def id_arn_and_owner(prefix: str, kind: str) -> Callable[[Mint, Properties], Properties]:
    """Return a `computed` function for a type whose only special outputs are id, ARN and owner.

    Args:
        prefix: Start of the id: `igw`.
        kind: Start of the ARN's resource part: `internet-gateway`.
    """

    def computed(mint: Mint, _inputs: Properties) -> Properties:
        identifier = ec2_id(mint, prefix)
        return {
            "id": identifier,
            "arn": mint.arn("ec2", f"{kind}/{identifier}"),
            "ownerId": mint.account.account_id,
        }

    return computed


def default_id(prefix: str, region_or_zone: object) -> str:
    """Return the id of a part of the default VPC, which is the same in every local AWS."""
    digest = hashlib.sha256(f"{prefix} of {region_or_zone}".encode()).hexdigest()
    return f"{prefix}-{digest[:17]}"


def is_default(resource: Resource) -> bool:
    """Return whether it is a region's default VPC, or a zone's default subnet."""
    if resource.token == SUBNET:
        return resource.id == default_id("subnet", resource.outputs.get("availabilityZone"))
    return resource.token == VPC and resource.id == default_id("vpc", resource.region)


def stacks_to_destroy(resources: Iterable[Resource]) -> str:
    """Return the end of a message about a quota: which stacks to destroy to be within it.

    It names the stacks of the resources, by their URNs. It is empty if no stack has any.
    """
    stacks: set[str] = set()
    for each in resources:
        match = re.match("urn:pulumi:([^:]+)::", each.urn)
        if match:
            stacks.add(match[1])
    if not stacks:
        return ""
    return (
        f"; stacks that have some: {', '.join(sorted(stacks))}. `pulumi-local destroy --stack "
        "NAME` deletes those of a stack"
    )


def in_vpc(rule: str) -> Reference:
    """Return the reference of a resource to its VPC, which can't be deleted before it."""
    return Reference("vpcId", VPC, "InvalidVpcID.NotFound", rule, "held")


def vpc_of(account: Account, subnet: object) -> object:
    """Return the id of a subnet's VPC; None if the subnet doesn't exist."""
    found = account.find(SUBNET, subnet)
    return found.outputs.get("vpcId") if found else None


def zone_of(account: Account, subnet: object) -> object:
    """Return a subnet's availability zone; None if the subnet doesn't exist."""
    found = account.find(SUBNET, subnet)
    return found.outputs.get("availabilityZone") if found else None


def vpc_of_gateway(account: Account, gateway: Properties) -> object:
    """Return a gateway's VPC by its inputs; a zonal NAT gateway only has a subnet."""
    return gateway.get("vpcId") or vpc_of(account, gateway.get("subnetId"))


def has_internet_gateway(account: Account, vpc: object) -> bool:
    """Return whether an internet gateway is attached to a VPC."""
    return bool(account.where(INTERNET_GATEWAY, "vpcId", vpc))


def zero_ports_rules(rule: Properties, rule_id: str, direction: str, where: str) -> Refusals:
    """Refuse ports in an inline rule for all protocols.

    Args:
        rule: The inline rule, of a security group or a network ACL.
        rule_id: The id of the refusal's rule.
        direction: The input that contains the inline rule: `ingress` or `egress`.
        where: The start of the message, which names the inline rule.
    """
    if number(rule.get("fromPort")) or number(rule.get("toPort")):
        message = f"{where}fromPort and toPort must both be 0 with protocol -1"
        yield Refusal("InvalidArgument", message, rule_id, direction)


_ZONE_LETTERS = {
    "ap-northeast-1": "abcd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abcd",
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
}
"""The letters of the zones in regions with more than three.

No account sees all of them in ap-northeast-1 and ca-central-1, so a program may name any; lookups
return the zones of the local account. Source: AWS's list of availability zones.
"""


def zones_of(region: str) -> list[str]:
    """Return the names of all zones that some account sees in a region."""
    return [f"{region}{letter}" for letter in _ZONE_LETTERS.get(region, "abc")]


def zone_id(zone: str) -> str:
    """Return a zone's id: `euw1-az1` for `eu-west-1a`, `usgw1-az1` for `us-gov-west-1a`."""
    # The region may be one that AWS doesn't have, even without a hyphen: a preview checks it later.
    country, _, rest = zone.partition("-")
    *words, number_and_letter = rest.split("-")
    direction = "".join(words)  # `gov` and `west`, but also `southeast`
    for word, letter in _LETTERS.items():
        direction = direction.replace(word, letter)
    position = ord(zone[-1]) - ord("a") + 1
    return f"{country}{direction}{number_and_letter[:-1]}-az{position}"
