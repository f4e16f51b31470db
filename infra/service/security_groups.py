"""The tasks' security group, and the rules of every connection to and from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.egress import Destination

_HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class VpcEndpoints:
    """The VPC endpoints through which tasks reach AWS without the internet."""

    security_group_id: pulumi.Input[str]
    """Security group of the interface endpoints."""

    prefix_list_id: pulumi.Input[str]
    """Addresses of S3, where ECR keeps the layers of images."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """The other end of a rule's connections. Exactly one field is set."""

    group_id: pulumi.Input[str] | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Member:
    """A security group at one end of a connection."""

    group_id: pulumi.Input[str]
    description: str
    """Description of the rule that this group gets."""


@dataclass(frozen=True, kw_only=True)
class TaskConnections:
    """The allowed connections to and from a service's tasks."""

    front_end_security_group_id: pulumi.Input[str]
    port: int
    """TCP port of the tasks."""

    endpoints: VpcEndpoints | None
    """VPC endpoints; without them, tasks reach AWS by HTTPS to any address."""

    ipv6: bool
    """Whether HTTPS is allowed to IPv6 addresses too."""

    egress: Sequence[Destination]

    def rules(self, name: str, tasks: pulumi.Input[str]) -> Iterator[Rule]:
        """Yield the rules of the tasks' security group, and their counterparts in other groups.

        Names and descriptions are part of deployed stacks: another name replaces a rule.

        Args:
            name: The service.
            tasks: The tasks' security group.
        """
        # The name has the port. So when the port changes, rules for the new one are created before
        # the tasks that listen on it, and the old rules are deleted at the end of the run. Until
        # then old tasks, and those of a rollback, stay reachable.
        yield from _connection(
            f"{name}-from-ingress-{self.port}",
            former_name=f"{name}-from-ingress",
            source=Member(
                group_id=self.front_end_security_group_id, description=f"To the tasks of {name}"
            ),
            target=Member(group_id=tasks, description=f"{name} from the load balancer"),
            port=self.port,
        )
        if self.endpoints is None:
            # Images, secrets, logs and Exec are reached at AWS's HTTPS endpoints, whose addresses
            # change.
            yield _https(
                f"{name}-https", "HTTPS to AWS and registries", tasks, Peer(cidr_ipv4="0.0.0.0/0")
            )
        else:
            yield from _connection(
                f"{name}-endpoints",
                source=Member(
                    group_id=tasks, description="HTTPS to the endpoints of AWS in the VPC"
                ),
                target=Member(
                    group_id=self.endpoints.security_group_id,
                    description=f"HTTPS from the tasks of {name}",
                ),
                port=_HTTPS,
            )
            yield _https(
                f"{name}-s3",
                "HTTPS to S3, which keeps the layers of images",
                tasks,
                Peer(prefix_list_id=self.endpoints.prefix_list_id),
            )
        if self.ipv6:
            yield _https(
                f"{name}-https-ipv6",
                "HTTPS to AWS and registries over IPv6",
                tasks,
                Peer(cidr_ipv6="::/0"),
            )
        for each in self.egress:
            network = each.network
            yield Rule(
                name=f"{name}-to-{each.name}",
                description=f"To {each}",
                group_id=tasks,
                peer=Peer(cidr_ipv6=network) if each.is_ipv6 else Peer(cidr_ipv4=network),
                ports=(each.first_port, each.last_port),
            )


def register(
    name: str,
    parent: pulumi.Resource,
    *,
    vpc_id: pulumi.Input[str],
    connections: TaskConnections,
    tags: Mapping[str, str],
) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
    """Register the tasks' security group and all rules, without which tasks can't start."""
    group = aws.ec2.SecurityGroup(
        name,
        # Another description would replace the group.
        description="Tasks: their port from the load balancer, HTTPS out",
        vpc_id=vpc_id,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    rules = [_register(rule, parent, tags) for rule in connections.rules(name, group.id)]
    return group, rules


def _connection(
    name: str, *, source: Member, target: Member, port: int, former_name: str = ""
) -> Iterator[Rule]:
    """Yield the two rules that let one group's members connect to a port of another's."""
    yield Rule(
        name=name,
        former_name=former_name,
        description=target.description,
        group_id=target.group_id,
        peer=Peer(group_id=source.group_id),
        ports=(port, port),
        ingress=True,
    )
    yield Rule(
        name=name,
        former_name=former_name,
        description=source.description,
        group_id=source.group_id,
        peer=Peer(group_id=target.group_id),
        ports=(port, port),
    )


def _https(name: str, description: str, tasks: pulumi.Input[str], peer: Peer) -> Rule:
    return Rule(
        name=name, description=description, group_id=tasks, peer=peer, ports=(_HTTPS, _HTTPS)
    )


def _register(rule: Rule, parent: pulumi.Resource, tags: Mapping[str, str]) -> pulumi.Resource:
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
