"""Who can reach which port, as sentences, from the registered graph alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from gate.queries import has_rules, routes_of
from localaws.mocks import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gate.graph import Graph, Node

_ANY_PORT: Final = (0, 65535)
_ALL_PROTOCOLS: Final = "all protocols"
_NO_CLIENT: Final = "192.0.2.0/32"
_FIRST_HOST_PORT: Final = 32768
"""The first port that the ECS agent gives to a task on an instance."""

_UNKNOWN_ROUTES: Final = "the routes of a network that isn't the stack's own"
_INTERNET: Final = {"0.0.0.0/0": "the internet (IPv4)", "::/0": "the internet (IPv6)"}
_PRIVATE_NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")

_GATEWAYS: Final = {
    "NatGateway": "a NAT gateway",
    "EgressOnlyInternetGateway": "an egress-only internet gateway",
    "InternetGateway": "their public addresses",
}
"""What the target of a route is called, by its type."""


@dataclass(frozen=True)
class Party:
    """One end of a connection: load balancers, tasks, instances or endpoints with their groups."""

    name: str
    groups: frozenset[Node]
    answers: Mapping[int, str]
    """Ports that something answers on, each with a note or an empty text."""

    public: bool
    """Whether it has public addresses."""

    routes_out: frozenset[tuple[int, str]] = frozenset()
    """IP versions, each with a gateway through which it reaches the internet."""

    foreign_groups: tuple[str, ...] = ()
    """Ids of its security groups that the stack didn't create."""


@dataclass(frozen=True)
class _GroupRule:
    """A rule of a security group: its peer, which is one of three kinds, and the ports."""

    protocol: str
    ports: tuple[int, int]
    """The first and the last."""

    cidr: IPv4Network | IPv6Network | None = None
    groups: frozenset[Node] = frozenset()
    others: str = ""
    """Addresses of a service, or members of a security group that isn't the stack's."""

    def allows(self, party: Party, network: list[IPv4Network | IPv6Network]) -> bool:
        """Return whether a party, which has an address of the network, is the rule's peer."""
        if self.groups:
            return bool(self.groups & party.groups)
        if self.cidr is None:
            return False
        for addresses in network:
            if addresses.version == self.cidr.version and addresses.overlaps(self.cidr):
                return True
        return False


def sentences(graph: Graph) -> list[str]:
    """Return the open paths: from outside, between the parties, and to outside, in this order.

    An open port on which nothing answers is named as such, and so is a security group whose rules
    aren't the stack's. A path that no sentence names doesn't exist.
    """
    parties = sorted(_parties(graph), key=lambda party: party.name)
    ingress: set[str] = set()
    between: set[str] = set()
    egress: set[str] = set()
    unread: set[str] = set()
    for party in parties:
        ingress.update(_from_outside(graph, party))
        for other in parties:
            between.update(_between(graph, party, other))
        egress.update(_to_outside(graph, party))
        unread.update(_unread(party))
    between.update(_on_one_bridge(graph))
    found: list[str] = []
    for group in (ingress, between, egress, _default_groups(graph), unread):
        found += sorted(group)
    return found


def report(stack: str, graph: Graph) -> str:
    """Return a stack's sentences as the golden files and a pull request's comment have them."""
    lines = "".join(f"- {sentence}\n" for sentence in sentences(graph))
    text = f"Who reaches what in {stack}. Nothing else does.\n\n{lines}"
    routes = "".join(f"{number}. {route}\n" for number, route in enumerate(requests(graph), 1))
    return f"{text}\nThe first of these that a request meets decides who gets it.\n\n{routes}"


def requests(graph: Graph) -> list[str]:
    """Return which requests go to which service, in the order of the listeners' rules.

    Rules that only attach a target group, as no client has their source address, aren't listed.
    """
    found = []
    for rule in sorted(graph.all("ListenerRule"), key=lambda each: int(each.inputs["priority"])):
        if {"sourceIp": {"values": [_NO_CLIENT]}} in rule.inputs["conditions"]:
            continue
        for listener in graph.all("Listener"):
            if listener in rule.named(rule.inputs["listenerArn"]):
                where = f"{listener.inputs['protocol']} {int(listener.inputs['port'])}"
                what = described(rule.inputs["conditions"])
                found.append(f"{where}, {what}: {_receiver(graph, rule)}")
    return found


def _receiver(graph: Graph, rule: Node) -> str:
    """Return who gets the requests of a rule."""
    weights = _weights(rule)
    total = sum(weights.values())
    names = []
    for service in graph.all("Service"):
        for group in service.named(service.inputs.get("loadBalancers", [])):
            weight = weights.get(group)
            if weight is not None:
                share = "" if weight == total else f" ({weight} of {total})"
                names.append(f"tasks of {service.registered.name}{share}")
    return ", ".join(names) or "no service"


def _weights(rule: Node) -> dict[Node, int]:
    """Return the weights of the target groups to which a rule forwards."""
    found: dict[Node, int] = {}
    for action in rule.inputs["actions"]:
        groups = (action.get("forward") or {}).get("targetGroups")
        for each in groups or [{"arn": action.get("targetGroupArn")}]:
            for node in rule.named(each["arn"]):
                if node.kind == "TargetGroup":
                    found[node] = int(each.get("weight", 1))
    return found


def _parties(graph: Graph) -> Iterator[Party]:
    yield from _balancers(graph)
    yield from _tasks(graph)
    yield from _instances(graph)
    yield from _endpoints(graph)


def _balancers(graph: Graph) -> Iterator[Party]:
    for balancer in graph.all("LoadBalancer"):
        answers = {}
        for listener in graph.all("Listener"):
            if balancer in listener.sources:
                answers[int(listener.inputs["port"])] = _answer(graph, listener)
        name = f"load balancer {balancer.registered.name}"
        public = not balancer.inputs.get("internal")
        yield _party(balancer, name, balancer.inputs["securityGroups"], answers, public=public)


def _tasks(graph: Graph) -> Iterator[Party]:
    for service in graph.all("Service"):
        network = service.inputs.get("networkConfiguration")
        if network is None:
            continue
        target_groups = service.inputs.get("loadBalancers", [])
        answers = {int(each["containerPort"]): "" for each in target_groups}
        public = bool(network.get("assignPublicIp"))
        subnets = list(service.named(network["subnets"]))
        if subnets:
            routes = _routes_out(graph, subnets, public=public)
        else:
            routes = frozenset({(4, _UNKNOWN_ROUTES), (6, _UNKNOWN_ROUTES)})
        name = f"tasks of {service.registered.name}"
        party = _party(service, name, network["securityGroups"], answers, public=public)
        yield replace(party, routes_out=routes)


def _instances(graph: Graph) -> Iterator[Party]:
    """Yield the instances of each Auto Scaling group, which run tasks on bridge networks."""
    for scaling in graph.all("Group"):
        services = _services_on(graph, scaling)
        name = f"instances of {' and '.join(each.registered.name for each in services)}"
        subnets = list(scaling.named(scaling.inputs["vpcZoneIdentifiers"]))
        for template in scaling.named(scaling.inputs["launchTemplate"]):
            groups: list[str] = []
            public = False
            for interface in template.inputs["networkInterfaces"]:
                groups += interface["securityGroups"]
                public = public or interface.get("associatePublicIpAddress") != "false"
            party = _party(template, name, groups, _host_ports(services), public=public)
            yield replace(party, routes_out=_routes_out(graph, subnets, public=public))


def _host_ports(services: list[Node]) -> dict[int, str]:
    """Return the first host port, which stands for all, with the note on its container's port."""
    answers: dict[int, str] = {}
    for service in services:
        for each in service.inputs.get("loadBalancers", []):
            container_port = int(each["containerPort"])
            answers[_FIRST_HOST_PORT] = f", where ECS puts their tasks' port {container_port}"
    return answers


def _services_on(graph: Graph, scaling: Node) -> list[Node]:
    """Return the services whose strategies name the capacity provider of an Auto Scaling group."""
    return [service for service in graph.all("Service") if scaling in _scaled_for(service)]


def _scaled_for(service: Node) -> set[Node]:
    """Return the Auto Scaling groups of the capacity providers in a service's strategy."""
    groups: set[Node] = set()
    for provider in service.named(service.inputs.get("capacityProviderStrategies")):
        groups.update(provider.named(provider.inputs.get("autoScalingGroupProvider")))
    return groups


def _on_one_bridge(graph: Graph) -> Iterator[str]:
    """Yield the connections that security groups don't restrict: those within one instance."""
    for scaling in graph.all("Group"):
        names = [each.registered.name for each in _services_on(graph, scaling)]
        if names:
            yield (
                f"Tasks of {' and '.join(names)} on one instance reach each other: no security "
                "group stands between them."
            )


def _endpoints(graph: Graph) -> Iterator[Party]:
    for endpoint in graph.all("VpcEndpoint"):
        if "securityGroupIds" in endpoint.inputs:
            name = f"endpoint {_service_of(endpoint)}"
            yield _party(
                endpoint, name, endpoint.inputs["securityGroupIds"], {443: ""}, public=False
            )


def _party(
    node: Node, name: str, groups: list[str], answers: Mapping[int, str], *, public: bool
) -> Party:
    foreign = tuple(each for each in groups if not list(node.named(each)))
    return Party(name, frozenset(node.named(groups)), answers, public, foreign_groups=foreign)


def _answer(graph: Graph, listener: Node) -> str:
    """Return the note on a listener's port."""
    actions = listener.inputs["defaultActions"]
    if len(actions) != 1 or has_rules(graph, listener):
        return ""
    protocol = actions[0].get("redirect", {}).get("protocol")
    return ", which only redirects to HTTPS" if protocol == "HTTPS" else ""


def _routes_out(graph: Graph, subnets: list[Node], *, public: bool) -> frozenset[tuple[int, str]]:
    """Return the IP versions and gateways of the subnets' routes to the internet."""
    found: set[tuple[int, str]] = set()
    for subnet in subnets:
        for route in routes_of(graph, subnet):
            version = 6 if route.inputs.get("destinationIpv6CidrBlock") else 4
            for target in route.named(dict(route.inputs)):
                # An internet gateway carries only packets from public addresses.
                if target.kind == "InternetGateway" and not public:
                    continue
                if target.kind in _GATEWAYS:
                    found.add((version, _GATEWAYS[target.kind]))
    return frozenset(found)


def _from_outside(graph: Graph, party: Party) -> Iterator[str]:
    for rule in _group_rules(graph, "SecurityGroupIngressRule", party.groups):
        destination = _destination(rule, party)
        if rule.cidr is not None:
            yield f"{_origin(rule, public=party.public)} reaches {destination}."
        elif rule.others:
            yield f"The {rule.others} reach {destination}."
        for group in rule.groups - _groups_in_use(graph):
            yield f"Whatever joins security group {group.registered.name} reaches {destination}."


def _groups_in_use(graph: Graph) -> frozenset[Node]:
    """Return the security groups that some party has."""
    groups: set[Node] = set()
    for party in _parties(graph):
        groups |= party.groups
    return frozenset(groups)


def _origin(rule: _GroupRule, *, public: bool) -> str:
    """Describe the clients in a rule's CIDR, as the beginning of a sentence."""
    name = _INTERNET.get(str(rule.cidr), str(rule.cidr))
    if not public:
        origin = "anywhere" if str(rule.cidr) in _INTERNET else name
        return f"Anyone who is routed to the network from {origin}"
    return name[0].upper() + name[1:]


def _between(graph: Graph, one: Party, other: Party) -> Iterator[str]:
    network = _network_addresses(graph)
    for egress in _group_rules(graph, "SecurityGroupEgressRule", one.groups):
        for ingress in _group_rules(graph, "SecurityGroupIngressRule", other.groups):
            # Where both rules are open to the whole internet, each has a sentence already.
            if str(egress.cidr) in _INTERNET and str(ingress.cidr) in _INTERNET:
                continue
            if not egress.allows(other, network) or not ingress.allows(one, network):
                continue
            connection = _intersection(egress, ingress)
            if connection is None:
                continue
            destination = _destination(connection, other)
            if one is other:
                destination = destination.replace("tasks", "other tasks", 1)
            yield f"The {one.name} reach{_verb_ending(one, 'es')} {destination}."


def _intersection(egress: _GroupRule, ingress: _GroupRule) -> _GroupRule | None:
    """Return the protocol and the ports that two rules both allow; None if there are none."""
    protocols = {egress.protocol, ingress.protocol} - {_ALL_PROTOCOLS}
    first = max(egress.ports[0], ingress.ports[0])
    last = min(egress.ports[1], ingress.ports[1])
    if len(protocols) > 1 or first > last:
        return None
    return _GroupRule(protocols.pop() if protocols else _ALL_PROTOCOLS, (first, last))


def _to_outside(graph: Graph, party: Party) -> Iterator[str]:
    subject = f"The {party.name}"
    for rule in _group_rules(graph, "SecurityGroupEgressRule", party.groups):
        ports = _ports(rule)
        if rule.others:
            yield f"{subject} may send to the {rule.others} on {ports}."
        elif rule.cidr is None:
            continue  # a group of the stack's, which is another party's
        elif str(rule.cidr) not in _INTERNET:
            yield f"{subject} may send to {rule.cidr} on {ports}."
        else:
            internet = _INTERNET[str(rule.cidr)]
            version = rule.cidr.version
            gateways = sorted(name for family, name in party.routes_out if family == version)
            if gateways:
                yield f"{subject} reach {internet} on {ports}, through {' and '.join(gateways)}."
            else:
                yield f"{subject} may send to {internet} on {ports}, but have no route there."


def _default_groups(graph: Graph) -> Iterator[str]:
    for group in graph.all("DefaultSecurityGroup"):
        subject = "The network's default security group"
        if group.inputs.get("ingress") or group.inputs.get("egress"):
            yield f"{subject} has rules, which are not read here."
        else:
            yield f"{subject} lets nothing in and nothing out."


def _unread(party: Party) -> Iterator[str]:
    for name in party.foreign_groups:
        belong = f"belong{_verb_ending(party)}"
        yield (
            f"The {party.name} also {belong} to security group {name}, whose rules are not read "
            "here."
        )
    for group in party.groups:
        if group.inputs.get("ingress") or group.inputs.get("egress"):
            name = f"Security group {group.registered.name} of the {party.name}"
            yield f"{name} has inline rules, which are not read here."


def _group_rules(graph: Graph, kind: str, groups: frozenset[Node]) -> Iterator[_GroupRule]:
    """Yield the rules of one direction that some security groups have."""
    for node in graph.all(kind):
        if groups.isdisjoint(node.named(node.inputs["securityGroupId"])):
            continue
        inputs = node.inputs
        if str(inputs["ipProtocol"]) == "-1":
            protocol, ports = _ALL_PROTOCOLS, _ANY_PORT
        else:
            protocol = str(inputs["ipProtocol"])
            ports = (int(inputs["fromPort"]), int(inputs["toPort"]))
        cidr = inputs.get("cidrIpv4") or inputs.get("cidrIpv6")
        peers = frozenset(node.named(inputs.get("referencedSecurityGroupId")))
        yield _GroupRule(
            protocol=protocol,
            ports=ports,
            cidr=ip_network(cidr) if cidr else None,
            groups=peers,
            others="" if peers else _others(node),
        )


def _others(node: Node) -> str:
    """Describe the peer of a rule that is neither a CIDR nor a group of the stack's."""
    prefix_list = node.inputs.get("prefixListId")
    if prefix_list:
        endpoint = next(node.named(prefix_list), None)
        return f"addresses of {_service_of(endpoint) if endpoint else prefix_list}"
    group = node.inputs.get("referencedSecurityGroupId")
    return f"members of security group {group}" if group else ""


def _service_of(endpoint: Node) -> str:
    """Return the service behind an endpoint: SERVICE of `com.amazonaws.REGION.SERVICE`."""
    return str(endpoint.inputs["serviceName"].split(".", 3)[3])


def _network_addresses(graph: Graph) -> list[IPv4Network | IPv6Network]:
    """Return the network's addresses; every private one where the stack didn't create it."""
    networks: list[IPv4Network | IPv6Network] = []
    for vpc in graph.all("Vpc"):
        cidr = vpc.inputs.get("cidrBlock")
        if cidr:
            networks.append(ip_network(cidr))
    return networks or list(map(ip_network, _PRIVATE_NETWORKS))


def _verb_ending(party: Party, ending: str = "s") -> str:
    """Return the ending of the verb: only tasks and instances are plural."""
    return "" if party.name.startswith(("tasks", "instances")) else ending


def _destination(rule: _GroupRule, party: Party) -> str:
    """Describe a party with the ports that a rule opens, and what answers there."""
    first, last = rule.ports
    notes = {note for port, note in party.answers.items() if first <= port <= last}
    if not notes:
        notes = {", where nothing answers"}
    # A note is about one port only, so it doesn't describe several.
    note = notes.pop() if len(notes) == 1 else ""
    return f"the {party.name} on {_ports(rule)}{note}"


def _ports(rule: _GroupRule) -> str:
    if rule.ports == _ANY_PORT:
        return f"any port ({rule.protocol})"
    first, last = rule.ports
    ports = str(first) if first == last else f"{first} to {last}"
    return f"{rule.protocol} {ports}"
