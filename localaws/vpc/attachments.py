"""Interfaces of what runs in a VPC, load balancers and tasks, and their public addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import SUBNET, VPC
from localaws.machine.addresses import NoAddressError, no_such_subnet
from localaws.vpc.model import Interface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localaws.catalog.account import Account
    from localaws.machine.addresses import ListenAddress
    from localaws.vpc.host_ports import HostPorts
    from localaws.vpc.network import Network

_PUBLIC_NETWORK = ipaddress.IPv4Network("203.0.113.0/25")
"""Reserved for documentation (RFC 5737), so it is nothing's real address. Elastic IPs are of the
other half of it.
"""


_SHOWN_PORTS = (22, 80, 443, 3389, 8080)
"""Ports of a public address that this machine sees even if nothing is to listen there."""


class Attachments:
    """Attaches interfaces to a network, and shows their public addresses on this machine."""

    def __init__(
        self,
        network: Network,
        host_ports: HostPorts,
        cloud: Account,
        changed: Callable[[], None],
    ) -> None:
        """Start with none.

        Args:
            network: What to attach to.
            host_ports: What shows public addresses.
            cloud: Where subnets and default security groups are.
            changed: Called when there is something more to show.
        """
        self._network = network
        self._host_ports = host_ports
        self._cloud = cloud
        self._changed = changed
        self._public: dict[str, str] = {}
        """The public address of each interface that has one."""

        self._attached: set[str] = set()
        self._needed: set[tuple[str, int]] = set()
        """Public addresses and ports at which something listens, of what is shown."""

    async def attach(
        self,
        identifier: str,
        *,
        subnet: str,
        address: str,
        groups: Sequence[str],
        public: bool = False,
        ipv6: bool = False,
        network: str = "",
        filtered: bool = True,
    ) -> Interface:
        """Attach an interface, or change the groups of one that is attached.

        Args:
            identifier: Its id, and the name of its namespace if it has one to itself.
            subnet: The id of its subnet.
            address: Its private address.
            groups: Ids of its security groups; none for the VPC's default one.
            public: Whether it gets a public address.
            ipv6: Whether it gets an IPv6 address, if its subnet has any.
            network: The namespace that it shares with others of its VPC.
            filtered: Whether its groups decide what it sends and receives.

        Raises:
            NoAddressError: The subnet isn't there, or no public address is free.
        """
        found = self._cloud.get(SUBNET, subnet)
        vpc = self._cloud.get(VPC, found.outputs.get("vpcId")) if found else None
        if found is None or vpc is None:
            raise no_such_subnet(subnet)
        block = str(found.outputs.get("ipv6CidrBlock") or "") if ipv6 else ""
        interface = Interface(
            id=identifier,
            vpc=vpc.id,
            subnet=subnet,
            address=address,
            ipv6=_counterpart(address, block) if block else "",
            groups=frozenset(groups or [str(vpc.outputs.get("defaultSecurityGroupId"))]),
            public_address=self._public_address(identifier) if public else "",
            filtered=filtered,
        )
        is_new = identifier not in self._attached
        try:
            await self._network.attach(interface, network)
        except BaseException:  # a cancelled start leaves nothing either
            if is_new:
                await self.detach(interface)
            raise
        self._attached.add(identifier)
        return interface

    def show(self, interface: Interface, ports: Sequence[int], on: ListenAddress) -> None:
        """Show ports of an interface's public address at an address of this machine.

        Others are shown too that people try, such as those of SSH and remote desktops.
        """
        shown: dict[int, int] = {}
        for port in (*ports, *_SHOWN_PORTS):
            shown.setdefault(on.port(port), port)  # two may be shown at the same one
        for port in ports:
            self._needed.add((interface.public_address, port))
        self._host_ports.show(interface.public_address, shown.values(), on)
        self._changed()

    async def replace(self, interface: Interface, other: Interface) -> None:
        """Show another interface's public address where that of *interface* is shown."""
        address, successor = interface.public_address, other.public_address
        if not address or not successor:
            return
        for shown, port in list(self._needed):
            if shown == address:
                self._needed.add((successor, port))
        await self._host_ports.move(address, successor)
        self._changed()

    @property
    def problems(self) -> list[str]:
        """The ports with listeners that can't be shown, and why."""
        found = []
        for (address, port), why in self._host_ports.problems.items():
            if (address, port) in self._needed:
                found.append(f"port {port} of {address} {why}")
        return found

    def why_not_shown(self, public_address: str, port: int) -> str:
        """Return why this machine can't show a port; empty if it can."""
        return self._host_ports.problems.get((public_address, port), "")

    async def detach(self, interface: Interface) -> None:
        """Remove an interface, and free its public address."""
        if interface.public_address:
            await self._host_ports.hide(interface.public_address)
            for address, port in list(self._needed):
                if address == interface.public_address:
                    self._needed.discard((address, port))
        await self._network.detach(interface)
        self._attached.discard(interface.id)
        self._public.pop(interface.id, None)

    def _public_address(self, identifier: str) -> str:
        if identifier in self._public:
            return self._public[identifier]
        taken = set(self._public.values())
        for candidate in map(str, _PUBLIC_NETWORK.hosts()):
            if candidate not in taken:
                self._public[identifier] = candidate
                return candidate
        raise NoAddressError(f"no address of {_PUBLIC_NETWORK} is free; delete something")


def _counterpart(address: str, block: str) -> str:
    """Return the IPv6 address of a subnet that ends as an IPv4 address does."""
    return str(ipaddress.IPv6Network(block)[int(ipaddress.IPv4Address(address)) & 0xFFFF])
