"""Load balancers in a VPC: each has an address in each of its subnets, and perhaps public ones."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localaws.alb.edge import Front
from localaws.alb.health_probe import TIMEOUT, status_in
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.elb.load_balancers import subnets_of
from localaws.catalog.values import texts
from localaws.machine.addresses import NoAddressError, no_such_subnet
from localaws.machine.processes import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext

    from localaws.alb.model import Listener
    from localaws.catalog.account import Account, Resource
    from localaws.machine.addresses import Addresses, ListenAddress, SubnetAddresses
    from localaws.vpc.attachments import Attachments
    from localaws.vpc.model import Interface
    from localaws.vpc.network import Network


_LAST_SECONDS = 5
"""How long an interface is kept in a subnet that a load balancer has left: requests are on their
way to it, and answers to connections that the proxy opened from there.
"""


def namespace_of(vpc: str) -> str:
    """Return the network namespace of a VPC's load balancers, which share a proxy."""
    return f"alb-{vpc}"


@dataclass(frozen=True)
class _Leaving:
    """An interface in a subnet that its load balancer has left."""

    interface: Interface
    until: float
    """When it is detached, by the clock."""

    was_first: bool
    """Whether clients find the load balancer by where this one's public address is shown."""


class VpcEdge:
    """Attaches load balancers to their subnets, see `Edge`."""

    def __init__(
        self,
        cloud: Account,
        network: Network,
        attachments: Attachments,
        subnet_addresses: SubnetAddresses,
        addresses: Addresses,
        *,
        resolve: Callable[[str, str], Sequence[str]] = lambda _vpc, _name: (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with no load balancer.

        Args:
            cloud: Where their subnets are.
            network: What they are attached to.
            attachments: Attaches them.
            subnet_addresses: Where they get their private addresses.
            addresses: Where this machine shows their public addresses.
            resolve: Finds the addresses of a name that a VPC sees.
            clock: Seconds since some point in time.
        """
        self._cloud = cloud
        self._network = network
        self._attachments = attachments
        self._subnet_addresses = subnet_addresses
        self._addresses = addresses
        self._resolve = resolve
        self._interfaces: dict[str, dict[str, Interface]] = {}
        """By load balancer and subnet."""

        self._leaving: dict[str, dict[str, _Leaving]] = {}
        """By load balancer and subnet."""

        self._clock = clock

    async def follow(self, load_balancers: Sequence[Resource]) -> Mapping[str, str]:
        """Attach new or changed load balancers; `release` detaches what is no longer needed.

        The proxy still accepts connections at the old addresses, and connects to targets from them.
        They are detached once it has its next configuration, or requests would be lost. A load
        balancer that can't be attached to one of its subnets leaves none.
        """
        wanted: dict[str, list[str]] = {}
        problems: dict[str, str] = {}
        for load_balancer in load_balancers:
            wanted[load_balancer.id] = subnets_of(load_balancer.outputs)
            for subnet in wanted[load_balancer.id]:
                try:
                    await self._attach(load_balancer, subnet)
                except (NoAddressError, CommandFailedError) as error:
                    problems[load_balancer.id] = str(error)
        for balancer in list(self._interfaces):
            if balancer not in problems:
                # A load balancer that was deleted has no requests left.
                seconds = _LAST_SECONDS if balancer in wanted else 0
                self._leave_others(balancer, wanted.get(balancer, []), self._clock() + seconds)
        return problems

    def _leave_others(self, balancer: str, stays: Sequence[str], until: float) -> None:
        """Note that a load balancer leaves all of its subnets but those in which it stays."""
        interfaces = self._interfaces[balancer]
        for number, (subnet, interface) in enumerate(list(interfaces.items())):
            if subnet not in stays:
                del interfaces[subnet]
                leaving = self._leaving.setdefault(balancer, {})
                leaving[subnet] = _Leaving(interface, until, was_first=number == 0)
        if not interfaces:
            del self._interfaces[balancer]

    async def release(self) -> bool:
        """Detach the interfaces that were left long enough ago.

        Raises:
            CommandFailedError: The machine refuses.
        """
        changed = False
        for balancer, leaving in list(self._leaving.items()):
            for subnet, each in list(leaving.items()):
                if balancer in self._interfaces and self._clock() < each.until:
                    continue
                await self._attachments.detach(each.interface)
                self._subnet_addresses.release(subnet, each.interface.address)
                del leaving[subnet]
                changed = True
            if not leaving:
                del self._leaving[balancer]
        return changed

    def front(self, load_balancer: Resource) -> Front:
        """Return a load balancer's addresses in its subnets."""
        interfaces = self.interfaces(load_balancer.id)
        leaving = [each.interface for each in self._leaving.get(load_balancer.id, {}).values()]
        vpc = interfaces[0].vpc if interfaces else ""
        return Front(vpc, _addresses(interfaces), _addresses(leaving))

    def interfaces(self, load_balancer: str) -> list[Interface]:
        """Return the interfaces of a load balancer, by its ARN."""
        return list(self._interfaces.get(load_balancer, {}).values())

    def why_not_shown(self, listener: Listener) -> str:
        """Return why this machine can't show a listener, such as that its port is taken."""
        for each in self.interfaces(listener.load_balancer):
            why_not = self._attachments.why_not_shown(each.public_address, listener.port)
            if why_not:
                return why_not
        return ""

    def outside(self, load_balancer: Resource) -> dict[str, str]:
        """Return its public addresses that are shown, and where this machine shows each."""
        found: dict[str, str] = {}
        for each in self.interfaces(load_balancer.id):
            if each.public_address:
                with suppress(NoAddressError):  # it isn't shown
                    found[each.public_address] = self._shown(load_balancer.id, each).dns_name
        return found

    async def show(self, listeners: Sequence[Listener]) -> None:
        """Show the ports of public addresses, which the proxy has opened.

        Raises:
            NoAddressError: This machine has no address left for some; the others are shown.
        """
        problem: NoAddressError | None = None
        ports: dict[str, list[int]] = {}
        for each in listeners:
            ports.setdefault(each.load_balancer, []).append(each.port)
        for balancer, numbers in ports.items():
            await self._keep_first_shown(balancer)
            for interface in self._interfaces.get(balancer, {}).values():
                if interface.public_address:
                    try:
                        shown = self._shown(balancer, interface)
                    except NoAddressError as error:
                        problem = error
                        continue
                    self._attachments.show(interface, numbers, shown)
        if problem is not None:
            raise problem

    async def _keep_first_shown(self, balancer: str) -> None:
        """Show a load balancer's new first address where the one that leaves was shown.

        Clients know the load balancer by where its first address is shown.
        """
        leaving = self._leaving.get(balancer, {})
        for subnet, each in leaving.items():
            if each.was_first:
                await self._attachments.replace(each.interface, self.interfaces(balancer)[0])
                leaving[subnet] = replace(each, was_first=False)

    async def connect(
        self, front: Front, host: str, port: int, tls: SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from where the load balancer is; names are those that its VPC resolves."""
        addresses = [host] if _is_address(host) else self._resolve(front.network, host)
        if not addresses:
            raise OSError(f"the local VPC knows no name {host}")
        opened = await self._network.open_connection(
            namespace_of(front.network), addresses[0], port
        )
        return await asyncio.open_connection(sock=opened, ssl=tls, server_hostname=host)

    async def status_of(
        self,
        front: Front,
        address: str,
        port: int,
        path: str,
        *,
        version: str = "HTTP1",
        time_limit: float = TIMEOUT,
    ) -> int | None:
        """Connect from where the load balancer is, never from this machine's own network."""
        opening = self._open(front, address, port)
        return await status_in(version, opening, f"{address}:{port}", path, time_limit=time_limit)

    async def _open(
        self, front: Front, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        opened = await self._network.open_connection(namespace_of(front.network), address, port)
        return await asyncio.open_connection(sock=opened)

    def _shown(self, balancer: str, interface: Interface) -> ListenAddress:
        """Return where an interface's public address is shown: the first has the DNS name."""
        is_first = interface is self.interfaces(balancer)[0]
        return self._addresses.load_balancer(balancer, "" if is_first else interface.subnet)

    async def _attach(self, load_balancer: Resource, subnet: str) -> None:
        outputs = load_balancer.outputs
        interfaces = self._interfaces.setdefault(load_balancer.id, {})
        found = self._cloud.get(SUBNET, subnet)
        if found is None:
            raise no_such_subnet(subnet)
        came_back = self._leaving.get(load_balancer.id, {}).pop(subnet, None)
        if came_back is not None:
            interfaces[subnet] = came_back.interface
        there = interfaces.get(subnet)
        if there is None:
            address = self._subnet_addresses.take(subnet, str(found.outputs.get("cidrBlock")))
        else:
            address = there.address
        vpc = str(found.outputs.get("vpcId"))
        try:
            interfaces[subnet] = await self._attachments.attach(
                f"{load_balancer.id.rpartition('/')[2]}-{subnet}",
                subnet=subnet,
                address=address,
                groups=texts(outputs.get("securityGroups")),
                public=outputs.get("internal") is not True,
                ipv6="dualstack" in str(outputs.get("ipAddressType")),
                network=namespace_of(vpc),
            )
        finally:
            if subnet not in interfaces:
                self._subnet_addresses.release(subnet, address)


def _addresses(interfaces: Sequence[Interface]) -> tuple[str, ...]:
    """Return the addresses of interfaces, IPv4 first."""
    ipv4 = [each.address for each in interfaces]
    ipv6 = [each.ipv6 for each in interfaces if each.ipv6]
    return (*ipv4, *ipv6)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
