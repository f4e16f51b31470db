"""What connects a task's containers: its own interface, or an instance's bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from localaws.ec2.host_ports import HostPorts, NoHostPortError
from localaws.ecs.tasks.runtime import TaskStartError
from localaws.machine.addresses import NoAddressError
from localaws.machine.processes import CommandFailedError
from localaws.vpc.instances import NoSuchInstanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.ec2.fleet import Instance
    from localaws.ecs.tasks.runtime import ContainerSpec, TaskSpec
    from localaws.vpc.attachments import Attachments
    from localaws.vpc.instances import BridgedContainer, Instances
    from localaws.vpc.model import Interface


class TaskNetworking(Protocol):
    """How the containers of one task are connected."""

    @property
    def interface(self) -> Interface:
        """The interface that its packets leave by."""

    @property
    def host_ports(self) -> Mapping[tuple[str, int], int]:
        """The instance's ports by container and its port, on an instance."""

    def namespace(self, container: ContainerSpec) -> str:
        """Return the name of a container's network namespace."""

    def host(self, container: ContainerSpec) -> tuple[str, str]:
        """Return a container's host name, and its address there."""

    async def release(self) -> None:
        """Release what connected them."""


@dataclass(frozen=True)
class OwnInterface:
    """A network interface for the task (`awsvpc`): its containers share its namespace."""

    interface: Interface
    hostname: str
    attachments: Attachments

    @property
    def host_ports(self) -> Mapping[tuple[str, int], int]:
        """Return none: containers listen at the task's own address."""
        return {}

    def namespace(self, container: ContainerSpec) -> str:  # noqa: ARG002 — that of all
        """Return the interface's namespace."""
        return self.interface.id

    def host(self, container: ContainerSpec) -> tuple[str, str]:  # noqa: ARG002 — that of all
        """Return the task's host name and address."""
        return self.hostname, self.interface.address

    async def release(self) -> None:
        """Detach the interface."""
        await self.attachments.detach(self.interface)


@dataclass(frozen=True)
class OnBridge:
    """An instance's bridge: each container has its own namespace, and ports of the instance."""

    interface: Interface
    host_ports: Mapping[tuple[str, int], int]
    containers: Mapping[str, BridgedContainer]
    bridges: Bridges

    def namespace(self, container: ContainerSpec) -> str:
        """Return the container's own namespace."""
        return self.containers[container.name].network

    def host(self, container: ContainerSpec) -> tuple[str, str]:
        """Return the container's own name and address."""
        return container.hostname, self.containers[container.name].address

    async def release(self) -> None:
        """Remove the containers' namespaces, and free their ports."""
        await self.bridges.disconnect(self)


class Bridges:
    """The instances' bridges, and which of their ports are taken."""

    def __init__(self, instances: Instances) -> None:
        """Start with no instance that runs.

        Args:
            instances: Makes their networks.
        """
        self._instances = instances
        self._ports: dict[str, HostPorts] = {}

    async def boot(self, instance: Instance) -> None:
        """Start an instance.

        Raises:
            NoAddressError: Its subnet isn't there.
            CommandFailedError: The machine refuses.
        """
        template = instance.template
        await self._instances.boot(
            instance.id,
            subnet=instance.subnet,
            address=instance.address,
            groups=template.security_groups,
            public=template.public,
        )
        first, last = template.ports
        self._ports[instance.id] = HostPorts(first, last)

    async def terminate(self, instance: Instance) -> None:
        """End an instance, whose tasks have ended."""
        self._ports.pop(instance.id, None)
        await self._instances.terminate(instance.id)

    async def connect(self, spec: TaskSpec) -> OnBridge:
        """Connect a task's containers to its instance's bridge.

        Raises:
            TaskStartError: The instance has no free port, or isn't there.
        """
        assigned: dict[tuple[str, int], int] = {}
        connected: dict[str, BridgedContainer] = {}
        try:
            interface = self._instances.interface(spec.instance)
            network = OnBridge(interface, assigned, connected, self)
            for number, each in enumerate(spec.containers):
                ports = self._assign(spec.instance, each, assigned)
                namespace = f"{spec.id}-{number}"
                connected[each.name] = await self._instances.connect(
                    spec.instance, namespace, ports
                )
        except (NoSuchInstanceError, NoHostPortError, NoAddressError, CommandFailedError) as error:
            await self._undo(spec.instance, assigned, connected)
            raise TaskStartError(f"CannotStartContainerError: {error}") from None
        except BaseException:
            await self._undo(spec.instance, assigned, connected)
            raise
        return network

    async def disconnect(self, task: OnBridge) -> None:
        """Remove what `connect` made."""
        await self._undo(task.interface.id, task.host_ports, task.containers)

    async def _undo(
        self,
        instance: str,
        assigned: Mapping[tuple[str, int], int],
        connected: Mapping[str, BridgedContainer],
    ) -> None:
        for each in connected.values():
            await self._instances.disconnect(instance, each.network)
        ports = self._ports.get(instance)
        if ports is not None:
            for host_port in assigned.values():
                ports.release(host_port)

    def _assign(
        self, instance: str, container: ContainerSpec, assigned: dict[tuple[str, int], int]
    ) -> dict[int, int]:
        """Return a container's ports by the instance's that it gets for them.

        Each is added to `assigned` at once: if a later one fails, the earlier ones are freed.
        """
        ports = self._ports[instance]
        found = {}
        for port, host_port in container.host_ports.items():
            if host_port:
                ports.take(host_port)
            else:
                host_port = ports.assign()  # noqa: PLW2901 — the definition leaves it open
            assigned[container.name, port] = host_port
            found[host_port] = port
        return found
