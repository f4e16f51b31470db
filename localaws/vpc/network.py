"""Keeps the machine's network namespaces as the cloud's records say. The only module that does.

It runs `ip` and `nft` behind the launcher, and only for what has changed since.
"""

from __future__ import annotations

import asyncio
import shlex
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from localaws.catalog.ec2.vpc_endpoints import GATEWAY_SERVICES
from localaws.vpc import firewall, routing
from localaws.vpc.desired import desired
from localaws.vpc.firewall import Attached
from localaws.vpc.model import Interface, Model, NatGateway, Subnet, Vpc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localaws.catalog.account import Account
    from localaws.vpc.routing import Batch

INTERNET: Final = None
"""The namespace to connect from as a host in the internet does."""

OPEN, REFUSED, TIMED_OUT = "open", "refused", "timed out"
"""How an attempt to connect ends; anything else is the kernel's own words."""


class Launcher(Protocol):
    """What this module needs of `localaws.machine.processes.Launcher`."""

    async def run(self, argv: Sequence[str], *, feed: str = "", network: str | None = None) -> str:
        """Run a program to its end; return what it printed."""

    async def open_socket(
        self,
        network: str | None,
        *,
        family: int,
        type: int,  # noqa: A002 — the socket module's name
        bind: tuple[str, int] | None = None,
        listen: int = 0,
    ) -> socket.socket:
        """Open a socket that stays in a namespace."""


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
            filtered=identifier not in self.nat_gateways,
            public_address=interface.public_address,
        )

    def public_addresses(self) -> list[str]:
        found = []
        for identifier, namespace in self.namespaces.items():
            public = namespace.interfaces[identifier].public_address
            if public:
                found.append(public)
        return found


class Network:
    """The VPCs of an account, made of network namespaces behind a launcher."""

    def __init__(self, launcher: Launcher, cloud: Account) -> None:
        self._launcher = launcher
        self._cloud = cloud
        self._lock = asyncio.Lock()
        self._routers: dict[str, _Router] = {}
        self._internet: dict[str, str] = {}
        self._last_number = 0
        self._last_device = 0
        self.not_enforced: tuple[str, ...] = ()
        """What the cloud holds and no packet meets, as sentences."""

    async def start(self) -> None:
        """Set up the internet, then everything that the cloud holds."""
        services = [network for each in GATEWAY_SERVICES.values() for network in each]
        await self._apply(routing.internet(services))
        await self.follow()

    async def follow(self) -> None:
        """Make the network what the cloud says now; only what differs is touched."""
        async with self._lock:
            await self._follow(desired(self._cloud))

    async def attach(self, interface: Interface, network: str = "") -> str:
        """Add an interface, or change the groups and the public address of one that is there.

        Args:
            interface: The interface.
            network: The namespace that it shares with others of its VPC; by default it gets one.

        Returns:
            The name of its namespace.

        Raises:
            KeyError: The cloud has no such VPC or subnet.
        """
        async with self._lock:
            router = self._routers.get(interface.vpc)
            if router is None or interface.subnet not in router.subnets:
                await self._follow(desired(self._cloud))
                router = self._routers[interface.vpc]
            namespace = await self._add(router, interface, network or interface.id)
            await self._route_internet()
            return namespace.name

    async def detach(self, interface: Interface) -> None:
        """Remove an interface; its namespace goes with the last one."""
        async with self._lock:
            router = self._routers.get(interface.vpc)
            if router is not None and interface.id in router.namespaces:
                await self._remove(router, interface.id)
                await self._route_internet()

    async def connect(
        self,
        from_network: str | None,
        address: str,
        port: int,
        timeout: float,  # noqa: ASYNC109
    ) -> str:
        """Return how an attempt to connect ends: OPEN, REFUSED, TIMED_OUT or the kernel's words.

        Args:
            from_network: The namespace to connect from; INTERNET for a host in the internet.
            address: Where to, IPv4 or IPv6.
            port: A TCP port.
            timeout: How many seconds to wait.
        """
        try:
            async with asyncio.timeout(timeout):
                (await self.open_connection(from_network, address, port)).close()
        except TimeoutError:
            return TIMED_OUT
        except ConnectionRefusedError:
            return REFUSED
        except OSError as error:
            return error.strerror or str(error)
        return OPEN

    async def open_connection(
        self, from_network: str | None, address: str, port: int
    ) -> socket.socket:
        """Connect from a namespace, which is the only way to a VPC's addresses.

        Raises:
            OSError: The connection failed.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = await self._launcher.open_socket(
            from_network, family=family, type=socket.SOCK_STREAM
        )
        try:
            await asyncio.get_running_loop().sock_connect(opened, (address, port))
        except BaseException:
            opened.close()
            raise
        return opened

    async def _follow(self, model: Model) -> None:
        self.not_enforced = model.not_enforced
        there = {each.id: each for each in model.vpcs}
        for identifier in [each for each in self._routers if each not in there]:
            await self._delete(self._routers.pop(identifier))
        for vpc in model.vpcs:
            if vpc.id not in self._routers:
                self._routers[vpc.id] = await self._create(vpc)
            await self._update(self._routers[vpc.id], vpc)
        await self._route_internet()

    async def _create(self, vpc: Vpc) -> _Router:
        self._last_number += 1
        for batch in routing.create_vpc(vpc, self._last_number):
            await self._apply(batch)
        return _Router(self._last_number, vpc)

    async def _delete(self, router: _Router) -> None:
        names = {each.name for each in router.namespaces.values()}
        for name in (*sorted(names), router.name):
            await self._apply(routing.delete_network(name))

    async def _update(self, router: _Router, vpc: Vpc) -> None:
        router.vpc = vpc
        for subnet in vpc.subnets:
            router.ranges[subnet.id] = subnet
            if subnet.id not in router.subnets:
                router.subnets[subnet.id] = max(router.subnets.values(), default=0) + 1
        await self._replace_table(router)
        await self._follow_service_interfaces(router)
        await self._route(router)

    async def _replace_table(self, router: _Router) -> None:
        rules = firewall.table(router.vpc, router.number, ())
        if rules != router.table:
            attached = [router.attached(each) for each in router.namespaces]
            script = firewall.table(router.vpc, router.number, attached)
            await self._nft(router.name, script)
            router.table = rules

    async def _follow_service_interfaces(self, router: _Router) -> None:
        """Attach the interfaces of NAT gateways and endpoints, which AWS itself makes."""
        vpc = router.vpc
        gateways = {each.id: each for each in vpc.nat_gateways}
        wanted = {each.id: each for each in vpc.endpoints}
        for each in vpc.nat_gateways:
            wanted[each.id] = Interface(
                each.id, vpc.id, each.subnet, each.address, public_address=each.public_address
            )
        for identifier in [each for each in router.service_interfaces if each not in wanted]:
            await self._remove(router, identifier)
        router.nat_gateways = gateways
        for identifier, interface in wanted.items():
            if router.interface(identifier) == interface:
                continue
            namespace = await self._add(router, interface, identifier)
            router.service_interfaces.add(identifier)
            if identifier in gateways:
                await self._apply(routing.forward_for_others(namespace.name))
                await self._nft(namespace.name, firewall.nat_table(interface.address))

    async def _route(self, router: _Router) -> None:
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
        await self._apply(routing.Batch(router.name, tuple(lines)))
        of_ipv6 = tuple(line for line in of_rules if _is_ipv6(line))
        await self._apply(routing.Batch(router.name, of_ipv6, ipv6=True))
        router.routes, router.rules, router.addresses = routes, after_rules, after_addresses

    async def _route_internet(self) -> None:
        routes: dict[str, str] = {}
        for router in self._routers.values():
            public = router.public_addresses()
            routes |= routing.routes_of_internet(router.vpc, router.number, public)
        lines = routing.changes("route", self._internet, routes, add="replace")
        await self._apply(routing.Batch(None, tuple(lines)))
        self._internet = routes

    async def _add(self, router: _Router, interface: Interface, name: str) -> _Namespace:
        there = router.interface(interface.id)
        if there is not None and there.addresses == interface.addresses:
            return await self._change(router, interface)
        if there is not None:
            await self._remove(router, there.id)
        namespace = self._namespace(router, name)
        if namespace is None:
            namespace = await self._create_namespace(router, name)
        subnet = router.ranges[interface.subnet]
        for batch in routing.add_interface(
            interface, subnet, namespace.name, namespace.device, router.number
        ):
            await self._apply(batch)
        namespace.interfaces[interface.id] = interface
        router.namespaces[interface.id] = namespace
        await self._nft(router.name, self._elements(router, interface.id, "add"))
        return namespace

    async def _change(self, router: _Router, interface: Interface) -> _Namespace:
        """Change an interface's groups and public address, in one step."""
        namespace = router.namespaces[interface.id]
        if namespace.interfaces[interface.id] != interface:
            script = self._elements(router, interface.id, "delete")
            namespace.interfaces[interface.id] = interface
            script += self._elements(router, interface.id, "add")
            await self._nft(router.name, script)
        return namespace

    async def _remove(self, router: _Router, identifier: str) -> None:
        await self._nft(router.name, self._elements(router, identifier, "delete"))
        namespace = router.namespaces.pop(identifier)
        interface = namespace.interfaces.pop(identifier)
        router.service_interfaces.discard(identifier)
        if not namespace.interfaces:
            await self._apply(routing.delete_network(namespace.name))
            return
        subnet = router.ranges[interface.subnet]
        for batch in routing.remove_interface(
            interface, subnet, namespace.name, namespace.device, router.number
        ):
            await self._apply(batch)

    def _namespace(self, router: _Router, name: str) -> _Namespace | None:
        for each in router.namespaces.values():
            if each.name == name:
                return each
        return None

    async def _create_namespace(self, router: _Router, name: str) -> _Namespace:
        self._last_device += 1
        device = f"eni{self._last_device}"
        for batch in routing.create_interface_network(name, device, router.number):
            await self._apply(batch)
        return _Namespace(name, device)

    def _elements(self, router: _Router, identifier: str, verb: str) -> str:
        groups = {each.id for each in router.vpc.groups}
        lines = firewall.elements(verb, router.attached(identifier), groups)
        return "".join(f"{line}\n" for line in lines)

    async def _nft(self, network: str, script: str) -> None:
        await self._launcher.run(["nft", "-f", "-"], feed=script, network=network)

    async def _apply(self, batch: Batch) -> None:
        if not (batch.lines or batch.settings):
            return
        argv = ["ip", *(["-6"] if batch.ipv6 else []), "-batch", "-"]
        if batch.settings:
            script = "".join(f"{_setting(each)}; " for each in batch.settings)
            argv = ["sh", "-ec", f"{script}exec {shlex.join(argv)}"]
        feed = "".join(f"{line}\n" for line in batch.lines)
        await self._launcher.run(argv, feed=feed, network=batch.network)


def _setting(assignment: str) -> str:
    """Return the shell command that sets one of the kernel's network settings."""
    name, _, value = assignment.partition("=")
    file = shlex.quote(f"/proc/sys/net/{name}")
    return f"echo {shlex.quote(value)} > {file}"


def _is_ipv6(line: str) -> bool:
    """Return whether a line is about IPv6 addresses: nothing else in `ip`'s words has colons."""
    return ":" in line


def _by_itself(lines: Iterable[str]) -> dict[str, str]:
    """Return lines that are deleted by the same words that add them."""
    return {line: line for line in sorted(lines)}
