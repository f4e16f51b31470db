"""The tasks' security group, and the rules at both ends of every way to and from them."""

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
class PrivateDoors:
    """How tasks reach AWS without the internet."""

    security_group_id: pulumi.Input[str]
    """Security group of the interface endpoints."""

    prefix_list_id: pulumi.Input[str]
    """Addresses of S3, where ECR keeps the layers of images."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """The other end of a rule; exactly one of these."""

    group_id: pulumi.Input[str] | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """One rule: who may reach whom, or go where."""

    name: str
    what: str
    group_id: pulumi.Input[str]
    peer: Peer
    ports: tuple[int, int]
    inward: bool = False
    former: str = ""
    """What it was called before."""


@dataclass(frozen=True, kw_only=True)
class TaskGroup:
    """Who reaches the tasks of a service, and whom they reach."""

    vpc_id: pulumi.Input[str]
    ingress_security_group_id: pulumi.Input[str]
    port: int
    doors: PrivateDoors | None
    """Without them, tasks reach AWS by HTTPS to anywhere."""

    ipv6: bool
    """Whether HTTPS goes out over IPv6 too."""

    egress: Sequence[Destination]
    tags: Mapping[str, str]

    def build(
        self, name: str, parent: pulumi.Resource
    ) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
        """The tasks' group, and the rules without which they start in vain."""
        # Changing the description would replace the group.
        group = aws.ec2.SecurityGroup(
            name,
            description="Tasks: their port from the load balancer, HTTPS out",
            vpc_id=self.vpc_id,
            tags=self.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        return group, [self._rule(way, parent) for way in self._ways(name, group.id)]

    def _ways(self, name: str, tasks: pulumi.Input[str]) -> Iterator[Way]:
        port, https = (self.port, self.port), (_HTTPS, _HTTPS)
        balancer = self.ingress_security_group_id
        # Named by the port: those of another one are made before the tasks that listen there, and
        # these are deleted when the run has succeeded. Until then old tasks, and those of a
        # rollback, stay within reach.
        from_ingress = f"{name}-from-ingress-{self.port}"
        yield Way(
            name=from_ingress,
            former=f"{name}-from-ingress",
            what=f"{name} from the load balancer",
            group_id=tasks,
            peer=Peer(group_id=balancer),
            ports=port,
            inward=True,
        )
        yield Way(
            name=from_ingress,
            former=f"{name}-from-ingress",
            what=f"To the tasks of {name}",
            group_id=balancer,
            peer=Peer(group_id=tasks),
            ports=port,
        )
        if self.doors is None:
            # Image, secrets, logs and Exec are all behind AWS's HTTPS endpoints, whose addresses
            # change.
            yield Way(
                name=f"{name}-https",
                what="HTTPS to AWS and registries",
                group_id=tasks,
                peer=Peer(cidr_ipv4="0.0.0.0/0"),
                ports=https,
            )
        else:
            doors = self.doors.security_group_id
            yield Way(
                name=f"{name}-endpoints",
                what="HTTPS to the endpoints of AWS in the VPC",
                group_id=tasks,
                peer=Peer(group_id=doors),
                ports=https,
            )
            yield Way(
                name=f"{name}-endpoints",
                what=f"HTTPS from the tasks of {name}",
                group_id=doors,
                peer=Peer(group_id=tasks),
                ports=https,
                inward=True,
            )
            yield Way(
                name=f"{name}-s3",
                what="HTTPS to S3, which keeps the layers of images",
                group_id=tasks,
                peer=Peer(prefix_list_id=self.doors.prefix_list_id),
                ports=https,
            )
        if self.ipv6:
            yield Way(
                name=f"{name}-https-ipv6",
                what="HTTPS to AWS and registries over IPv6",
                group_id=tasks,
                peer=Peer(cidr_ipv6="::/0"),
                ports=https,
            )
        for each in self.egress:
            yield Way(
                name=f"{name}-to-{each.name}",
                what=f"To {each}",
                group_id=tasks,
                peer=Peer(cidr_ipv6=each.network) if each.is_ipv6 else Peer(cidr_ipv4=each.network),
                ports=(each.first_port, each.last_port),
            )

    def _rule(self, way: Way, parent: pulumi.Resource) -> pulumi.Resource:
        kind = aws.vpc.SecurityGroupIngressRule if way.inward else aws.vpc.SecurityGroupEgressRule
        return kind(
            way.name,
            security_group_id=way.group_id,
            referenced_security_group_id=way.peer.group_id,
            cidr_ipv4=way.peer.cidr_ipv4,
            cidr_ipv6=way.peer.cidr_ipv6,
            prefix_list_id=way.peer.prefix_list_id,
            description=way.what,
            ip_protocol="tcp",
            from_port=way.ports[0],
            to_port=way.ports[1],
            tags=self.tags,
            opts=pulumi.ResourceOptions(
                parent=parent, aliases=[pulumi.Alias(name=way.former)] if way.former else None
            ),
        )
