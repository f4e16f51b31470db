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
class _Opening:
    """A rule of a security group: the other end, and the ports."""

    protocol: str
    ports: tuple[int, int]
    cidr: IPv4Network | IPv6Network | None = None
    groups: frozenset[Node] = frozenset()
    others: str = ""
    """Addresses of a service, or members of a security group that isn't the stack's."""

    def allows(self, party: Party, network: list[IPv4Network | IPv6Network]) -> bool:
        """Return whether a party, which has an address of the network, is the rule's other end."""
        if self.groups:
            return bool(self.groups & party.groups)
        if self.cidr is None:
            return False
        for each in network:
            if each.version == self.cidr.version and each.overlaps(self.cidr):
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


_GATEWAYS: Final = {
    "NatGateway": "a NAT gateway",
    "EgressOnlyInternetGateway": "an egress-only internet gateway",
    "InternetGateway": "public addresses of their own",
}
"""What the target of a route is called."""


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
        groups = service.inputs.get("loadBalancers", [])
        answers = {int(each["containerPort"]): "" for each in groups}
        public = bool(network.get("assignPublicIp"))
        routes: set[tuple[int, str]] = set()
        subnets = [*service.named(network["subnets"])]
        for subnet in subnets:
            routes.update(_routes_out(graph, subnet, public=public))
        if not subnets:
            routes = {(4, _UNKNOWN_ROUTES), (6, _UNKNOWN_ROUTES)}
        name = f"tasks of {service.registered.name}"
        party = _party(service, name, network["securityGroups"], answers, public=public)
        yield replace(party, routes_out=frozenset(routes))


def _instances(graph: Graph) -> Iterator[Party]:
    """Yield the instances of each Auto Scaling group, on whose bridges tasks are."""
    for scaling in graph.all("Group"):
        for template in scaling.named(scaling.inputs["launchTemplate"]):
            groups: list[str] = []
            public = False
            for interface in template.inputs["networkInterfaces"]:
                groups += interface["securityGroups"]
                public = public or interface.get("associatePublicIpAddress") != "false"
            routes: set[tuple[int, str]] = set()
            for subnet in scaling.named(scaling.inputs["vpcZoneIdentifiers"]):
                routes.update(_routes_out(graph, subnet, public=public))
            names, answers = [], {}
            for service in _services_on(graph, scaling):
                names.append(service.registered.name)
                for each in service.inputs.get("loadBalancers", []):
                    note = f", where ECS puts their tasks' port {int(each['containerPort'])}"
                    answers[_FIRST_HOST_PORT] = note
            party = _party(
                template, f"instances of {' and '.join(names)}", groups, answers, public=public
            )
            yield replace(party, routes_out=frozenset(routes))


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
    foreign = tuple(each for each in groups if not [*node.named(each)])
    return Party(name, frozenset(node.named(groups)), answers, public, foreign_groups=foreign)


def _answer(graph: Graph, listener: Node) -> str:
    """Return the note on a listener's port."""
    actions = listener.inputs["defaultActions"]
    if len(actions) != 1 or has_rules(graph, listener):
        return ""
    protocol = actions[0].get("redirect", {}).get("protocol")
    return ", which only redirects to HTTPS" if protocol == "HTTPS" else ""


def _routes_out(graph: Graph, subnet: Node, *, public: bool) -> Iterator[tuple[int, str]]:
    for route in routes_of(graph, subnet):
        version = 6 if route.inputs.get("destinationIpv6CidrBlock") else 4
        for target in route.named(dict(route.inputs)):
            # An internet gateway carries only packets from public addresses.
            if target.kind in _GATEWAYS and (target.kind != "InternetGateway" or public):
                yield version, _GATEWAYS[target.kind]


def _from_outside(graph: Graph, party: Party) -> Iterator[str]:
    for opening in _openings(graph, "SecurityGroupIngressRule", party.groups):
        if opening.cidr is not None:
            yield f"{_outside(opening, public=party.public)} reaches {_at(opening, party)}."
        elif opening.others:
            yield f"The {opening.others} reach {_at(opening, party)}."
        for group in opening.groups - _joined(graph):
            yield (
                f"Whatever joins security group {group.registered.name} reaches "
                f"{_at(opening, party)}."
            )


def _joined(graph: Graph) -> frozenset[Node]:
    """Return the security groups that some party has."""
    groups: set[Node] = set()
    for party in _parties(graph):
        groups |= party.groups
    return frozenset(groups)


def _outside(opening: _Opening, *, public: bool) -> str:
    name = _INTERNET.get(str(opening.cidr), str(opening.cidr))
    if not public:
        origin = "anywhere" if str(opening.cidr) in _INTERNET else name
        return f"Anyone who is routed to the network from {origin}"
    return name[0].upper() + name[1:]


def _between(graph: Graph, one: Party, other: Party) -> Iterator[str]:
    network = _ranges(graph)
    for out in _openings(graph, "SecurityGroupEgressRule", one.groups):
        for into in _openings(graph, "SecurityGroupIngressRule", other.groups):
            # Where both rules are open to the whole internet, each has a sentence already.
            repeated = str(out.cidr) in _INTERNET and str(into.cidr) in _INTERNET
            if repeated or not (out.allows(other, network) and into.allows(one, network)):
                continue
            both = _common(out, into)
            if both is not None:
                whom = _at(both, other)
                if one is other:
                    whom = whom.replace("tasks", "other tasks", 1)
                yield f"The {one.name} reach{_verb_ending(one, 'es')} {whom}."


def _common(out: _Opening, into: _Opening) -> _Opening | None:
    """Return the protocol and the ports that two rules both allow; None if there are none."""
    protocols = {out.protocol, into.protocol} - {_ALL_PROTOCOLS}
    first, last = max(out.ports[0], into.ports[0]), min(out.ports[1], into.ports[1])
    if len(protocols) > 1 or first > last:
        return None
    return _Opening(protocols.pop() if protocols else _ALL_PROTOCOLS, (first, last))


def _to_outside(graph: Graph, party: Party) -> Iterator[str]:
    for opening in _openings(graph, "SecurityGroupEgressRule", party.groups):
        subject = f"The {party.name}"
        if opening.others:
            yield f"{subject} may send to the {opening.others} on {_ports(opening)}."
        elif opening.cidr is not None and str(opening.cidr) in _INTERNET:
            internet, ports = _INTERNET[str(opening.cidr)], _ports(opening)
            version = opening.cidr.version
            gateways = sorted(name for family, name in party.routes_out if family == version)
            if gateways:
                yield f"{subject} reach {internet} on {ports}, through {' and '.join(gateways)}."
            else:
                yield f"{subject} may send to {internet} on {ports}, but have no route there."
        elif opening.cidr is not None:
            yield f"{subject} may send to {opening.cidr} on {_ports(opening)}."


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


def _openings(graph: Graph, kind: str, groups: frozenset[Node]) -> Iterator[_Opening]:
    for rule in graph.all(kind):
        if groups & {*rule.named(rule.inputs["securityGroupId"])}:
            given = rule.inputs
            everything = str(given["ipProtocol"]) == "-1"
            cidr = given.get("cidrIpv4") or given.get("cidrIpv6")
            named = frozenset(rule.named(given.get("referencedSecurityGroupId")))
            yield _Opening(
                _ALL_PROTOCOLS if everything else str(given["ipProtocol"]),
                _ANY_PORT if everything else (int(given["fromPort"]), int(given["toPort"])),
                ip_network(cidr) if cidr else None,
                named,
                "" if named else _others(rule),
            )


def _others(rule: Node) -> str:
    """Describe the other end of a rule that is neither a CIDR nor a group of the stack's."""
    listed, group = rule.inputs.get("prefixListId"), rule.inputs.get("referencedSecurityGroupId")
    if listed:
        endpoint = next(rule.named(listed), None)
        return f"addresses of {_service_of(endpoint) if endpoint else listed}"
    return f"members of security group {group}" if group else ""


def _service_of(endpoint: Node) -> str:
    """Return the service behind an endpoint: SERVICE of `com.amazonaws.REGION.SERVICE`."""
    return str(endpoint.inputs["serviceName"].split(".", 3)[3])


def _ranges(graph: Graph) -> list[IPv4Network | IPv6Network]:
    """Return the network's addresses; every private one where the stack didn't create it."""
    known = filter(None, (vpc.inputs.get("cidrBlock") for vpc in graph.all("Vpc")))
    return [ip_network(cidr) for cidr in (list(known) or _PRIVATE)]


_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def _verb_ending(party: Party, ending: str = "s") -> str:
    """Return the ending of the verb: only tasks and instances are plural."""
    return "" if party.name.startswith(("tasks", "instances")) else ending


def _at(opening: _Opening, party: Party) -> str:
    low, high = opening.ports
    notes = {note for port, note in party.answers.items() if low <= port <= high}
    if not notes:
        notes = {", where nothing answers"}
    # The notes of several ports describe each only its own.
    note = notes.pop() if len(notes) == 1 else ""
    return f"the {party.name} on {_ports(opening)}{note}"


def _ports(opening: _Opening) -> str:
    low, high = opening.ports
    if opening.ports == _ANY_PORT:
        return f"any port ({opening.protocol})"
    return f"{opening.protocol} {low}" if low == high else f"{opening.protocol} {low} to {high}"
