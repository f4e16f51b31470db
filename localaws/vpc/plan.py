"""The network as it is on this machine, and the steps that change it. Pure.

`Plan` keeps what was applied, so that only differences are changed. It does nothing itself:
`network.py` executes the steps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.catalog.ec2.vpc_endpoints import GATEWAY_SERVICES
from localaws.vpc import firewall, routing
from localaws.vpc.firewall import Attached
from localaws.vpc.model import Interface, Model, NatGateway, Subnet, Vpc
from localaws.vpc.steps import Batch, Step, Table, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class _Namespace:
    """A namespace that interfaces are in, and its link to the router."""

    name: str
    device: str
    interfaces: dict[str, Interface] = field(default_factory=dict)


@dataclass
class _Router:
    """A VPC as it was applied."""

    number: int
    vpc: Vpc
    namespaces: dict[str, _Namespace] = field(default_factory=dict)
    """By the id of each interface."""

    nat_gateways: dict[str, NatGateway] = field(default_factory=dict)
    service_interfaces: set[str] = field(default_factory=set)
    """The ids of the interfaces that AWS itself makes: those of NAT gateways and endpoints."""

    subnets: dict[str, int] = field(default_factory=dict)
    """Each subnet's number, which it keeps."""

    ranges: dict[str, Subnet] = field(default_factory=dict)
    """Every subnet up to now: an interface may outlive the record of its subnet."""

    routes: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    table: str = ""
    """The table without its elements."""

    @property
    def name(self) -> str:
        return routing.router(self.number)

    def interface(self, identifier: str) -> Interface | None:
        namespace = self.namespaces.get(identifier)
        return namespace.interfaces[identifier] if namespace else None

    def attached(self, identifier: str) -> Attached:
        """Return an interface as the firewall knows it."""
        namespace = self.namespaces[identifier]
        interface = namespace.interfaces[identifier]
        return Attached(
            namespace.device,
            interface.addresses,
            interface.groups,
            filtered=interface.filtered and identifier not in self.nat_gateways,
            public_address=interface.public_address,
            gateway_of=interface.subnet if identifier in self.nat_gateways else "",
        )

    def public_addresses(self) -> list[str]:
        found = []
        for identifier, namespace in self.namespaces.items():
            public = namespace.interfaces[identifier].public_address
            if public:
                found.append(public)
        return found


class Plan:
    """The network as it was applied, and how to change it."""

    def __init__(self) -> None:
        self._routers: dict[str, _Router] = {}
        self._internet: dict[str, str] = {}
        self._last_number = 0
        self._last_device = 0
        self._steps: list[Step] = []

    def start(self) -> list[Step]:
        """Return how the internet is set up, before anything else."""
        services = itertools.chain.from_iterable(GATEWAY_SERVICES.values())
        return list(routing.internet(services))

    def routers(self) -> dict[str, tuple[str, Vpc]]:
        """Return each VPC, and the namespace of its router, by the VPC's id."""
        return {key: (each.name, each.vpc) for key, each in self._routers.items()}

    def knows(self, interface: Interface) -> bool:
        """Return whether the VPC and the subnet of an interface are there."""
        router = self._routers.get(interface.vpc)
        return router is not None and interface.subnet in router.ranges

    def follow(self, model: Model) -> list[Step]:
        """Return the steps that make the network as the model is."""
        self._follow(model)
        return self._pop_steps()

    def has(self, interface: Interface) -> bool:
        """Return whether an interface is there."""
        router = self._routers.get(interface.vpc)
        return router is not None and interface.id in router.namespaces

    def attach(self, networks: Mapping[Interface, str]) -> list[Step]:
        """Return the steps that add interfaces, or change one that is there.

        Args:
            networks: The namespace of each: new interfaces, or one that is there.

        Raises:
            KeyError: A VPC or a subnet isn't there.
        """
        for interface in networks:
            if interface.subnet not in self._routers[interface.vpc].ranges:
                raise KeyError(interface.subnet)
        for interface in networks:
            self._remove_readdressed(self._routers[interface.vpc], interface)
        # Removals can't be merged with what follows them.
        removals = self._pop_steps()
        for interface, network in networks.items():
            self._add(self._routers[interface.vpc], interface, network)
        self._route_internet()
        return [*removals, *merged(self._pop_steps())]

    def detach(self, interfaces: Iterable[Interface]) -> list[Step]:
        """Return the steps that remove interfaces; none for those that aren't there."""
        for interface in interfaces:
            router = self._routers.get(interface.vpc)
            if router is not None and interface.id in router.namespaces:
                self._remove(router, interface.id)
        self._route_internet()
        return self._pop_steps()

    def distrust(self) -> None:
        """Have the next `follow` write every table and route again, as a step has failed."""
        for router in self._routers.values():
            router.table = ""
            router.routes = {}
        self._internet = {}

    def _pop_steps(self) -> list[Step]:
        steps = self._steps
        self._steps = []
        return steps

    def _follow(self, model: Model) -> None:
        wanted = {each.id for each in model.vpcs}
        gone = [self._routers.pop(id_) for id_ in list(self._routers) if id_ not in wanted]
        for vpc in model.vpcs:
            if vpc.id not in self._routers:
                self._routers[vpc.id] = self._create(vpc)
            self._update(self._routers[vpc.id], vpc)
        # The kernel deletes a device's routes with it, so they are deleted before.
        self._route_internet()
        for router in gone:
            self._delete(router)

    def _create(self, vpc: Vpc) -> _Router:
        self._last_number += 1
        self._steps += routing.create_vpc(vpc, self._last_number)
        return _Router(self._last_number, vpc)

    def _delete(self, router: _Router) -> None:
        for name in dict.fromkeys(each.name for each in router.namespaces.values()):
            self._steps.append(routing.delete_network(name))
        self._steps += routing.delete_vpc(router.number)

    def _update(self, router: _Router, vpc: Vpc) -> None:
        router.vpc = vpc
        for subnet in vpc.subnets:
            router.ranges[subnet.id] = subnet
            if subnet.id not in router.subnets:
                router.subnets[subnet.id] = max(router.subnets.values(), default=0) + 1
        self._replace_table(router)
        wanted = self._service_interfaces(router)
        self._add_service_interfaces(router, wanted)
        self._route(router)
        for identifier in router.service_interfaces - wanted.keys():
            self._remove(router, identifier)
            router.nat_gateways.pop(identifier, None)

    def _replace_table(self, router: _Router) -> None:
        rules = firewall.table(router.vpc, router.number, ())
        if rules != router.table:
            attached = map(router.attached, router.namespaces)
            script = firewall.table(router.vpc, router.number, attached)
            self._steps.append(Table(router.name, script))
            router.table = rules

    def _service_interfaces(self, router: _Router) -> dict[str, Interface]:
        """Return the interfaces of NAT gateways and endpoints, which AWS itself makes."""
        vpc = router.vpc
        wanted = {each.id: each for each in vpc.endpoints}
        for each in vpc.nat_gateways:
            wanted[each.id] = Interface(
                each.id, vpc.id, each.subnet, each.address, public_address=each.public_address
            )
        return wanted

    def _add_service_interfaces(self, router: _Router, wanted: Mapping[str, Interface]) -> None:
        router.nat_gateways |= {each.id: each for each in router.vpc.nat_gateways}
        for identifier, interface in wanted.items():
            if router.interface(identifier) == interface:
                continue
            self._remove_readdressed(router, interface)
            namespace = self._add(router, interface, identifier)
            router.service_interfaces.add(identifier)
            if identifier in router.nat_gateways:
                self._steps.append(routing.forward_for_others(namespace.name))
                self._steps.append(Table(namespace.name, firewall.nat_table(interface.address)))

    def _route(self, router: _Router) -> None:
        """Bring the router's routing tables up to date."""
        gateways: dict[str, tuple[str, str]] = {}
        for identifier, gateway in router.nat_gateways.items():
            gateways[identifier] = gateway.address, router.namespaces[identifier].device
        routes: dict[str, str] = {}
        rules: set[str] = set()
        addresses: set[str] = set()
        for subnet in router.vpc.subnets:
            index = router.subnets[subnet.id]
            routes |= routing.routes_of_subnet(subnet, index, gateways)
            rules |= routing.rules_of_subnet(router.vpc, subnet, index)
            addresses |= routing.addresses_of_subnet(subnet)
        after_rules, after_addresses = _by_itself(rules), _by_itself(addresses)
        lines = [
            *routing.changes("addr", router.addresses, after_addresses),
            *routing.changes("route", router.routes, routes, add="replace"),
        ]
        # `ip` takes rules of IPv4 and of IPv6 in separate batches.
        ipv6_lines: list[str] = []
        for line in routing.changes("rule", router.rules, after_rules):
            (ipv6_lines if _is_ipv6(line) else lines).append(line)
        self._steps.append(Batch(router.name, tuple(lines)))
        self._steps.append(Batch(router.name, tuple(ipv6_lines), ipv6=True))
        router.routes, router.rules, router.addresses = routes, after_rules, after_addresses

    def _route_internet(self) -> None:
        routes: dict[str, str] = {}
        for router in self._routers.values():
            public = router.public_addresses()
            routes |= routing.routes_of_internet(router.vpc, router.number, public)
        lines = routing.changes("route", self._internet, routes, add="replace")
        self._steps.append(Batch(None, tuple(lines)))
        self._internet = routes

    def _add(self, router: _Router, interface: Interface, name: str) -> _Namespace:
        """Add an interface, or change it if it is there with the same addresses."""
        if router.interface(interface.id) is not None:
            return self._change(router, interface)
        namespace = self._namespace(router, name)
        new = namespace is None
        if namespace is None:
            self._last_device += 1
            namespace = _Namespace(name, f"eni{self._last_device}")
        namespace.interfaces[interface.id] = interface
        router.namespaces[interface.id] = namespace
        self._steps += routing.add_interface(
            interface,
            router.ranges[interface.subnet],
            namespace.name,
            namespace.device,
            router.number,
            new=new,
        )
        self._steps.append(Table(router.name, self._elements(router, interface.id, "add")))
        return namespace

    def _remove_readdressed(self, router: _Router, interface: Interface) -> None:
        """Remove an interface whose addresses are to change: it is added anew."""
        there = router.interface(interface.id)
        if there is not None and there.addresses != interface.addresses:
            self._remove(router, there.id)

    def _change(self, router: _Router, interface: Interface) -> _Namespace:
        """Change an interface's groups and public address, in one step."""
        namespace = router.namespaces[interface.id]
        if namespace.interfaces[interface.id] != interface:
            script = self._elements(router, interface.id, "delete")
            namespace.interfaces[interface.id] = interface
            script += self._elements(router, interface.id, "add")
            self._steps.append(Table(router.name, script))
        return namespace

    def _remove(self, router: _Router, identifier: str) -> None:
        self._steps.append(Table(router.name, self._elements(router, identifier, "delete")))
        namespace = router.namespaces.pop(identifier)
        interface = namespace.interfaces.pop(identifier)
        router.service_interfaces.discard(identifier)
        subnet = router.ranges[interface.subnet]
        outside, inside = routing.remove_interface(
            interface, subnet, namespace.name, namespace.device, router.number
        )
        self._steps.append(outside)
        if namespace.interfaces:
            self._steps.append(inside)
        else:
            self._steps.append(routing.delete_network(namespace.name))

    def _namespace(self, router: _Router, name: str) -> _Namespace | None:
        for each in router.namespaces.values():
            if each.name == name:
                return each
        return None

    def _elements(self, router: _Router, identifier: str, verb: str) -> str:
        known = firewall.sets_of(router.vpc)
        lines = firewall.elements(verb, router.attached(identifier), known)
        return "".join(f"{line}\n" for line in lines)


def _is_ipv6(line: str) -> bool:
    """Return whether a line is about IPv6 addresses: nothing else in it has colons."""
    return ":" in line


def _by_itself(lines: Iterable[str]) -> dict[str, str]:
    """Return lines by what deletes them, which for these is the same text that adds them."""
    ordered = sorted(lines)
    return dict(zip(ordered, ordered, strict=True))
