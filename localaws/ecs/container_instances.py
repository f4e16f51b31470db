"""Runs the fleet of container instances: follows the cloud's groups, boots and ends instances."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol

from localaws.catalog.autoscaling import GROUP
from localaws.catalog.ec2.network import SUBNET
from localaws.ec2.fleet import (
    Demand,
    FleetActionKind,
    FleetState,
    FleetTiming,
    Group,
    Instance,
    InstanceIds,
    Lifecycle,
    Template,
    metric,
    step,
)
from localaws.ec2.placement import ContainerInstance, PlacedTask
from localaws.ecs.instance_capacity import Instances
from localaws.ecs.instance_groups import groups, problem_of
from localaws.ecs.saved_instances import SavedInstances
from localaws.machine.addresses import NoAddressError, no_such_subnet
from localaws.machine.processes import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from localaws.catalog.account import Account
    from localaws.ecs.scheduler.model import ServiceSpec
    from localaws.machine.addresses import SubnetAddresses

log = logging.getLogger(__name__)


class Hosts(Protocol):
    """Makes instances."""

    async def boot(self, instance: Instance) -> None:
        """Start an instance.

        Raises:
            NoAddressError: Its subnet isn't there.
            CommandFailedError: The machine refuses.
        """

    async def terminate(self, instance: Instance) -> None:
        """End an instance."""


class NoSuchInstanceError(Exception):
    """An instance that a command names isn't there."""


class ContainerInstances:
    """Every instance of the cloud's Auto Scaling groups."""

    def __init__(
        self,
        cloud: Account,
        directory: Path,
        hosts: Hosts,
        subnet_addresses: SubnetAddresses,
        *,
        end_tasks: Callable[[str], Awaitable[None]],
        clock: Callable[[], float] = time.time,
        speed: float = 1,
    ) -> None:
        """Nothing happens until `follow`.

        Args:
            cloud: Where the groups are.
            directory: The state directory, which holds `instances.json`.
            hosts: Makes instances.
            subnet_addresses: Where they get their private addresses.
            end_tasks: Kills the tasks of an instance by its id, and returns once they have ended.
            clock: Seconds since the epoch.
            speed: How fast AWS's durations pass.
        """
        self._cloud = cloud
        self._saved = SavedInstances(directory)
        self._hosts = hosts
        self._subnet_addresses = subnet_addresses
        self._end_tasks = end_tasks
        self._clock = clock
        self._timing = FleetTiming().at(speed)
        self._state = FleetState()
        self._groups: list[Group] = []
        self._templates: dict[str, Template] = {}
        """By group and version: of an older version the cloud has no record any more."""

        self._outdated = True
        """Whether the cloud has changed since the groups were read."""

        self._ending: set[asyncio.Task[None]] = set()
        self._demand = Demand()
        self._problems: dict[str, str] = {}
        """Why groups can't launch, by name."""

        self._ids = InstanceIds(
            instance=lambda: f"i-{token_hex(9)[:17]}", container_instance=lambda: token_hex(16)
        )

    async def recover(self) -> None:
        """Boot the instances that there were, with their ids and addresses."""
        self._state = self._saved.load()
        instances = self._state.instances
        for each in instances:
            self._subnet_addresses.keep(each.subnet, each.address)
        booted = await asyncio.gather(*map(self._boot, instances))
        for instance, runs in zip(instances, booted, strict=True):
            if not runs:
                self._state = self._state.without_instance(instance.id)

    def touch(self) -> None:
        """Note that the cloud has changed, so that the next `follow` reads the groups again."""
        self._outdated = True

    async def follow(self, demand: Demand) -> bool:
        """Bring every group nearer to what it should be.

        Args:
            demand: What the services have on the instances, and what waits for some.

        Returns:
            Whether anything has changed.
        """
        if self._outdated:
            self._outdated = False
            self._groups = list(map(self._with_first_template, groups(self._cloud)))
        self._demand = demand
        before = self._state
        self._state, actions = step(
            self._groups, before, demand, self._clock(), ids=self._ids, timing=self._timing
        )
        launched = [each.instance for each in actions if each.kind is FleetActionKind.LAUNCH]
        await asyncio.gather(*map(self._launch, launched))
        for action in actions:
            if action.kind is FleetActionKind.TERMINATE:
                self._end(action.instance)
        if self._state == before:
            return False
        self._saved.save(self._state)
        return True

    @property
    def busy(self) -> bool:
        """Whether time alone will change something soon."""
        if self._ending or any(map(self._is_busy, self._groups)):
            return True
        return any(each.lifecycle is not Lifecycle.IN_SERVICE for each in self._state.instances)

    def _is_busy(self, group: Group) -> bool:
        known = self._state.groups.get(group.name)
        instances = self._state.of(group.name)
        if known is None or known.desired != len(instances) or known.refreshing:
            return True
        if group.scaling is None:
            return False
        return metric(group, instances, self._demand) > group.scaling.target

    def capacity(self, spec: ServiceSpec, others: Mapping[str, Sequence[PlacedTask]]) -> Instances:
        """Return a service's capacity now.

        Args:
            spec: The service.
            others: The other services' tasks, by instance.
        """
        found = []
        for each in self._state.instances:
            if not each.registered or each.template.cluster != spec.capacity.cluster:
                continue
            found.append(
                ContainerInstance(
                    id=each.id,
                    container_instance=each.container_instance,
                    zone=each.zone,
                    instance_type=each.template.instance_type,
                    cpu=each.template.cpu,
                    memory=each.template.memory,
                    architecture=each.template.architecture,
                    provider=each.provider,
                    draining=each.draining,
                    tasks=tuple(others.get(each.id, ())),
                )
            )
        return Instances(spec.arn, spec.capacity, tuple(found))

    def registered_with(self, cluster: str) -> list[str]:
        """Return the ids of the instances that are registered with a cluster."""
        registered = [each for each in self._state.instances if each.registered]
        return [each.id for each in registered if each.template.cluster == cluster]

    def of_group(self, group: str) -> list[Instance]:
        """Return the instances of a group."""
        return self._state.of(group)

    def in_service(self, group: str) -> int:
        """Return how many instances of a group are in service."""
        states = [each.lifecycle for each in self._state.of(group)]
        return states.count(Lifecycle.IN_SERVICE)

    @property
    def ending(self) -> bool:
        """Whether an instance is being terminated."""
        return bool(self._ending)

    def knows(self, group: str) -> bool:
        """Return whether the fleet has stepped a group before."""
        return group in self._state.groups

    def wanted(self, group: str) -> int:
        """Return how many instances a group should have; one that isn't known wants none."""
        known = self._state.groups.get(group)
        return known.desired if known else 0

    def fail(self, instance: str) -> str:
        """Simulate the failure of an instance: it is gone at once, with its tasks.

        Args:
            instance: The beginning of its id.

        Returns:
            Its id.

        Raises:
            NoSuchInstanceError: There is none, or more than one.
        """
        found = [each for each in self._state.instances if each.id.startswith(instance)]
        if len(found) != 1:
            raise NoSuchInstanceError(self._which(instance, [each.id for each in found]))
        self._state = self._state.without_instance(found[0].id)
        self._end(found[0])
        return found[0].id

    def _which(self, instance: str, found: Sequence[str]) -> str:
        """Describe that no instance, or several, begin like this."""
        if found:
            return f"{len(found)} instances begin with {instance!r}: {', '.join(found)}"
        known = ", ".join(each.id for each in self._state.instances)
        if known:
            return f"no instance begins with {instance!r}; there is {known}"
        return "there are no instances; services with `capacity: ec2` have some (docs/ec2.md)"

    def status(self) -> list[dict[str, Any]]:
        """Return every instance as `pulumi-local status` shows it."""
        return list(map(self._status_of, self._state.instances))

    def _status_of(self, instance: Instance) -> dict[str, Any]:
        agent = ""
        if instance.registered:
            agent = "DRAINING" if instance.draining else "ACTIVE"
        return {
            "instanceId": instance.id,
            "group": instance.group,
            "capacityProvider": instance.provider,
            "cluster": instance.template.cluster,
            "instanceType": instance.template.instance_type,
            "availabilityZone": instance.zone,
            "privateIp": instance.address,
            "lifecycle": str(instance.lifecycle),
            "agent": agent,
            "whyNotRegistered": "" if agent else self._why_not_registered(instance),
            "tasks": self._demand.tasks.get(instance.id, 0),
            "left": self._left(instance),
        }

    def _why_not_registered(self, instance: Instance) -> str:
        for group in self._groups:
            if group.name == instance.group:
                return group.why_not_registered
        return ""

    def _left(self, instance: Instance) -> dict[str, int]:
        """Return the CPU units and MiB of an instance that no task takes."""
        cpu, memory = self._demand.taken.get(instance.id, (0, 0))
        return {"cpu": instance.template.cpu - cpu, "memory": instance.template.memory - memory}

    def problems(self) -> list[str]:
        """Return why groups get no instances."""
        found = list(self._problems.values())
        for each in self._cloud.all(GROUP):
            why = problem_of(each, self._cloud)
            if why:
                found.append(f"Auto Scaling group {each.id}: {why}")
        return found

    async def close(self) -> None:
        """Wait for what is ending; the instances come back with the next daemon."""
        for each in self._ending:
            each.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _with_first_template(self, group: Group) -> Group:
        """Return a group whose template is as it was when its version was seen first.

        The cloud holds the newest version only, so an older one that a group names would otherwise
        change with each update of the launch template.
        """
        key = f"{group.name} {group.template.version}"
        return replace(group, template=self._templates.setdefault(key, group.template))

    async def _launch(self, instance: Instance) -> None:
        try:
            block = self._cidr_block(instance.subnet)
            address = self._subnet_addresses.take(instance.subnet, block)
        except NoAddressError as error:
            self._fail_launch(instance, error)
            return
        with_address = replace(instance, address=address)
        if not await self._boot(with_address):
            self._subnet_addresses.release(instance.subnet, address)
            return
        self._problems.pop(instance.group, None)
        self._put(with_address)

    async def _boot(self, instance: Instance) -> bool:
        """Boot an instance; return whether it runs."""
        try:
            await self._hosts.boot(instance)
        except (NoAddressError, CommandFailedError) as error:
            self._fail_launch(instance, error)
            return False
        return True

    def _fail_launch(self, instance: Instance, why: Exception) -> None:
        """Note why an instance can't run; its group tries again."""
        problem = f"Auto Scaling group {instance.group} can't launch: {why}"
        if self._problems.get(instance.group) != problem:
            log.error("%s", problem)
        self._problems[instance.group] = problem
        self._state = self._state.without_instance(instance.id)

    def _end(self, instance: Instance) -> None:
        """Terminate an instance in the background: its processes take some time to end."""
        ending = asyncio.create_task(self._terminate(instance))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _terminate(self, instance: Instance) -> None:
        await self._end_tasks(instance.id)
        await self._hosts.terminate(instance)
        self._subnet_addresses.release(instance.subnet, instance.address)

    def _cidr_block(self, subnet: str) -> str:
        found = self._cloud.get(SUBNET, subnet)
        if found is None:
            raise no_such_subnet(subnet)
        return str(found.outputs.get("cidrBlock"))

    def _put(self, instance: Instance) -> None:
        self._state = self._state.with_instance(instance)
