"""What several rules read in a graph."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gate.graph import Graph, Node


def security_groups(node: Node) -> list[Node]:
    """Return the security groups of a load balancer or a service."""
    network = node.inputs.get("networkConfiguration", {})
    return list(node.named([node.inputs.get("securityGroups"), network.get("securityGroups")]))


def balancers_groups(graph: Graph) -> set[Node]:
    """Return the security groups of all load balancers."""
    groups: set[Node] = set()
    for balancer in graph.all("LoadBalancer"):
        groups.update(security_groups(balancer))
    return groups


def instances_groups(graph: Graph) -> set[Node]:
    """Return the security groups that launch templates give to instances."""
    groups: set[Node] = set()
    for template in graph.all("LaunchTemplate"):
        groups.update(template.named(template.inputs.get("networkInterfaces")))
        groups.update(template.named(template.inputs.get("vpcSecurityGroupIds")))
    return groups


def task_definition(service: Node) -> Node:
    """Return the task definition that a service runs."""
    return next(service.named(service.inputs["taskDefinition"]))


def containers(definition: Node) -> list[dict[str, Any]]:
    """Return the containers of a task definition."""
    found: list[dict[str, Any]] = json.loads(definition.inputs["containerDefinitions"])
    return found


def statements(node: Node, document: str) -> list[dict[str, Any]]:
    """Return the statements of the policy that is the input `document`."""
    found: list[dict[str, Any]] = json.loads(node.inputs[document])["Statement"]
    return found


def actions(policy: Node) -> Iterator[str]:
    """Yield the actions that a role's policy names."""
    for statement in statements(policy, "policy"):
        yield from actions_of(statement)


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    """Return the actions that a statement names."""
    return listed(statement.get("Action", []))


def listed(value: Any) -> list[str]:
    """Return a policy's value as a list, which IAM lets be a single text."""
    return [value] if isinstance(value, str) else value
