"""The runtime `container`: a task's images run in namespaces, on an interface in its subnet."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from functools import partial
from posixpath import normpath
from typing import TYPE_CHECKING, Protocol

from localaws.ecs import firelens
from localaws.ecs.tasks.log_forwarder import LogForwarder
from localaws.ecs.tasks.runtime import PublicAddress, TaskStartError
from localaws.ecs.tasks.supervisor import Sandbox
from localaws.ecs.tasks.task_metadata import describe
from localaws.ecs.tasks.task_network import OwnInterface
from localaws.images.config import NoCommandError, merge
from localaws.images.errors import CannotPullError
from localaws.machine.addresses import ListenAddress, NoAddressError
from localaws.machine.cgroups import Limits, NoControlGroupsError
from localaws.machine.container import DEFAULT_CAPABILITIES, Container, Ulimit
from localaws.machine.processes import CannotStartError, CommandFailedError
from localaws.machine.root_file_system import Mount, TemporaryFolder, temporary_folder_options
from localaws.vpc.routing import RESOLVER_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localaws.catalog.account import Account
    from localaws.ecs.tasks.runtime import Command, ContainerSpec, RoutedLogs, TaskSpec
    from localaws.ecs.tasks.runtime import Ulimit as UlimitSpec
    from localaws.ecs.tasks.task_network import Bridges, TaskNetworking
    from localaws.images.puller import Image
    from localaws.machine.addresses import Addresses
    from localaws.machine.cgroups import ControlGroup, ControlGroups
    from localaws.machine.processes import ChildProcess, Launcher
    from localaws.vpc.attachments import Attachments
    from localaws.vpc.metadata import TaskDescription, TaskMetadata
    from localaws.vpc.model import Interface

log = logging.getLogger(__name__)

TASKS = "/run/tasks"
"""The folder of what tasks write, in memory behind the launcher: it is gone with that."""

_KILLED = 128 + signal.SIGKILL
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""ECS's words. Source: ECS developer guide, "Stopped task error codes"."""

_ALL_CAPABILITIES = "ALL"

_LAST_LINES = 1.0
"""Seconds in which a log router gets what was printed before it is stopped."""


class Images(Protocol):
    """Where images come from."""

    async def pull(self, name: str, *, platform: str) -> Image:
        """Return an image for a platform.

        Raises:
            CannotPullError: It can't be had.
        """


class Containers:
    """Prepares tasks whose containers run in namespaces, see `Sandboxes`."""

    def __init__(
        self,
        launcher: Launcher,
        images: Images,
        attachments: Attachments,
        addresses: Addresses,
        *,
        metadata: TaskMetadata,
        account: Account,
        bridges: Bridges,
        control_groups: ControlGroups | None = None,
    ) -> None:
        """Start with no task.

        Args:
            launcher: Starts the containers.
            images: Where images come from.
            attachments: Gives tasks their network interfaces.
            addresses: Provides this machine's addresses, at which public ones are shown.
            metadata: Where tasks are described for their own programs.
            account: Where their subnets are.
            bridges: What connects the containers of tasks on instances.
            control_groups: What limits CPU and memory; None where this user can't limit them.
        """
        self._launcher = launcher
        self._images = images
        self._attachments = attachments
        self._addresses = addresses
        self._metadata = metadata
        self._account = account
        self._bridges = bridges
        self._control_groups = control_groups
        self.notes: dict[str, str] = {}
        """What a user must know about the origin of images, by image."""

        self._closing = False

    async def prepare(self, spec: TaskSpec) -> ContainerSandbox:
        """Pull a task's images, connect its containers, and make its volumes."""
        if spec.instance and any(each.log_router for each in spec.containers):
            raise TaskStartError(
                "ResourceInitializationError: local AWS: FireLens isn't emulated on instances, "
                "only in tasks with network mode awsvpc"
            )
        images = await self._pull(spec)
        network = await self._connect(spec)
        interface = network.interface
        digests = {name: image.digest for name, image in images.items()}
        description = describe(spec, network, digests, self._account)
        self._metadata.add(description)
        sandbox = ContainerSandbox(
            spec,
            images,
            network,
            self._launcher,
            release=self._release,
            description=description,
            metadata=self._metadata,
        )
        try:
            if self._control_groups is not None:
                sandbox.limit(self._control_groups)
            await sandbox.make_folders()
            if interface.public_address and not spec.instance:
                sandbox.public = self._show(spec, interface)
        except (NoAddressError, NoControlGroupsError, CommandFailedError) as error:
            await sandbox.close()
            raise TaskStartError(f"ResourceInitializationError: local AWS: {error}") from None
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    async def close(self) -> None:
        """Kill every task, by closing the launcher."""
        self._closing = True
        await self._launcher.close()

    async def _pull(self, spec: TaskSpec) -> dict[str, Image]:
        # Several containers may have one image.
        wanted = dict.fromkeys(each.image for each in spec.containers)
        pull = partial(self._images.pull, platform=spec.platform)
        try:
            pulled = dict(zip(wanted, await asyncio.gather(*map(pull, wanted)), strict=True))
        except CannotPullError as error:
            raise TaskStartError(f"CannotPullContainerError: {error}") from None
        for name, image in pulled.items():
            if image.note != self.notes.get(name, ""):
                self.notes[name] = image.note
                log.info("image %s: %s", name, image.note)
        return {each.name: pulled[each.image] for each in spec.containers}

    def _show(self, spec: TaskSpec, interface: Interface) -> PublicAddress:
        shown = self._addresses.take_task(spec.ports)
        self._attachments.show(interface, spec.ports, shown)
        return PublicAddress(interface.public_address, shown)

    async def _connect(self, spec: TaskSpec) -> TaskNetworking:
        if spec.instance:
            return await self._bridges.connect(spec)
        network = spec.network
        try:
            interface = await self._attachments.attach(
                spec.id,
                subnet=network.subnet,
                address=network.address,
                groups=network.security_groups,
                public=network.assign_public_address,
                # Whatever the subnet's assignIpv6AddressOnCreation says. Source: ECS developer
                # guide, "Task networking options for Fargate"; that the account's setting
                # dualStackIPv6 is on by default is from memory.
                ipv6=True,
            )
        except (NoAddressError, CommandFailedError) as error:
            raise TaskStartError(f"ResourceInitializationError: local AWS: {error}") from None
        return OwnInterface(interface, spec.hostname, self._attachments)

    async def _release(
        self, task: TaskDescription, network: TaskNetworking, public: PublicAddress | None
    ) -> None:
        if self._closing:
            return  # all namespaces end with the launcher
        self._metadata.remove(task)
        await network.release()
        if public is not None:
            self._addresses.release_task(public.shown)
        await self._launcher.run(["rm", "-rf", f"{TASKS}/{task.id}"])


class ContainerSandbox(Sandbox):
    """One task's network, volumes and images."""

    def __init__(
        self,
        spec: TaskSpec,
        images: Mapping[str, Image],
        network: TaskNetworking,
        launcher: Launcher,
        *,
        release: Callable[[TaskDescription, TaskNetworking, PublicAddress | None], Awaitable[None]],
        description: TaskDescription,
        metadata: TaskMetadata,
    ) -> None:
        """Made by `Containers.prepare` only."""
        self.listen_address = ListenAddress(network.interface.address, 0)
        self.host_ports = network.host_ports
        self.public = None
        self.ipv6 = network.interface.ipv6
        self._spec = spec
        self._images = images
        self._network = network
        self._launcher = launcher
        self._release = release
        self._description = description
        self._metadata = metadata
        self._started: dict[str, tuple[Container, ChildProcess]] = {}
        self._forwarders: dict[str, LogForwarder] = {}
        """By container, of those whose output goes to the log router."""

        self._group: ControlGroup | None = None
        """That of the task."""

        self._groups: dict[str, ControlGroup] = {}
        """Those of its containers, within."""

    def limit(self, control_groups: ControlGroups) -> None:
        """Limit what the task, and what each of its containers, may use.

        Raises:
            NoControlGroupsError: The kernel refuses.
        """
        size = Limits(memory_mib=self._spec.memory, cpu_units=self._spec.cpu)
        self._group = control_groups.create(self._spec.id, size)
        for each in self._spec.containers:
            limits = Limits(memory_mib=each.memory, cpu_shares=each.cpu)
            self._groups[each.name] = self._group.create(each.name, limits)

    async def make_folders(self) -> None:
        """Make the task's volumes."""
        folders = []
        for container in self._spec.containers:
            folders += [self._volume(mount.volume) for mount in container.mounts]
        await self._launcher.run(["mkdir", "-p", f"{TASKS}/{self._spec.id}", *folders])

    async def run(self, container: ContainerSpec, output: int) -> ChildProcess:
        """Start a container of its image."""
        described = self._describe(container)
        if container.routed_logs is not None:
            self._forwarders[container.name] = self._forwarder(container, container.routed_logs)
        child = await self._launcher.start_container(
            described, stdout=output, stderr=output, cgroups=self._folders(container)
        )
        self._started[container.name] = described, child
        return child

    async def run_check(self, container: ContainerSpec, nowhere: int) -> ChildProcess:
        """Start a health check's command in the container."""
        described, child = self._started[container.name]
        words = container.health_check.command if container.health_check else ()
        return await self._launcher.execute(
            described,
            child.pid,
            words,
            stdout=nowhere,
            stderr=nowhere,
            cgroups=self._folders(container),
        )

    async def execute(self, container: ContainerSpec, command: Command) -> ChildProcess:
        """Start a program in a container, as ECS Exec does."""
        described, child = self._started[container.name]
        stdin, stdout, stderr = command.streams
        return await self._launcher.execute(
            described,
            child.pid,
            command.argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=command.terminal,
            cgroups=self._folders(container),
        )

    def notice(self, container: ContainerSpec, lines: list[bytes]) -> None:
        """Send what a container prints to the log router, if that gets it."""
        if container.name in self._forwarders:
            self._forwarders[container.name].add(lines)

    async def stop(self, container: ContainerSpec, child: ChildProcess, time_limit: float) -> int:
        """Send the image's stop signal, and SIGKILL after `time_limit` seconds."""
        if container.log_router:
            for each in self._forwarders.values():
                await each.flush(_LAST_LINES)
        name = self._images[container.name].config.stop_signal
        return await child.stop(time_limit, _signal_number(name))

    def reasons(self, codes: Mapping[str, int]) -> dict[str, str]:
        """Return which containers were killed for lack of memory."""
        found = {}
        for name, code in codes.items():
            group = self._groups.get(name)
            if code == _KILLED and group is not None and group.out_of_memory_kills():
                found[name] = _OUT_OF_MEMORY
        return found

    async def close(self) -> None:
        """Release the interface and the public address, and delete what was written."""
        for each in self._forwarders.values():
            await each.close()
        if self._group is not None:
            self._group.remove()
        await self._release(self._description, self._network, self.public)

    def _folders(self, container: ContainerSpec) -> tuple[str, ...]:
        group = self._groups.get(container.name)
        return group.folders if group is not None else ()

    def _describe(self, container: ContainerSpec) -> Container:
        image = self._images[container.name]
        try:
            process = merge(
                image.config,
                entry_point=container.entry_point,
                command=container.command,
                environment=container.environment,
                user=container.user,
                working_directory=container.working_directory,
            )
        except NoCommandError as error:
            raise CannotStartError(str(error)) from None
        host, address = self._network.host(container)
        endpoints = self._metadata.environment(self._description, container.name)
        return Container(
            network=self._network.namespace(container),
            hostname=host,
            image=str(image.root),
            work=f"{TASKS}/{self._spec.id}/containers/{container.name}",
            argv=process.argv,
            user=process.user,
            working_directory=process.working_directory,
            environment={"HOSTNAME": host, **endpoints, **process.environment},
            read_only=container.read_only,
            mounts=self._mounts(container),
            temporary=(*_temporary(container), *_socket_folder(container)),
            shared_memory=container.shared_memory,
            capabilities=_capabilities(container),
            ulimits=tuple(map(_ulimit, container.ulimits)),
            files={
                **_files(host, address, self._spec.hostname.partition(".")[2]),
                **self._router_files(container),
            },
            init=container.init,
        )

    def _router_files(self, container: ContainerSpec) -> dict[str, str]:
        """Return the configuration that ECS writes into a log router."""
        if container.log_router is None:
            return {}
        task = self._description
        metadata = {
            "ecs_cluster": task.cluster.rpartition("/")[2],
            "ecs_task_arn": task.arn,
            "ecs_task_definition": f"{task.family}:{task.revision}",
        }
        configuration = firelens.configuration(self._spec.containers, metadata)
        return {firelens.CONFIGURATION_FILE: configuration}

    def _forwarder(self, container: ContainerSpec, logs: RoutedLogs) -> LogForwarder:
        """Return the connection of a container to its task's log router."""

        async def connect() -> socket.socket:
            made = await self._launcher.open_socket(
                self._network.namespace(container),
                family=socket.AF_INET,
                type=socket.SOCK_STREAM,
            )
            try:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(made, (firelens.HOST, firelens.PORT))
            except BaseException:
                made.close()
                raise
            return made

        about = {
            "container_id": self._description.runtime_id(container.name),
            "container_name": f"/{container.name}",
            # Both streams of a container come over one pipe.
            "source": "stdout",
        }
        tag = firelens.tag(container.name, self._spec.id)
        return LogForwarder(connect, tag, about, limit=logs.limit)

    def _mounts(self, container: ContainerSpec) -> tuple[Mount, ...]:
        # Source: ECS developer guide, "Use bind mounts": only a VOLUME of the image fills a volume.
        declared = set(map(normpath, self._images[container.name].config.volumes))
        mounts: list[Mount] = []
        for each in container.mounts:
            volume = self._volume(each.volume)
            filled = normpath(each.path) in declared
            mounts.append(Mount(volume, each.path, each.read_only, filled=filled))
        return tuple(mounts)

    def _volume(self, name: str) -> str:
        return f"{TASKS}/{self._spec.id}/volumes/{name}"


def _ulimit(limit: UlimitSpec) -> Ulimit:
    return Ulimit(limit.name, limit.soft, limit.hard)


def _socket_folder(container: ContainerSpec) -> tuple[TemporaryFolder, ...]:
    """Return the folder that ECS mounts into a log router, which makes a socket there."""
    return (TemporaryFolder(firelens.SOCKET_FOLDER, 1),) if container.log_router else ()


def _temporary(container: ContainerSpec) -> tuple[TemporaryFolder, ...]:
    """Return its folders in memory, if it can have them."""
    for each in container.temporary:
        try:
            temporary_folder_options(each.options)
        except ValueError as error:
            raise CannotStartError(f"local AWS: {each.target}: {error}") from None
    return container.temporary


def _capabilities(container: ContainerSpec) -> frozenset[str]:
    if _ALL_CAPABILITIES in container.dropped_capabilities:
        return container.added_capabilities
    return (DEFAULT_CAPABILITIES - container.dropped_capabilities) | container.added_capabilities


def _files(host: str, address: str, domain: str) -> dict[str, str]:
    """Return what a container engine writes into every container."""
    return {
        "/etc/hostname": f"{host}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{address} {host}\n",
        "/etc/resolv.conf": (
            f"search {domain}\nnameserver {RESOLVER_ADDRESS}\noptions timeout:2 attempts:5\n"
        ),
    }


def _signal_number(name: str) -> int:
    """Read an image's stop signal: `SIGQUIT`, `QUIT` or a number; SIGTERM for what is none."""
    if name.isdecimal():
        return int(name)
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        return signal.SIGTERM
