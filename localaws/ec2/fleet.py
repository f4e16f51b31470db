"""Auto Scaling groups of container instances as a pure step: groups, demand, time -> actions.

The step launches, registers, drains and terminates instances. It follows the groups' bounds, ECS's
managed scaling, termination protection and draining, and instance refreshes.

Source: `CreateCapacityProvider` in ECS's API reference, Amazon ECS Developer Guide, "Amazon ECS
cluster auto scaling" and "Amazon ECS managed instance draining", Amazon EC2 Auto Scaling User
Guide, "Instance refresh".
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from localaws.speed import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FIRST_SCALE_OUT = 2
"""Instances that a group without any gets: its metric is 200 whatever waits."""

_METRIC_WITHOUT_INSTANCES = 200
"""The metric of a group that needs instances and has none."""

_DEFAULT_TARGET = 100
_ALL_PERCENT = 100
"""With this most of healthy instances a refresh ends an instance before it launches another."""


@dataclass(frozen=True, kw_only=True)
class FleetTiming:
    """Durations of AWS in seconds."""

    boot: float = 90
    """From a launch until the agent registers."""

    scale_out_alarm: float = 60
    """How long the metric must be above its target."""

    scale_in_alarm: float = 15 * 60
    """How long it must be below; AWS has no setting for it."""

    scale_in_pause: float = 60
    """Between two scale-ins."""

    hook: float = 3600
    """After which a terminating instance no longer waits for its tasks to end."""

    replacement: float = 30
    """After which a group notices that an instance is gone, or that it has too few."""

    factor: float = 1
    """How much faster than on AWS they pass."""

    def at(self, speed: float) -> FleetTiming:
        """Return the same at another speed; the hook of an hour is kept: tasks have to end."""
        factor = COMPRESSION * speed
        return replace(
            self,
            factor=factor,
            boot=self.boot / factor,
            scale_out_alarm=self.scale_out_alarm / factor,
            scale_in_alarm=self.scale_in_alarm / factor,
            scale_in_pause=self.scale_in_pause / factor,
            replacement=self.replacement / factor,
        )


@dataclass(frozen=True, kw_only=True)
class Template:
    """What the instances of a group are launched as; another one is another version."""

    version: str
    instance_type: str
    cpu: int
    memory: int
    architecture: str
    cluster: str
    """The cluster that their user data names."""

    security_groups: tuple[str, ...] = ()
    ports: tuple[int, int] = (32768, 60999)
    """The agent's dynamic host ports."""

    public: bool = False
    """Whether instances have public addresses."""


@dataclass(frozen=True, kw_only=True)
class ManagedScaling:
    """How a capacity provider scales its group."""

    target: int = 100
    minimum_step: int = 1
    maximum_step: int = 10000
    warm_up: float = 300


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """How a group replaces instances of an older template."""

    minimum_healthy_percent: int = 90
    maximum_healthy_percent: int = 100
    """Above 100, so many instances may be there that new ones are launched before old ones go."""

    protected: str = "Ignore"
    """What it does with protected instances: Refresh, Ignore or Wait."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """An Auto Scaling group, and the capacity provider that it belongs to."""

    name: str
    minimum: int
    maximum: int
    subnets: tuple[tuple[str, str], ...]
    """Each subnet and its zone."""

    template: Template
    why_not_registered: str = ""
    """Why its instances don't register with a cluster; empty if they do."""

    desired: int | None = None
    """What the program declares, which holds when the group is made or when it changes."""

    provider: str = ""
    scaling: ManagedScaling | None = None
    protects: bool = False
    """Whether scale-ins leave every instance alone."""

    termination_protection: bool = False
    """Whether they leave those with tasks alone, as the capacity provider sees to."""

    managed_draining: bool = False
    refresh: Refresh | None = None
    deleted: bool = False
    """Whether it is on its way out."""

    forced: bool = False
    """Whether its deletion ends instances without waiting for anything."""


class Lifecycle(StrEnum):
    """Where an instance is, in the words of EC2 Auto Scaling."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    TERMINATING = "Terminating:Wait"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance from its launch until it is terminated."""

    id: str
    container_instance: str
    """The UUID under which it is registered with ECS."""

    group: str
    subnet: str
    zone: str
    template: Template
    launched_at: float
    provider: str = ""
    lifecycle: Lifecycle = Lifecycle.PENDING
    registered: bool = False
    waiting_since: float | None = None
    """When its termination began."""

    address: str = ""
    """Private address, once it has one."""

    @property
    def draining(self) -> bool:
        """Whether it gets no more tasks, and loses those that it has."""
        return self.lifecycle is Lifecycle.TERMINATING


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """What is remembered of a group."""

    desired: int
    declared: int | None = None
    """The desired capacity that the program declared last; only a change of it takes effect."""

    above_since: float | None = None
    """Since when the capacity provider's metric has been above its target."""

    below_since: float | None = None
    scaled_in_at: float = 0
    short_since: float | None = None
    """Since when it has had fewer instances than desired."""

    refreshed: str = ""
    """The template's version that the last refresh was for."""

    refreshing: str = ""
    """The version that a refresh under way is for."""


@dataclass(frozen=True, kw_only=True)
class FleetState:
    """All instances and groups; it survives restarts."""

    instances: tuple[Instance, ...] = ()
    groups: Mapping[str, GroupState] = field(default_factory=dict)

    def of(self, group: str) -> list[Instance]:
        """Return the instances of a group."""
        return [each for each in self.instances if each.group == group]

    def with_instance(self, changed: Instance) -> FleetState:
        """Return the state with a changed instance."""
        instances = [changed if each.id == changed.id else each for each in self.instances]
        return replace(self, instances=tuple(instances))

    def without_instance(self, id_: str) -> FleetState:
        """Return the state without an instance: if its group needs it, another is launched."""
        return replace(self, instances=tuple(each for each in self.instances if each.id != id_))

    def staying(self, group: str) -> list[Instance]:
        """Return the instances of a group that aren't draining."""
        return _staying(self.of(group))


@dataclass(frozen=True)
class Waiting:
    """A task without an instance."""

    provider: str
    """Its capacity provider; empty where none scales for it."""

    cpu: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What ECS knows of the instances' tasks."""

    tasks: Mapping[str, int] = field(default_factory=dict)
    """How many are on each instance, by the instance's id."""

    taken: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The CPU units and MiB that they take of each, for the status."""

    waiting: tuple[Waiting, ...] = ()


class FleetActionKind(StrEnum):
    """The kinds of actions."""

    LAUNCH = "launch"
    TERMINATE = "terminate"


@dataclass(frozen=True)
class FleetAction:
    """Something to be done to an instance."""

    kind: FleetActionKind
    instance: Instance


@dataclass(frozen=True)
class InstanceIds:
    """Where new ids come from."""

    instance: Callable[[], str]
    """`i-` and 17 hexadecimal digits."""

    container_instance: Callable[[], str]
    """32 hexadecimal digits."""


def step(
    groups: Sequence[Group],
    state: FleetState,
    demand: Demand,
    now: float,
    *,
    ids: InstanceIds,
    timing: FleetTiming,
) -> tuple[FleetState, list[FleetAction]]:
    """Bring every group one step nearer to what it should be.

    Args:
        groups: The groups that the cloud holds.
        state: What the last step left.
        demand: What ECS knows of their tasks.
        now: Seconds since the epoch.
        ids: Where new ids come from.
        timing: Durations of AWS.

    Returns:
        The new state, and what to do.
    """
    run = _Step(state, demand, now, ids, timing)
    known = {each.name for each in groups}
    run.terminate([each for each in state.instances if each.group not in known])
    # The order matters. Bounds and new instances come first: everything after them counts by the
    # new state. Scaling decides on the desired capacity and a refresh on what leaves, before
    # instances are launched or terminated to match.
    for group in groups:
        run.set_desired(group)
        run.register_booted(group)
        run.complete_hooks(group)
        run.scale(group)
        run.refresh(group)
        run.reconcile(group)
    remembered = {name: each for name, each in run.state.groups.items() if name in known}
    return replace(run.state, groups=remembered), run.actions


def metric(group: Group, instances: Sequence[Instance], demand: Demand) -> float:
    """Return a provider's CapacityProviderReservation: needed / running instances, in percent.

    AWS has it at 100 when no instance is needed and none runs. Here it is the target then, so that
    a group with a lower target stays empty too.
    """
    needed = needed_instances(group, instances, demand)
    running = len(_staying(instances))
    if running:
        return 100 * needed / running
    if needed:
        return _METRIC_WITHOUT_INSTANCES
    return group.scaling.target if group.scaling else _DEFAULT_TARGET


def needed_instances(group: Group, instances: Sequence[Instance], demand: Demand) -> int:
    """Return how many instances a provider's tasks need: those with tasks, and more for waiting."""
    busy = booting = 0
    for each in _staying(instances):
        if demand.tasks.get(each.id, 0) > 0:
            busy += 1
        if each.lifecycle is Lifecycle.PENDING:
            booting += 1
    return busy + max(_for_waiting(group, demand), booting)


def _for_waiting(group: Group, demand: Demand) -> int:
    """Return how many more instances hold a provider's waiting tasks, packed first-fit.

    A task that is larger than an instance is left out: no number of instances would hold it.
    """
    template = group.template
    # What is left of each further instance: CPU units and MiB.
    free: list[tuple[int, int]] = []
    largest_first = sorted(demand.waiting, key=lambda each: (each.memory, each.cpu), reverse=True)
    for task in largest_first:
        if not group.provider or task.provider != group.provider:
            continue
        if task.cpu > template.cpu or task.memory > template.memory:
            continue
        for index, (cpu, memory) in enumerate(free):
            if task.cpu <= cpu and task.memory <= memory:
                free[index] = cpu - task.cpu, memory - task.memory
                break
        else:
            free.append((template.cpu - task.cpu, template.memory - task.memory))
    return len(free)


def _staying(instances: Sequence[Instance]) -> list[Instance]:
    """Return those that aren't draining."""
    return [each for each in instances if not each.draining]


def _share(count: int, percent: int) -> int:
    """Return so many percent of a count, rounded up."""
    return math.ceil(count * percent / 100)


@dataclass
class _Step:
    """The arguments of `step`, the state so far and the actions decided so far."""

    state: FleetState
    demand: Demand
    now: float
    ids: InstanceIds
    timing: FleetTiming
    actions: list[FleetAction] = field(default_factory=list)

    def set_desired(self, group: Group) -> None:
        """Set a group's desired capacity as the program declares it, within the group's bounds."""
        known = self.state.groups.get(group.name)
        if known is None:
            first = group.minimum if group.desired is None else group.desired
            known = GroupState(desired=first, declared=group.desired)
        elif group.desired is not None and group.desired != known.declared:
            known = replace(known, desired=group.desired, declared=group.desired)
        desired = 0 if group.deleted else min(max(known.desired, group.minimum), group.maximum)
        self._remember(group, replace(known, desired=desired))
        for each in self.state.of(group.name):
            if each.provider != group.provider:
                self._put(replace(each, provider=group.provider))

    def register_booted(self, group: Group) -> None:
        """Put instances that have booted into service; they register where real ones would."""
        for each in self.state.of(group.name):
            lifecycle = each.lifecycle
            if lifecycle is Lifecycle.PENDING and self.now >= each.launched_at + self.timing.boot:
                lifecycle = Lifecycle.IN_SERVICE
            if lifecycle is Lifecycle.IN_SERVICE and not each.registered:
                registers = not group.why_not_registered
                self._put(replace(each, lifecycle=lifecycle, registered=registers))

    def complete_hooks(self, group: Group) -> None:
        """End instances whose tasks have left, or that have waited as long as the hook allows."""
        for each in self.state.of(group.name):
            if each.waiting_since is None:
                continue
            timed_out = self.now >= each.waiting_since + self.timing.hook
            if timed_out or (group.deleted and group.forced) or not self._tasks(each):
                self.terminate([each])

    def scale(self, group: Group) -> None:
        """Change the desired capacity once the capacity provider's metric calls for it."""
        known = self._state_of(group)
        if group.scaling is None or group.deleted:
            self._remember(group, replace(known, above_since=None, below_since=None))
            return
        instances = self.state.of(group.name)
        measured = metric(group, instances, self.demand)
        above = measured > group.scaling.target
        below = measured < group.scaling.target
        known = replace(
            known,
            above_since=(known.above_since or self.now) if above else None,
            below_since=(known.below_since or self.now) if below else None,
        )
        self._remember(group, known)
        if known.above_since is not None:
            if self.now >= known.above_since + self.timing.scale_out_alarm:
                self._scale_out(group, group.scaling, known)
        elif known.below_since is not None:
            rested = self.now >= known.scaled_in_at + self.timing.scale_in_pause
            if rested and self.now >= known.below_since + self.timing.scale_in_alarm:
                self._scale_in(group, group.scaling, known)

    def refresh(self, group: Group) -> None:
        """Replace instances of an older template, as many at once as may be out of service."""
        known = self._state_of(group)
        version = group.template.version
        if group.refresh is None or group.deleted or not known.refreshed:
            # Only a change of the template starts a refresh, and only while one is configured.
            self._remember(group, replace(known, refreshed=version, refreshing=""))
            return
        if version not in {known.refreshed, known.refreshing}:
            known = replace(known, refreshing=version)
        if not known.refreshing:
            return
        self._remember(group, known)
        old = self._outdated(group, known.refreshing)
        replaceable = [each for each in old if self._may_refresh(group, group.refresh, each)]
        serving = sum(self._serves(group, each) for each in self.state.of(group.name))
        count = serving - _share(known.desired, group.refresh.minimum_healthy_percent)
        if group.refresh.maximum_healthy_percent <= _ALL_PERCENT and serving >= known.desired:
            # At least one at a time, or a small group would never be refreshed.
            count = max(count, 1)
        for each in replaceable[: max(0, count)]:
            self._begin_termination(group, each)
        drains = len(_staying(old)) < len(old)
        waits_for_protected = group.refresh.protected == "Wait" and bool(old)
        is_under_way = drains or bool(replaceable) or waits_for_protected
        if not is_under_way and serving >= known.desired:
            self._remember(group, replace(known, refreshed=known.refreshing, refreshing=""))

    def _outdated(self, group: Group, version: str) -> list[Instance]:
        """Return a group's instances of another version of its template."""
        instances = self.state.of(group.name)
        return [each for each in instances if each.template.version != version]

    def reconcile(self, group: Group) -> None:
        """Launch or terminate instances until there are as many as desired."""
        known = self._state_of(group)
        instances = self.state.of(group.name)
        staying = _staying(instances)
        if group.deleted and group.forced:
            self.terminate(instances)
            return
        wanted = self._wanted(group)
        surplus = len(staying) - wanted
        for _ in range(surplus):
            chosen = self._next_to_terminate(group)
            if chosen is None:
                break
            self._begin_termination(group, chosen)
        if wanted <= len(staying):
            self._remember(group, replace(known, short_since=None))
            return
        since = known.short_since or self.now
        self._remember(group, replace(known, short_since=since))
        # A new group and a refresh launch at once; the loss of an instance is noticed later.
        if not instances or known.refreshing or self.now >= since + self.timing.replacement:
            for _ in range(wanted - len(staying)):
                self._launch(group)

    def _wanted(self, group: Group) -> int:
        """Return how many instances should stay: more than desired in some refreshes."""
        known = self._state_of(group)
        if not known.refreshing or group.refresh is None:
            return known.desired
        old = self._outdated(group, known.refreshing)
        replaceable = sum(self._may_refresh(group, group.refresh, each) for each in old)
        most = _share(known.desired, group.refresh.maximum_healthy_percent)
        return max(known.desired, min(known.desired + replaceable, most))

    def terminate(self, instances: Sequence[Instance]) -> None:
        """End instances at once, with what is on them."""
        for each in instances:
            self.state = self.state.without_instance(each.id)
            self.actions.append(FleetAction(FleetActionKind.TERMINATE, each))

    # Parts

    def _scale_out(self, group: Group, scaling: ManagedScaling, known: GroupState) -> None:
        staying = self.state.staying(group.name)
        if known.desired > len(staying):
            return
        warm_up = max(scaling.warm_up / self.timing.factor, self.timing.boot)
        for each in staying:
            if self.now < each.launched_at + warm_up:
                return
        count = self._wanted_at_target(group, scaling) - known.desired
        if not staying:
            count = max(count, _FIRST_SCALE_OUT)
        count = max(scaling.minimum_step, min(scaling.maximum_step, count))
        desired = min(known.desired + count, group.maximum)
        self._remember(group, replace(known, desired=desired, above_since=None))

    def _scale_in(self, group: Group, scaling: ManagedScaling, known: GroupState) -> None:
        running = len(self.state.staying(group.name))
        surplus = running - self._wanted_at_target(group, scaling)
        half = max(1, (running - 1) // 2)
        count = min(surplus, half, known.desired - group.minimum)
        if count > 0:
            desired = known.desired - count
            self._remember(group, replace(known, desired=desired, scaled_in_at=self.now))

    def _wanted_at_target(self, group: Group, scaling: ManagedScaling) -> int:
        """Return with how many instances the group's metric is at its target."""
        needed = needed_instances(group, self.state.of(group.name), self.demand)
        return math.ceil(100 * needed / scaling.target)

    def _next_to_terminate(self, group: Group) -> Instance | None:
        """Return the instance that a scale-in terminates; None if all are protected."""
        staying = self.state.staying(group.name)
        in_zone = Counter(each.zone for each in staying)
        unprotected = [each for each in staying if not self._protected(group, each)]

        def rank(each: Instance) -> tuple[int, int, bool, float, str]:
            # The fewest tasks, then the fullest zone, an older template, and the oldest instance.
            current = each.template.version == group.template.version
            return (self._tasks(each), -in_zone[each.zone], current, each.launched_at, each.id)

        return min(unprotected, key=rank, default=None)

    def _protected(self, group: Group, instance: Instance) -> bool:
        """Return whether a scale-in spares an instance; a deletion first lifts all protection."""
        if group.deleted:
            return False
        if group.termination_protection:
            return self._tasks(instance) > 0
        return group.protects

    def _may_refresh(self, group: Group, refresh: Refresh, instance: Instance) -> bool:
        if instance.draining:
            return False
        return refresh.protected == "Refresh" or not self._protected(group, instance)

    def _serves(self, group: Group, instance: Instance) -> bool:
        """Return whether an instance counts as healthy in a refresh."""
        in_service = instance.lifecycle is Lifecycle.IN_SERVICE
        return in_service and (instance.registered or bool(group.why_not_registered))

    def _begin_termination(self, group: Group, instance: Instance) -> None:
        if group.managed_draining and instance.registered and self._tasks(instance):
            draining = replace(instance, lifecycle=Lifecycle.TERMINATING, waiting_since=self.now)
            self._put(draining)
        else:
            self.terminate([instance])

    def _launch(self, group: Group) -> None:
        in_subnet = Counter(each.subnet for each in self.state.staying(group.name))
        subnet, zone = min(group.subnets, key=lambda each: in_subnet[each[0]])
        instance = Instance(
            id=self.ids.instance(),
            container_instance=self.ids.container_instance(),
            group=group.name,
            subnet=subnet,
            zone=zone,
            template=group.template,
            launched_at=self.now,
            provider=group.provider,
        )
        self.state = replace(self.state, instances=(*self.state.instances, instance))
        self.actions.append(FleetAction(FleetActionKind.LAUNCH, instance))

    def _tasks(self, instance: Instance) -> int:
        return self.demand.tasks.get(instance.id, 0)

    def _state_of(self, group: Group) -> GroupState:
        return self.state.groups[group.name]

    def _remember(self, group: Group, known: GroupState) -> None:
        if self.state.groups.get(group.name) != known:
            groups = {**self.state.groups, group.name: known}
            self.state = replace(self.state, groups=groups)

    def _put(self, instance: Instance) -> None:
        self.state = self.state.with_instance(instance)
