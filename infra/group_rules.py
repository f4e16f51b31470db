"""Rules of security groups, for the connections that a stack needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.egress import Destination

_HTTPS = 443


@dataclass(kw_only=True)
class VpcEndpoints:
    """The VPC endpoints through which tasks reach AWS without the internet."""

    security_group_id: pulumi.Input[str]
    """Security group of the interface endpoints."""

    prefix_list_id: pulumi.Input[str]
    """Addresses of S3, where ECR keeps the layers of images."""


@dataclass(kw_only=True)
class Peer:
    """The other end of a rule's connections. Exactly one field is set."""

    group_id: pulumi.Input[str] | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: pulumi.Input[str] | None = None


@dataclass(kw_only=True)
class Rule:
    """A rule of one security group, for one direction."""

    name: str
    description: str
    group_id: pulumi.Input[str]
    peer: Peer
    ports: tuple[int, int]
    """The first and the last TCP port."""

    ingress: bool = False
    """Whether it allows inbound connections; otherwise it allows outbound ones."""

    former_name: str = ""
    """The rule's name in stacks that an earlier version deployed; empty if it hasn't changed."""


@dataclass(kw_only=True)
class Member:
    """A security group at one end of a connection."""

    group_id: pulumi.Input[str]
    description: str
    """Description of the rule that this group gets."""


def outbound(
    name: str,
    group_id: pulumi.Input[str],
    *,
    members: str,
    endpoints: VpcEndpoints | None,
    ipv6: bool,
    egress: Sequence[Destination],
) -> Iterator[Rule]:
    """Yield the rules of the connections that a group's members make.

    Names and descriptions are part of deployed stacks: another name replaces a rule.

    Args:
        name: Prefix of the rules' names.
        group_id: The group.
        members: What its members are, in descriptions.
        endpoints: VPC endpoints; without them, AWS is reached by HTTPS to any address.
        ipv6: Whether HTTPS is allowed to IPv6 addresses too.
        egress: Destinations besides.
    """
    if endpoints is None:
        # Images, secrets, logs and Exec are reached at AWS's HTTPS endpoints, whose addresses
        # change.
        yield _https(
            f"{name}-https", "HTTPS to AWS and registries", group_id, Peer(cidr_ipv4="0.0.0.0/0")
        )
    else:
        yield from connection(
            f"{name}-endpoints",
            source=Member(
                group_id=group_id, description="HTTPS to the endpoints of AWS in the VPC"
            ),
            target=Member(
                group_id=endpoints.security_group_id,
                description=f"HTTPS from {members}",
            ),
            ports=(_HTTPS, _HTTPS),
        )
        yield _https(
            f"{name}-s3",
            "HTTPS to S3, which keeps the layers of images",
            group_id,
            Peer(prefix_list_id=endpoints.prefix_list_id),
        )
    if ipv6:
        yield _https(
            f"{name}-https-ipv6",
            "HTTPS to AWS and registries over IPv6",
            group_id,
            Peer(cidr_ipv6="::/0"),
        )
    for each in egress:
        network = each.network
        yield Rule(
            name=f"{name}-to-{each.name}",
            description=f"To {each}",
            group_id=group_id,
            peer=Peer(cidr_ipv6=network) if each.is_ipv6 else Peer(cidr_ipv4=network),
            ports=(each.first_port, each.last_port),
        )


def connection(
    name: str, *, source: Member, target: Member, ports: tuple[int, int], former_name: str = ""
) -> Iterator[Rule]:
    """Yield the two rules that let one group's members connect to ports of another's."""
    yield Rule(
        name=name,
        former_name=former_name,
        description=target.description,
        group_id=target.group_id,
        peer=Peer(group_id=source.group_id),
        ports=ports,
        ingress=True,
    )
    yield Rule(
        name=name,
        former_name=former_name,
        description=source.description,
        group_id=source.group_id,
        peer=Peer(group_id=target.group_id),
        ports=ports,
    )


def _https(name: str, description: str, group_id: pulumi.Input[str], peer: Peer) -> Rule:
    return Rule(
        name=name, description=description, group_id=group_id, peer=peer, ports=(_HTTPS, _HTTPS)
    )


def register(rule: Rule, parent: pulumi.Resource, tags: Mapping[str, str]) -> pulumi.Resource:
    """Register a rule."""
    kind = aws.vpc.SecurityGroupIngressRule if rule.ingress else aws.vpc.SecurityGroupEgressRule
    aliases = [pulumi.Alias(name=rule.former_name)] if rule.former_name else None
    return kind(
        rule.name,
        security_group_id=rule.group_id,
        referenced_security_group_id=rule.peer.group_id,
        cidr_ipv4=rule.peer.cidr_ipv4,
        cidr_ipv6=rule.peer.cidr_ipv6,
        prefix_list_id=rule.peer.prefix_list_id,
        description=rule.description,
        ip_protocol="tcp",
        from_port=rule.ports[0],
        to_port=rule.ports[1],
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, aliases=aliases),
    )
