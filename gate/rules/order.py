"""Rules about order: what must exist before what, and outlive it."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, Any, Final

from gate.rules.readers import containers, instances_groups, security_groups, task_definition
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node

_DOCUMENTATION_NETWORKS: Final = (
    IPv4Network("192.0.2.0/24"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
)
"""Reserved for documentation (RFC 5737): no client has an address in them."""


@rule
def target_groups_are_attached_before_services(graph: Graph) -> Iterator[Node]:
    """Require a listener or rule before the service: ECS refuses a group without a balancer."""
    for service in graph.all("Service"):
        before = _everything_before(service)
        for group in service.named(service.inputs.get("loadBalancers")):
            if before.isdisjoint(_forwarding(graph, group)):
                yield service


@rule
def traffic_moves_after_services_are_steady(graph: Graph) -> Iterator[Node]:
    """Require the service before what forwards to it: a group without targets answers 503."""
    for service in graph.all("Service"):
        for group in service.named(service.inputs.get("loadBalancers")):
            for forwarding in _forwarding(graph, group):
                if _can_match(forwarding) and service not in _everything_before(forwarding):
                    yield forwarding


@rule
def permissions_outlive_services(graph: Graph) -> Iterator[Node]:
    """Require a service to depend on its permissions and rules: draining tasks still need them."""
    for service in graph.all("Service"):
        needed = [*_role_policies(graph, service), *_group_rules(graph, service)]
        if not _everything_before(service).issuperset(needed):
            yield service


@rule
def log_groups_exist_before_tasks(graph: Graph) -> Iterator[Node]:
    """Require the log group first: one that ECS or an agent created would keep logs for ever."""
    for definition in graph.all("TaskDefinition"):
        groups = set()
        for before in _everything_before(definition):
            if before.kind == "LogGroup":
                groups.add(before.inputs["name"])
        for container in containers(definition):
            logs = container.get("logConfiguration", {})
            if logs.get("logDriver") == "awsfirelens":
                continue  # a log router's output, which is another container's
            options = logs.get("options", {})
            if options.get("awslogs-group") not in groups or "awslogs-create-group" in options:
                yield definition


def _forwarding(graph: Graph, group: Node) -> Iterator[Node]:
    """Yield the rules and listeners that forward requests to a target group."""
    for kind, actions in (("ListenerRule", "actions"), ("Listener", "defaultActions")):
        for node in graph.all(kind):
            if group in node.named(node.inputs[actions]):
                yield node


def _can_match(forwarding: Node) -> bool:
    """Return whether some client's requests match the conditions of a listener rule."""
    conditions: list[dict[str, Any]] = forwarding.inputs.get("conditions", [])
    for condition in conditions:
        sources = condition.get("sourceIp", {}).get("values", [])
        if sources and all(map(_is_for_documentation, sources)):
            return False
    return True


def _is_for_documentation(source: str) -> bool:
    network = ip_network(source)
    if not isinstance(network, IPv4Network):
        return False
    return any(map(network.subnet_of, _DOCUMENTATION_NETWORKS))


def _role_policies(graph: Graph, service: Node) -> Iterator[Node]:
    """Yield the policies of a service's execution and task roles."""
    definition = task_definition(service)
    inputs = definition.inputs
    roles = set(definition.named([inputs.get("executionRoleArn"), inputs.get("taskRoleArn")]))
    for policy in graph.all("RolePolicy"):
        if not roles.isdisjoint(policy.named(policy.inputs["role"])):
            yield policy


def _group_rules(graph: Graph, service: Node) -> Iterator[Node]:
    """Yield the security group rules of the connections that a service needs.

    Between two services only the one that calls the other needs them.
    """
    groups = set(security_groups(service))
    if "networkConfiguration" not in service.inputs:
        groups = instances_groups(graph)
    of_services: set[Node] = set()
    for other in graph.all("Service"):
        of_services.update(security_groups(other))
    other_services = of_services - groups
    for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        for node in graph.all(kind):
            sources, targets = _ends(node)
            outbound = not groups.isdisjoint(sources)
            inbound = not groups.isdisjoint(targets)
            from_other_services = bool(sources) and sources <= other_services
            if outbound or (inbound and not from_other_services):
                yield node


def _ends(group_rule: Node) -> tuple[set[Node], set[Node]]:
    """Return the security groups from which a rule allows connections, and those to which."""
    group = set(group_rule.named(group_rule.inputs["securityGroupId"]))
    peer = set(group_rule.named(group_rule.inputs.get("referencedSecurityGroupId")))
    if group_rule.kind == "SecurityGroupIngressRule":
        return peer, group
    return group, peer


def _everything_before(node: Node) -> set[Node]:
    """Return what a resource depends on, directly or by way of others."""
    seen: set[Node] = set()
    waiting = list(node.sources)
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting.extend(each.sources)
    return seen
