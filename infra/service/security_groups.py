"""The tasks' security group, and the rules of every connection to and from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import group_rules
from infra.group_rules import Member, connection, outbound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.egress import Destination
    from infra.group_rules import Rule, VpcEndpoints


@dataclass(frozen=True, kw_only=True)
class Callee:
    """Another service that a service's tasks call by its name."""

    name: str
    security_group_id: pulumi.Input[str]
    port: int
    service: pulumi.Resource
    """Its ECS service; a task knows only the names that existed when its deployment began."""


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
    calls: Sequence[Callee] = ()

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
        yield from connection(
            f"{name}-from-ingress-{self.port}",
            former_name=f"{name}-from-ingress",
            source=Member(
                group_id=self.front_end_security_group_id, description=f"To the tasks of {name}"
            ),
            target=Member(group_id=tasks, description=f"{name} from the load balancer"),
            ports=(self.port, self.port),
        )
        for callee in self.calls:
            yield from connection(
                f"{name}-calls-{callee.name}-{callee.port}",
                source=Member(group_id=tasks, description=f"To the tasks of {callee.name}"),
                target=Member(
                    group_id=callee.security_group_id, description=f"From the tasks of {name}"
                ),
                ports=(callee.port, callee.port),
            )
        yield from outbound(
            name,
            tasks,
            members=f"the tasks of {name}",
            endpoints=self.endpoints,
            ipv6=self.ipv6,
            egress=self.egress,
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
    rules = [group_rules.register(rule, parent, tags) for rule in connections.rules(name, group.id)]
    return group, rules
