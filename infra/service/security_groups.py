"""The tasks' security group, and the rules of every connection to and from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import group_rules
from infra.group_rules import Member, connection, outbound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.group_rules import Rule
    from infra.service.args import WebServiceArgs


def register(
    name: str, args: WebServiceArgs, *, port: int, tags: dict[str, str], parent: pulumi.Resource
) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
    """Register the tasks' security group and all rules, without which tasks can't start.

    Args:
        name: The service.
        args: Arguments of the service.
        port: TCP port of the tasks.
        tags: Tags of group and rules.
        parent: Component that they belong to.
    """
    group = aws.ec2.SecurityGroup(
        name,
        # Another description would replace the group.
        description="Tasks: their port from the load balancer, HTTPS out",
        vpc_id=args.network.vpc_id,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    rules = _rules(name, args, port, group.id)
    return group, [group_rules.register(rule, parent, tags) for rule in rules]


def _rules(name: str, args: WebServiceArgs, port: int, tasks: pulumi.Input[str]) -> Iterator[Rule]:
    """Yield the rules of the tasks' security group, and their counterparts in other groups.

    Names and descriptions are part of deployed stacks: another name replaces a rule.

    Args:
        name: The service.
        args: Arguments of the service.
        port: TCP port of the tasks.
        tasks: The tasks' security group.
    """
    # The name has the port. So when the port changes, rules for the new one are created before the
    # tasks that listen on it, and the old rules are deleted at the end of the run. Until then old
    # tasks, and those of a rollback, stay reachable.
    yield from connection(
        f"{name}-from-ingress-{port}",
        former_name=f"{name}-from-ingress",
        source=Member(
            group_id=args.front_end.security_group_id, description=f"To the tasks of {name}"
        ),
        target=Member(group_id=tasks, description=f"{name} from the load balancer"),
        ports=(port, port),
    )
    for callee in args.calls:
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
        endpoints=args.network.endpoints,
        ipv6=args.network.ipv6,
        egress=args.network.egress,
    )
