"""What there is of a network on this machine, and the steps to what there shall be. Pure.

`Plan` keeps what was applied, so that a change is only what differs. It does nothing itself:
`network.py` takes the steps.
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
    """A VPC that is there, as it was applied."""

    number: int
    vpc: Vpc
    namespaces: dict[str, _Namespace] = field(default_factory=dict)
    """By the id of each interface."""

    nat_gateways: dict[str, NatGateway] = field(default_factory=dict)
    service_interfaces: set[str] = field(default_factory=set)
    """The ids of the interfaces that follow from the cloud: NAT gateways and endpoints."""

    subnets: dict[str, int] = field(default_factory=dict)
    """Each subnet's number, which it keeps."""

    ranges: dict[str, Subnet] = field(default_factory=dict)
    """Every subnet that there has been: an interface may outlive the record of its subnet."""

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
        return [*routing.internet(services)]

    def routers(self) -> dict[str, tuple[str, Vpc]]:
        """Return each VPC, and the namespace of its router, by the VPC's id."""
        return {key: (each.name, each.vpc) for key, each in self._routers.items()}

    def knows(self, interface: Interface) -> bool:
        """Return whether the VPC and the subnet of an interface are there."""
        router = self._routers.get(interface.vpc)
        return router is not None and interface.subnet in router.ranges

    def follow(self, model: Model) -> list[Step]:
        """Return what makes the network as the model says."""
        self._follow(model)
        return self._taken()

    def has(self, interface: Interface) -> bool:
        """Return whether an interface is there."""
        router = self._routers.get(interface.vpc)
        return router is not None and interface.id in router.namespaces

    def attach(self, networks: Mapping[Interface, str]) -> list[Step]:
        """Return what adds interfaces, or changes one that is there.

        Args:
            networks: The namespace of each: new interfaces, or one that is there.

        Raises:
            KeyError: A VPC or a subnet isn't there.
        """
        for interface in networks:
            if interface.subnet not in self._routers[interface.vpc].ranges:
                raise KeyError(interface.subnet)
        for interface in networks:
            self._make_way(self._routers[interface.vpc], interface)
        before = self._taken()
        for interface, network in networks.items():
            self._add(self._routers[interface.vpc], interface, network)
        self._route_internet()
        return [*before, *merged(self._taken())]

    def detach(self, interfaces: Iterable[Interface]) -> list[Step]:
        """Return what removes interfaces; nothing for those that aren't there."""
        for interface in interfaces:
            router = self._routers.get(interface.vpc)
            if router is not None and interface.id in router.namespaces:
                self._remove(router, interface.id)
        self._route_internet()
        return self._taken()

    def distrust(self) -> None:
        """Have the next `follow` write every table and route again: a step has failed."""
        for router in self._routers.values():
            router.table = ""
            router.routes = {}
        self._internet = {}

    def _taken(self) -> list[Step]:
        steps, self._steps = self._steps, []
        return steps

    def _follow(self, model: Model) -> None:
        wanted = {each.id for each in model.vpcs}
        gone = [router for router in self._routers.values() if router.vpc.id not in wanted]
        for router in gone:
            del self._routers[router.vpc.id]
        for vpc in model.vpcs:
            if vpc.id not in self._routers:
                self._routers[vpc.id] = self._create(vpc)
            self._update(self._routers[vpc.id], vpc)
        # A device takes the routes by it along when it goes, so routes are deleted before.
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
        for identifier in [each for each in router.service_interfaces if each not in wanted]:
            self._remove(router, identifier)
            router.nat_gateways.pop(identifier, None)

    def _replace_table(self, router: _Router) -> None:
        rules = firewall.table(router.vpc, router.number, ())
        if rules != router.table:
            attached = [router.attached(each) for each in router.namespaces]
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
            self._make_way(router, interface)
            namespace = self._add(router, interface, identifier)
            router.service_interfaces.add(identifier)
            if identifier in router.nat_gateways:
                self._steps.append(routing.forward_for_others(namespace.name))
                self._steps.append(Table(namespace.name, firewall.nat_table(interface.address)))

    def _route(self, router: _Router) -> None:
        """Bring the router's routing tables up to date."""
        gateways = {
            identifier: (gateway.address, router.namespaces[identifier].device)
            for identifier, gateway in router.nat_gateways.items()
        }
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
        of_rules = routing.changes("rule", router.rules, after_rules)
        lines += [line for line in of_rules if not _is_ipv6(line)]
        self._steps.append(Batch(router.name, tuple(lines)))
        of_ipv6 = tuple(line for line in of_rules if _is_ipv6(line))
        self._steps.append(Batch(router.name, of_ipv6, ipv6=True))
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
        """Add an interface for which `_make_way` has been called."""
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

    def _make_way(self, router: _Router, interface: Interface) -> None:
        """Remove an interface that has other addresses now."""
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
    """Return whether a line is about IPv6 addresses: nothing else in `ip`'s words has colons."""
    return ":" in line


def _by_itself(lines: Iterable[str]) -> dict[str, str]:
    """Return lines that are deleted by the same words that add them."""
    return {line: line for line in sorted(lines)}
