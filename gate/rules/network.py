"""Rules about security groups and subnets."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, Final

from gate.queries import routes_of
from gate.rules.readers import balancers_groups, instances_groups, security_groups
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gate.graph import Graph, Node

_SHORTEST_PREFIX: Final = {4: 8, 6: 16}
"""By IP version: a network with a shorter prefix counts as the whole internet, because two halves
of the internet are the internet as well.
"""

_HOST_PORTS: Final = (32768, 60999)
"""The kernel's range on the ECS-optimised AMI, from which the agent chooses. Source:
amazon-ecs-agent, issue 2331.
"""

_HTTPS: Final = 443
_WEB_PORTS: Final = {80, 443}


@rule
def tasks_allow_only_the_load_balancer(graph: Graph) -> Iterator[Node]:
    """Require that tasks accept traffic from load balancers only, on their containers' ports.

    Tasks with an endpoint of Service Connect also accept it from tasks that take part.
    """
    for service in graph.all("Service"):
        ports = {each["containerPort"] for each in service.inputs.get("loadBalancers", [])}
        groups = security_groups(service)
        allowed = balancers_groups(graph)
        if _service_connect(service).get("services"):
            allowed |= _groups_in_service_connect(graph)
        for ingress in graph.all("SecurityGroupIngressRule"):
            if not _belongs_to(ingress, groups):
                continue
            sources = set(ingress.named(ingress.inputs.get("referencedSecurityGroupId")))
            if not sources or not sources <= allowed or _tcp_port(ingress) not in ports:
                yield ingress


def _service_connect(service: Node) -> Mapping[str, Any]:
    return service.inputs.get("serviceConnectConfiguration") or {}


def _groups_in_service_connect(graph: Graph) -> set[Node]:
    groups: set[Node] = set()
    for service in graph.all("Service"):
        if _service_connect(service).get("enabled"):
            groups.update(security_groups(service))
    return groups


@rule
def only_load_balancers_are_public(graph: Graph) -> Iterator[Node]:
    """Require that only public load balancers accept the internet, on ports that they listen on."""
    public: set[Node] = set()
    for balancer in graph.all("LoadBalancer"):
        if not balancer.inputs.get("internal"):
            public.update(security_groups(balancer))
    listening = {each.inputs["port"] for each in graph.all("Listener")} & _WEB_PORTS
    for ingress in graph.all("SecurityGroupIngressRule"):
        allowed = _belongs_to(ingress, public) and _tcp_port(ingress) in listening
        if _is_the_internet(ingress) and not allowed:
            yield ingress


@rule
def egress_is_restricted(graph: Graph) -> Iterator[Node]:
    """Require egress to name its ports, HTTPS only to the internet, and groups from a balancer."""
    for egress in graph.all("SecurityGroupEgressRule"):
        all_protocols = str(egress.inputs["ipProtocol"]) == "-1"
        to_internet_without_tls = _is_the_internet(egress) and _tcp_port(egress) != _HTTPS
        if (
            all_protocols
            or to_internet_without_tls
            or _allows_balancer_addresses(graph, egress)
            or _allows_many_ports_of_group(graph, egress)
        ):
            yield egress


def _allows_balancer_addresses(graph: Graph, egress: Node) -> bool:
    """Return whether a rule allows a load balancer more than its targets, which have groups.

    It also connects by HTTPS to the providers at which its clients log in.
    """
    if not _cidrs(egress) or not _belongs_to(egress, balancers_groups(graph)):
        return False
    for_logins = _tcp_port(egress) == _HTTPS and _clients_log_in(graph)
    return not for_logins


def _allows_many_ports_of_group(graph: Graph, egress: Node) -> bool:
    """Return whether a rule names a security group and more than one port.

    Tasks on instances get any host port.
    """
    group = egress.inputs.get("referencedSecurityGroupId")
    if not group or _tcp_port(egress) is not None:
        return False
    peers = set(egress.named(group))
    only_instances = peers and peers <= instances_groups(graph)
    return not (only_instances and _host_ports_only(egress))


def _clients_log_in(graph: Graph) -> bool:
    for each in graph.all("ListenerRule"):
        for action in each.inputs["actions"]:
            if action["type"] == "authenticate-oidc":
                return True
    return False


@rule
def instances_allow_only_the_load_balancer(graph: Graph) -> Iterator[Node]:
    """Require that instances accept load balancers only, on the ports that their agent gives out.

    Anything else that listens on an instance, such as SSH, Docker or the agent itself, is on other
    ports.
    """
    groups = instances_groups(graph)
    for ingress in graph.all("SecurityGroupIngressRule"):
        if not _belongs_to(ingress, groups):
            continue
        sources = set(ingress.named(ingress.inputs.get("referencedSecurityGroupId")))
        only_balancers = sources and sources <= balancers_groups(graph)
        if not only_balancers or not _host_ports_only(ingress):
            yield ingress


@rule
def instances_have_no_public_addresses(graph: Graph) -> Iterator[Node]:
    """Require that instances get no public address, wherever they are started."""
    for template in graph.all("LaunchTemplate"):
        interfaces = template.inputs.get("networkInterfaces", [])
        # Without an interface here, or without the value in one, the subnet decides.
        public = any(each.get("associatePublicIpAddress") != "false" for each in interfaces)
        if public or not interfaces:
            yield template


@rule
def no_inline_security_group_rules(graph: Graph) -> Iterator[Node]:
    """Require rules to be resources: inline ones and resources keep deleting each other."""
    for group in graph.all("SecurityGroup"):
        if {"ingress", "egress"} & group.inputs.keys():
            yield group
    for group in graph.all("DefaultSecurityGroup"):
        if group.inputs.get("ingress") or group.inputs.get("egress"):
            yield group


@rule
def private_tasks_are_in_private_subnets(graph: Graph) -> Iterator[Node]:
    """Require that no route to an internet gateway is beside tasks without public addresses."""
    for service in graph.all("Service"):
        network = service.inputs.get("networkConfiguration", {})
        if network.get("assignPublicIp"):
            continue
        yield from _public_subnets(graph, service, network.get("subnets"))
    for group in graph.all("Group"):
        yield from _public_subnets(graph, group, group.inputs.get("vpcZoneIdentifiers"))


@rule
def subnets_assign_no_public_addresses(graph: Graph) -> Iterator[Node]:
    """Require that what is started in a subnet gets a public address only on request."""
    for subnet in graph.all("Subnet"):
        if subnet.inputs.get("mapPublicIpOnLaunch"):
            yield subnet


def _public_subnets(graph: Graph, node: Node, subnets: object) -> Iterator[Node]:
    for subnet in node.named(subnets):
        if _is_public(graph, subnet):
            yield subnet


def _is_public(graph: Graph, subnet: Node) -> bool:
    """Return whether a subnet has a route to an internet gateway."""
    for route in routes_of(graph, subnet):
        for target in route.named(route.inputs.get("gatewayId")):
            if target.kind == "InternetGateway":
                return True
    return False


def _belongs_to(group_rule: Node, groups: list[Node] | set[Node]) -> bool:
    return not set(groups).isdisjoint(group_rule.named(group_rule.inputs["securityGroupId"]))


def _tcp_port(group_rule: Node) -> int | None:
    """Return the one TCP port that a rule opens; None for other protocols or more ports."""
    ports = _tcp_ports(group_rule)
    if ports is None or ports[0] != ports[1]:
        return None
    return ports[0]


def _host_ports_only(group_rule: Node) -> bool:
    """Return whether a rule opens host ports that tasks on instances get, and no other port."""
    ports = _tcp_ports(group_rule)
    if ports is None:
        return False
    first, last = ports
    return _HOST_PORTS[0] <= first <= last <= _HOST_PORTS[1]


def _tcp_ports(group_rule: Node) -> tuple[int, int] | None:
    """Return the first and the last TCP port that a rule opens; None for other protocols."""
    first = group_rule.inputs.get("fromPort")
    last = group_rule.inputs.get("toPort")
    if first is None or last is None or group_rule.inputs["ipProtocol"] != "tcp":
        return None
    return int(first), int(last)


def _cidrs(group_rule: Node) -> list[IPv4Network | IPv6Network]:
    networks: list[IPv4Network | IPv6Network] = []
    for name in ("cidrIpv4", "cidrIpv6"):
        cidr = group_rule.inputs.get(name)
        if cidr:
            networks.append(ip_network(cidr))
    return networks


def _is_the_internet(group_rule: Node) -> bool:
    return any(each.prefixlen < _SHORTEST_PREFIX[each.version] for each in _cidrs(group_rule))
