"""EC2 instances in a VPC, and containers behind their ports.

An instance is an interface's namespace with a bridge in it. A container in network mode bridge has
its own namespace on the bridge, so its localhost is its alone. A port of the instance is
forwarded to a container's; the instance's security groups filter it, as those of every interface.
Nothing else of the instance listens, and nothing answers at the address of instances' metadata.
"""

from __future__ import annotations

import ipaddress
import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.machine.processes import CommandFailedError
from localaws.vpc.routing import ANY_USER_LISTENS
from localaws.vpc.steps import Batch, Settings, Table, shell_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.vpc.attachments import Attachments
    from localaws.vpc.model import Interface
    from localaws.vpc.network import Launcher
    from localaws.vpc.steps import Step

_BRIDGE = "docker0"
_BRIDGE_NETWORK = ipaddress.IPv4Network("172.17.0.0/16")
"""Docker's own default, the same on every instance."""

_GATEWAY = str(_BRIDGE_NETWORK[1])
_FIRST_CONTAINER = 2
_INSIDE = "eth0"
_TABLE = "ip docker"


class NoSuchInstanceError(Exception):
    """An instance that isn't there, or not any more."""


@dataclass(frozen=True)
class BridgedContainer:
    """A container that is on an instance's bridge."""

    network: str
    """The name of its namespace."""

    address: str
    """On the bridge."""

    ports: Mapping[int, int]
    """Its ports, by the instance's ports that are forwarded to them."""


@dataclass
class _Instance:
    interface: Interface
    containers: dict[str, BridgedContainer] = field(default_factory=dict)

    def free_address(self) -> str:
        taken = {each.address for each in self.containers.values()}
        for number in itertools.count(_FIRST_CONTAINER):
            address = str(_BRIDGE_NETWORK[number])
            if address not in taken:
                return address
        raise AssertionError("unreachable")


class Instances:
    """The EC2 instances that run."""

    def __init__(self, launcher: Launcher, attachments: Attachments) -> None:
        """Start with none.

        Args:
            launcher: Runs what changes their namespaces.
            attachments: Attaches them to their subnets.
        """
        self._launcher = launcher
        self._attachments = attachments
        self._instances: dict[str, _Instance] = {}
        self._devices = itertools.count(1)

    async def boot(
        self,
        identifier: str,
        *,
        subnet: str,
        address: str,
        groups: Sequence[str],
        public: bool = False,
    ) -> Interface:
        """Attach an instance to its subnet, with a bridge for its containers.

        Args:
            identifier: Its id, which names its namespace.
            subnet: The id of its subnet.
            address: Its private address.
            groups: Ids of its security groups; none for the VPC's default one.
            public: Whether it gets a public address.

        Raises:
            NoAddressError: The subnet isn't there.
            CommandFailedError: The machine refuses; nothing is left of the instance.
        """
        interface = await self._attachments.attach(
            identifier, subnet=subnet, address=address, groups=groups, public=public
        )
        try:
            await self._execute(_bridge(identifier))
        except BaseException:
            await self._attachments.detach(interface)
            raise
        self._instances[identifier] = _Instance(interface)
        return interface

    async def terminate(self, identifier: str) -> None:
        """Remove an instance, and the networks of the containers on it."""
        instance = self._instances.pop(identifier, None)
        if instance is None:
            return
        for each in instance.containers.values():
            with suppress(CommandFailedError):
                await self._execute([_without(each.network)])
        await self._attachments.detach(instance.interface)

    def interface(self, identifier: str) -> Interface:
        """Return an instance's interface.

        Raises:
            NoSuchInstanceError: It isn't there.
        """
        return self._get(identifier).interface

    async def connect(
        self, identifier: str, network: str, ports: Mapping[int, int]
    ) -> BridgedContainer:
        """Make a container's namespace on an instance's bridge.

        Args:
            identifier: The instance.
            network: The name of the namespace.
            ports: The container's ports, by the instance's.

        Raises:
            NoSuchInstanceError: The instance isn't there.
            CommandFailedError: The machine refuses; nothing is left of the namespace.
        """
        instance = self._get(identifier)
        container = BridgedContainer(network, instance.free_address(), dict(ports))
        instance.containers[network] = container
        try:
            device = f"veth{next(self._devices)}"
            await self._execute(_connected(identifier, container, device))
        except BaseException:
            await self.disconnect(identifier, network)
            raise
        return container

    async def disconnect(self, identifier: str, network: str) -> None:
        """Remove a container's namespace; its ports are free again."""
        instance = self._instances.get(identifier)
        container = instance.containers.pop(network, None) if instance else None
        if container is None:
            return
        for step in (_forwarded("delete", identifier, container), _without(network)):
            with suppress(CommandFailedError):  # what wasn't made can't be removed
                await self._execute([step])

    def _get(self, identifier: str) -> _Instance:
        if identifier not in self._instances:
            raise NoSuchInstanceError(f"instance {identifier} doesn't run")
        return self._instances[identifier]

    async def _execute(self, steps: Sequence[Step]) -> None:
        await self._launcher.run(["sh", "-e"], feed=shell_script(steps))


def _bridge(instance: str) -> list[Step]:
    """Return how an instance gets its bridge, and a table that forwards its ports."""
    lines = (
        f"link add {_BRIDGE} address {_hardware_address(_GATEWAY)} type bridge",
        f"addr add {_GATEWAY}/{_BRIDGE_NETWORK.prefixlen} dev {_BRIDGE}",
        f"link set {_BRIDGE} up",
    )
    # Connections from the instance itself pass the output hook, which knows no priority by name.
    # What containers send has the instance's address, as only that one is in the VPC.
    script = f"""\
table {_TABLE} {{
map ports {{ type inet_service : ipv4_addr . inet_service; }}
chain arriving {{
type nat hook prerouting priority dstnat;
fib daddr type local dnat ip addr . port to tcp dport map @ports
}}
chain own {{
type nat hook output priority -100;
fib daddr type local dnat ip addr . port to tcp dport map @ports
}}
chain leaving {{
type nat hook postrouting priority srcnat;
ip saddr {_BRIDGE_NETWORK} oifname != "{_BRIDGE}" masquerade
}}
}}
"""
    return [
        Settings(instance, ("ipv4/ip_forward=1",)),
        Batch(instance, lines),
        Table(instance, script),
    ]


def _connected(instance: str, container: BridgedContainer, device: str) -> list[Step]:
    """Return how a container's namespace is made and connected to an instance's bridge."""
    network = container.network
    hardware = _hardware_address(container.address)
    outside = (
        f"link add {device} type veth peer name {_INSIDE} address {hardware} netns {network}",
        f"link set {device} master {_BRIDGE}",
        f"link set {device} up",
    )
    inside = (
        "link set lo up",
        f"addr add {container.address}/{_BRIDGE_NETWORK.prefixlen} dev {_INSIDE}",
        f"link set {_INSIDE} up",
        f"route add default via {_GATEWAY}",
    )
    return [
        Batch(None, (f"netns add {network}",)),
        Settings(network, (ANY_USER_LISTENS,)),
        Batch(instance, outside),
        Batch(network, inside),
        _forwarded("add", instance, container),
    ]


def _hardware_address(address: str) -> str:
    """Return the hardware address of an address on a bridge, the same each time, as Docker does.

    For half a minute, an instance and its containers send what is for an address to the hardware
    address that it had before. A bridge without its own would have its containers' lowest, another
    whenever such a container comes or goes.
    """
    return f"02:42:{ipaddress.IPv4Address(address).packed.hex(':')}"


def _forwarded(verb: str, instance: str, container: BridgedContainer) -> Table:
    """Return what forwards an instance's ports to a container, or does so no longer."""
    lines = []
    for host_port, port in container.ports.items():
        element = f"{host_port} : {container.address} . {port}"
        lines.append(f"{verb} element {_TABLE} ports {{ {element} }}\n")
    return Table(instance, "".join(lines))


def _without(network: str) -> Batch:
    return Batch(None, (f"netns delete {network}",))
