"""Load balancers in a VPC: each has an address in each of its subnets, and perhaps public ones."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

from localaws.alb.edge import Front
from localaws.alb.health_probe import PATIENCE, status_in
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.values import blocks, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from localaws.alb.model import Listener
    from localaws.catalog.account import Account, Resource
    from localaws.machine.addresses import Addresses, ListenAddress, SubnetAddresses
    from localaws.vpc.attachments import Attachments
    from localaws.vpc.model import Interface
    from localaws.vpc.network import Network


def namespace_of(vpc: str) -> str:
    """The network namespace of a VPC's load balancers, which share a proxy."""
    return f"alb-{vpc}"


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
    ) -> None:
        """Start with no load balancer.

        Args:
            cloud: Where their subnets are.
            network: What they are attached to.
            attachments: Attaches them.
            subnet_addresses: Where they get their private addresses.
            addresses: Where this machine shows their public addresses.
            resolve: Finds the addresses of a name that a VPC sees.
        """
        self._cloud = cloud
        self._network = network
        self._attachments = attachments
        self._subnet_addresses = subnet_addresses
        self._addresses = addresses
        self._resolve = resolve
        self._interfaces: dict[str, dict[str, Interface]] = {}
        """By load balancer and subnet."""

    async def follow(self, load_balancers: Sequence[Resource]) -> None:
        """Attach what has come or changed, and detach what has gone.

        Raises:
            NoAddressError: A subnet is full, or no public address is free.
            CommandFailedError: The machine refuses.
        """
        wanted = {each.id: _subnets(each) for each in load_balancers}
        for load_balancer in load_balancers:
            for subnet in wanted[load_balancer.id]:
                await self._attach(load_balancer, subnet)
        # What goes is last, so that a namespace that is still needed is never empty.
        for balancer, interfaces in list(self._interfaces.items()):
            gone = interfaces.keys() - set(wanted.get(balancer, ()))
            first = next(iter(interfaces))
            left = [each for subnet, each in interfaces.items() if subnet not in gone]
            if first in gone and left:
                # Clients know the load balancer by where its first address is shown.
                await self._attachments.replace(interfaces[first], left[0])
            for subnet in gone:
                interface = interfaces.pop(subnet)
                await self._attachments.detach(interface)
                self._subnet_addresses.release(subnet, interface.address)
            if not interfaces:
                del self._interfaces[balancer]

    def front(self, load_balancer: Resource) -> Front:
        """The addresses in its subnets."""
        interfaces = list(self._interfaces.get(load_balancer.id, {}).values())
        addresses = [each.address for each in interfaces]
        addresses += [each.ipv6 for each in interfaces if each.ipv6]
        return Front(interfaces[0].vpc if interfaces else "", tuple(addresses))

    def interfaces(self, load_balancer: str) -> list[Interface]:
        """The interfaces of a load balancer, by its ARN."""
        return [*self._interfaces.get(load_balancer, {}).values()]

    def why_not_shown(self, listener: Listener) -> str:
        """Whether something else holds the port of this machine at which it is to be shown."""
        for each in self.interfaces(listener.load_balancer):
            if why := self._attachments.why_not_shown(each.public_address, listener.port):
                return why
        return ""

    def outside(self, load_balancer: Resource) -> dict[str, str]:
        """The public address of each of its interfaces, and where this machine shows it."""
        return {
            each.public_address: self._shown(load_balancer.id, each).dns_name
            for each in self.interfaces(load_balancer.id)
            if each.public_address
        }

    async def show(self, listeners: Sequence[Listener]) -> None:
        """Show the ports of public addresses."""
        ports: dict[str, list[int]] = {}
        for each in listeners:
            ports.setdefault(each.load_balancer, []).append(each.port)
        for balancer, numbers in ports.items():
            for interface in self._interfaces.get(balancer, {}).values():
                if interface.public_address:
                    shown = self._shown(balancer, interface)
                    self._attachments.show(interface, numbers, shown)

    async def connect(
        self, front: Front, host: str, port: int, tls: SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from where the load balancer is, to what its VPC's names say."""
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
        patience: float = PATIENCE,
    ) -> int | None:
        """Connect from where the load balancer is, never from this machine's own network."""
        opening = self._open(front, address, port)
        return await status_in(version, opening, f"{address}:{port}", path, patience=patience)

    async def _open(
        self, front: Front, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        opened = await self._network.open_connection(namespace_of(front.network), address, port)
        return await asyncio.open_connection(sock=opened)

    def _shown(self, balancer: str, interface: Interface) -> ListenAddress:
        """Return where an interface's public address is shown: that of the first has the name."""
        first = self.interfaces(balancer)[0]
        return self._addresses.load_balancer(
            balancer, "" if interface is first else interface.subnet
        )

    async def _attach(self, load_balancer: Resource, subnet: str) -> None:
        outputs = load_balancer.outputs
        interfaces = self._interfaces.setdefault(load_balancer.id, {})
        found = self._cloud.get(SUBNET, subnet)
        there = interfaces.get(subnet)
        if there is None:
            block = str(found.outputs.get("cidrBlock")) if found else ""
            address = self._subnet_addresses.take(subnet, block)
        else:
            address = there.address
        vpc = str(found.outputs.get("vpcId")) if found else ""
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


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _subnets(load_balancer: Resource) -> list[str]:
    outputs = load_balancer.outputs
    mapped = [str(each.get("subnetId")) for each in blocks(outputs.get("subnetMappings"))]
    return list(dict.fromkeys([*texts(outputs.get("subnets")), *mapped]))
