"""Assembles the data plane: launcher, addresses, tasks, Envoy, load balancers, controller."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from localaws.alarms.evaluator import Alarms
from localaws.alarms.metrics import Metrics as AlarmMetrics
from localaws.alarms.notifications import Notifications
from localaws.alb import registered_targets
from localaws.alb.certificate_files import authority_file
from localaws.alb.envoy import Envoy
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.vpc_edge import VpcEdge, namespace_of
from localaws.daemon.runtime_choice import Choice, Runtime
from localaws.daemon.vpc_commands import TaskCommands, VpcCommands
from localaws.ecs.services.controller import Controller
from localaws.ecs.tasks.container_runtime import Containers
from localaws.ecs.tasks.images import load
from localaws.ecs.tasks.process_runtime import Processes
from localaws.ecs.tasks.supervisor import Supervisor
from localaws.ecs.tasks.task_network import Bridges
from localaws.images.assembly import puller
from localaws.machine import cgroups
from localaws.machine.addresses import Addresses, SubnetAddresses
from localaws.machine.cgroups import NoControlGroupsError
from localaws.machine.processes import Launcher
from localaws.scaling.metrics import Metrics
from localaws.scaling.minutes import Minutes
from localaws.scaling.scaler import Scaler
from localaws.vpc.attachments import Attachments
from localaws.vpc.follower import Follower
from localaws.vpc.host_ports import HostPorts
from localaws.vpc.instances import Instances
from localaws.vpc.metadata import TaskMetadata
from localaws.vpc.names import Names, Running
from localaws.vpc.network import Network
from localaws.vpc.services import RouterServices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from localaws.alb.certificate_authority import Authority
    from localaws.alb.tls import Served
    from localaws.catalog.account import Account
    from localaws.daemon.command_socket import Commands
    from localaws.ecs.scheduler.model import Timing
    from localaws.images.mirrors import Mirror
    from localaws.machine.cgroups import ControlGroups
    from localaws.vpc.names import Instance

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataPlane:
    """What runs."""

    controller: Controller
    load_balancers: LoadBalancers
    commands: Commands
    """Starts what users run in it."""

    follower: Follower | None = None
    """Keeps the network in step with the cloud, where there is one."""

    attachments: Attachments | None = None
    """What is attached to it."""

    image_notes: Mapping[str, str] = field(default_factory=dict)
    """What a user must know about where images came from, by image; it grows with each pull."""

    scaler: Scaler | None = None
    """Moves desired counts, where the cloud lets it."""

    alarms: Alarms | None = None
    """Evaluates alarms on what runs."""

    minutes: Minutes | None = None
    """Runs both by the minute."""

    host: Launcher | None = None
    """Starts what needs this machine's own network: registries are reached by it."""

    @property
    def public_keys_url(self) -> str:
        """The URL of the keys that verify users' claims; empty if nothing has it."""
        return self.load_balancers.public_keys_url

    async def start(self) -> None:
        """Start again whatever ran before."""
        if self.follower is not None:
            await self.follower.start()
        await self.controller.start()
        if self.scaler is not None:
            self.scaler.start()
        if self.alarms is not None:
            self.alarms.start()
        if self.minutes is not None:
            self.minutes.start()

    @property
    def problems(self) -> list[str]:
        """What is wrong with all of it now."""
        found = self.controller.problems()
        if self.minutes is not None:
            found += self.minutes.problems
        if self.follower is not None and self.follower.problem:
            found.append(f"the network: {self.follower.problem}")
        if self.attachments is not None:
            found += self.attachments.problems
        return found

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What the cloud's network has that no packet meets here, as sentences."""
        return () if self.follower is None else self.follower.not_enforced

    async def settle_network(self, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until the network, if there is one, is as the cloud's records are now.

        Raises:
            NotSettled: It isn't in time, or can't be.
        """
        if self.follower is not None:
            await self.follower.settle(timeout=timeout)

    async def close(self) -> None:
        """Stop everything at once."""
        if self.minutes is not None:
            await self.minutes.close()
        if self.follower is not None:
            await self.follower.close()
        await self.controller.close()
        if self.host is not None:
            await self.host.close()


def data_plane(
    cloud: Account,
    directory: Path,
    *,
    parameters: Callable[[str], str | None],
    addresses: Addresses | None = None,
    image_table: Path | None = None,
    speed: float = 1,
    choice: Choice | None = None,
    local_registries: dict[str, Mirror] | None = None,
    on_loss: Callable[[], None] = lambda: None,
    set_desired_count: Callable[[str, int], None] | None = None,
    timing: Timing | None = None,
) -> DataPlane:
    """Return a data plane for this cloud, not yet started; closing it ends all its processes.

    Args:
        cloud: The resources to follow.
        directory: The state directory, `.local/`, which also holds logs and Envoy's files.
        parameters: A parameter's or secret's value by name or ARN, None for one that doesn't exist.
        addresses: Those that the caller names load balancers by, if it does; there must be one
            object for each state directory.
        image_table: The project's own images, read anew for every task; by default a file beside
            `directory`.
        speed: How fast AWS's durations pass, see `localaws.speed`.
        choice: How tasks run, by default as processes.
        local_registries: Registries on this machine, by the name that AWS gives them; it may change
            at any time.
        on_loss: Called when every namespace is gone, because their first process was killed.
        set_desired_count: Changes a service of the cloud, by its ARN; without it nothing scales.
        timing: Durations that belong to ECS, at a speed of 1.

    Raises:
        NoAddressError: This system can't do loopback addresses.
        MirrorError: The environment names mirrors of registries that can't be understood.
    """
    directory.mkdir(parents=True, exist_ok=True)
    addresses = addresses or Addresses(directory)
    image_table = image_table or directory.parent / "localaws-images.toml"
    build = _Build(
        cloud, directory, parameters, addresses, speed, local_registries, set_desired_count, timing
    )
    if choice is not None and choice.runtime is Runtime.CONTAINER:
        return build.of_containers(choice, image_table, on_loss)
    return build.of_processes(image_table)


@dataclass(frozen=True)
class _Build:
    """What both kinds of data planes are made of."""

    cloud: Account
    directory: Path
    parameters: Callable[[str], str | None]
    addresses: Addresses
    speed: float
    local_registries: dict[str, Mirror] | None
    set_desired_count: Callable[[str, int], None] | None
    timing: Timing | None

    def of_processes(self, image_table: Path) -> DataPlane:
        """Return it with tasks as processes, and an Envoy on this machine's addresses."""
        launcher = Launcher()
        folder = self.directory / "envoy"
        processes = Processes(launcher, self.addresses, partial(load, image_table))
        load_balancers = LoadBalancers(
            self.cloud,
            self.addresses,
            lambda _: Envoy(launcher, folder),
            lambda _: folder,
            issue=self._issue,
            attached=partial(registered_targets.endpoints, self.cloud),
            speed=self.speed,
            trust=self._trust,
        )
        runtime = Supervisor(processes, self.directory / "logs", speed=self.speed)
        controller = self._controller(runtime, load_balancers)
        scaler, alarms, minutes = self._by_the_minute(controller, load_balancers)
        return DataPlane(
            controller,
            load_balancers,
            TaskCommands(controller),
            scaler=scaler,
            alarms=alarms,
            minutes=minutes,
        )

    def of_containers(
        self, choice: Choice, image_table: Path, on_loss: Callable[[], None]
    ) -> DataPlane:
        """Return it with tasks as containers in the cloud's VPCs, and an Envoy for each VPC."""
        launcher = Launcher(choice.isolation, on_loss)
        host = Launcher()
        network = Network(launcher, self.cloud)
        host_ports = HostPorts(network)
        follower = Follower(network, host_ports, self.cloud)
        attachments = Attachments(network, host_ports, self.cloud, follower.touch)
        subnet_addresses = SubnetAddresses()
        folder = self.directory / "envoy"
        images = puller(
            behind=launcher,
            host=host,
            environment=os.environ,
            own_file=image_table,
            report=log.info,
            local_registries=self.local_registries,
        )

        def resolve(vpc: str, name: str) -> list[str]:
            _, seen = network.routers.get(vpc, ("", None))
            records = Names(self.cloud, seen, running).find(name, "A") if seen else None
            return [each.value for each in records or () if each.kind == "A"]

        edge = VpcEdge(
            self.cloud, network, attachments, subnet_addresses, self.addresses, resolve=resolve
        )
        metadata = TaskMetadata()

        def instances(registry: str) -> list[Instance]:
            return controller.descriptions.registered_instances(registry)

        running = Running(edge.interfaces, instances)
        follower.services = RouterServices(network, self.cloud, running, metadata.answer)
        load_balancers = LoadBalancers(
            self.cloud,
            self.addresses,
            lambda vpc: Envoy(launcher, folder / vpc, namespace_of(vpc)),
            lambda vpc: folder / vpc,
            edge=edge,
            issue=self._issue,
            attached=partial(registered_targets.endpoints, self.cloud, vpcs_exist=True),
            speed=self.speed,
            trust=self._trust,
        )
        bridges = Bridges(Instances(launcher, attachments))
        containers = Containers(
            launcher,
            images,
            attachments,
            self.addresses,
            metadata=metadata,
            account=self.cloud,
            bridges=bridges,
            control_groups=_control_groups(),
        )
        runtime = Supervisor(containers, self.directory / "logs", speed=self.speed)
        controller = self._controller(runtime, load_balancers, subnet_addresses, bridges)
        commands = VpcCommands(controller, self.cloud, launcher, attachments, subnet_addresses)
        scaler, alarms, minutes = self._by_the_minute(controller, load_balancers)
        return DataPlane(
            controller,
            load_balancers,
            commands,
            follower,
            attachments,
            containers.notes,
            scaler=scaler,
            alarms=alarms,
            minutes=minutes,
            host=host,
        )

    def _by_the_minute(
        self, controller: Controller, load_balancers: LoadBalancers
    ) -> tuple[Scaler | None, Alarms, Minutes]:
        """Return what measures and decides by the minute, and what runs it."""
        services = controller.descriptions
        usage = Metrics(self.cloud, services, load_balancers)
        scaler = None
        parts = {}
        if self.set_desired_count is not None:
            scaler = Scaler(
                self.cloud,
                services,
                usage,
                self.directory,
                set_desired_count=self.set_desired_count,
                speed=self.speed,
            )
            parts["scaling"] = scaler.tick
        watched = AlarmMetrics(self.cloud, load_balancers, usage, services)
        notifications = Notifications(self.cloud)
        alarms = Alarms(self.cloud, watched, self.directory, notifications)
        parts["alarms"] = alarms.tick
        controller.stepper.alarms, controller.stepper.publish = alarms, notifications.receive
        return scaler, alarms, Minutes(parts, speed=self.speed)

    @cached_property
    def _authority(self) -> Authority:
        # Brings `cryptography`, and only HTTPS needs it.
        from localaws.alb.certificate_authority import Authority  # noqa: PLC0415

        return Authority(self.directory)

    def _issue(self, names: Sequence[str]) -> Served:
        """Return a certificate for some names, by an authority that is made for the first one."""
        return self._authority.issue(names)

    def _trust(self) -> ssl.SSLContext:
        """Trust this machine's authorities, and the local one."""
        context = ssl.create_default_context()
        own = authority_file(self.directory)
        if own.is_file():
            context.load_verify_locations(own)
        return context

    def _controller(
        self,
        runtime: Supervisor,
        load_balancers: LoadBalancers,
        subnet_addresses: SubnetAddresses | None = None,
        hosts: Bridges | None = None,
    ) -> Controller:
        return Controller(
            self.cloud,
            self.directory,
            runtime=runtime,
            target_groups=load_balancers,
            parameters=self.parameters,
            subnet_addresses=subnet_addresses,
            hosts=hosts,
            timing=self.timing,
            speed=self.speed,
        )


def _control_groups() -> ControlGroups | None:
    """Return what limits tasks, without what a killed daemon left; None where nothing can."""
    try:
        found = cgroups.find()
    except NoControlGroupsError:
        return None  # `status` shows it: the choice of the runtime has the reason
    found.sweep()
    return found
