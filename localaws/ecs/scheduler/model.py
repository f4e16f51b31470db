"""The values of scheduler and controller: specification, state, observations, actions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from localaws.ec2.placement import Rules
from localaws.speed import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Durations that ECS sets and no user can change, in seconds."""

    healthy_without_checks: float = 40
    """How long a task must run to count as healthy when nothing checks it."""

    healthy_beside_unchecked: float = 3
    """How long a task must run to count as healthy when only some essential containers are checked.

    ECS has no such time, but on AWS a new target isn't healthy earlier: a sidecar that fails at its
    start has failed by then. Here a target is healthy after a fraction of a second.
    """

    first_pause: float = 1
    """Before a replacement is started after a task failed; doubles with each failure in a row."""

    longest_pause: float = 60
    """Between two starts; ECS goes up to 15 minutes, which on one machine only costs time."""

    crash_window: float = 120
    """How long a task that worked and then failed counts as a recent crash."""

    shortest_drain: float = 0.5
    """Between deregistering a target and stopping its task, whatever the deregistration delay: by
    then load balancers have stopped sending it requests.
    """

    remembered: float = 3600
    """How long stopped tasks stay visible."""

    repeated: float = 6 * 3600
    """After which an event is repeated whose cause lasts, such as a steady state."""

    rebalanced: float = 5
    """Of a steady state before tasks move to another zone."""

    bake: float = 300 / COMPRESSION
    """How long a deployment's alarms are watched after the tasks that it replaces are gone.

    ECS computes it from the alarms by a rule that isn't published, and says "less than 5 minutes".
    Alarms are evaluated `COMPRESSION` times as fast as on AWS, so it passes as fast.

    Source: "How CloudWatch alarms detect Amazon ECS deployment failures", Bake time.
    """

    def at(self, speed: float) -> Timing:
        """Return the same at another speed, except for the durations that aren't AWS's.

        Those are how soon a load balancer of this machine stops sending requests, and how long
        things are remembered.
        """
        return replace(
            self,
            healthy_without_checks=self.healthy_without_checks / speed,
            healthy_beside_unchecked=self.healthy_beside_unchecked / speed,
            first_pause=self.first_pause / speed,
            longest_pause=self.longest_pause / speed,
            crash_window=self.crash_window / speed,
            rebalanced=self.rebalanced / speed,
            bake=self.bake / speed,
        )


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A subnet in which tasks may run, and the zone it is in."""

    subnet: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A target group in which every task of a service is registered."""

    target_group: str
    container: str
    port: int


@dataclass(frozen=True, kw_only=True)
class ServiceRevision:
    """Everything about a service whose change makes a new deployment."""

    fingerprint: str
    """Of what it runs. A forced deployment's continues with `+` and the service's own fingerprint
    at that time.
    """

    task_definition: str
    """ARN."""

    zones: tuple[Zone, ...]
    bindings: tuple[Binding, ...] = ()
    stop_timeout: float = 30
    launch: Mapping[str, Any] = field(default_factory=dict)
    """What the task runtime needs, kept here since the task definition may be gone while its tasks
    still run.
    """

    def covers(self, wanted: str) -> bool:
        """Return whether a requested fingerprint needs no new deployment of another revision.

        A forced revision covers the same one unforced too: that the program no longer forces a
        deployment isn't a change.
        """
        return wanted in {self.fingerprint, self.fingerprint.partition("+")[0]}


@dataclass(frozen=True)
class Breaker:
    """A service's deployment circuit breaker."""

    enable: bool = False
    """Whether a deployment whose tasks keep failing ends as failed; else ECS tries for ever."""

    rollback: bool = False
    """Whether ECS then returns to the last completed deployment."""


@dataclass(frozen=True)
class DeploymentAlarms:
    """The CloudWatch alarms that watch a service's deployments."""

    names: tuple[str, ...] = ()
    """Empty where the service doesn't enable them."""

    rollback: bool = False
    """Whether ECS returns to the last completed deployment when one of them fails a deployment."""


@dataclass(frozen=True, kw_only=True)
class StrategyItem:
    """One item of a capacity provider strategy."""

    provider: str
    base: int = 0
    """Tasks that it gets before the others get any."""

    weight: int = 0
    """Its share of the further tasks, relative to the other items' weights."""


@dataclass(frozen=True, kw_only=True)
class CapacityChoice:
    """What a service's tasks are to run on."""

    on_instances: bool = False
    """Whether that is container instances; else it is Fargate."""

    strategy: tuple[StrategyItem, ...] = ()
    """Its capacity provider strategy; empty for a launch type."""

    cluster: str = "default"
    """The name of its cluster, whose instances count."""

    rules: Rules = Rules()  # noqa: RUF009 — frozen
    """How its tasks are placed on instances."""


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """The desired state of a service."""

    arn: str
    name: str
    desired: int
    minimum_percent: int = 100
    maximum_percent: int = 200
    grace: float = 0
    """Seconds after a task's start in which failed health checks don't matter."""

    breaker: Breaker = Breaker()
    alarms: DeploymentAlarms = DeploymentAlarms()
    rebalances: bool = False
    """Whether tasks move from a zone with many to one with few: ECS's AZ rebalancing."""

    capacity: CapacityChoice = CapacityChoice()
    revision: ServiceRevision
    drain_delays: Mapping[str, float] = field(default_factory=dict)
    """Deregistration delay by target group, in seconds, also of those that only older deployments
    are in.
    """

    def at(self, speed: float) -> ServiceSpec:
        """Return the same with durations that pass at another speed."""
        delays = {group: delay / speed for group, delay in self.drain_delays.items()}
        return replace(self, grace=self.grace / speed, drain_delays=delays)

    @property
    def lower_bound(self) -> int:
        """Healthy tasks that the scheduler keeps: minimumHealthyPercent, rounded up."""
        return min(self.desired, math.ceil(self.desired * self.minimum_percent / 100))

    @property
    def upper_bound(self) -> int:
        """Starting and running tasks at most: maximumPercent, rounded down."""
        return self.desired * self.maximum_percent // 100

    @property
    def failure_threshold(self) -> int:
        """Failures in a row that trip the circuit breaker: half of the tasks, but 3 to 200.

        Source: DeploymentCircuitBreaker in ECS's API reference.
        """
        return min(max(3, math.ceil(self.desired / 2)), 200)


class Status(StrEnum):
    """A task's last status. ECS's other ones are too short to be distinguished here."""

    PROVISIONING = "PROVISIONING"
    """It waits for an instance with room."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


_ACTIVE = (Status.PROVISIONING, Status.PENDING, Status.RUNNING)
"""No set: hashing a member takes longer than to compare it with each of these."""


class StopCode(StrEnum):
    """Why a task stopped, for programs."""

    TASK_FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_CONTAINER_EXITED = "EssentialContainerExited"
    SERVICE_SCHEDULER_INITIATED = "ServiceSchedulerInitiated"
    SPOT_INTERRUPTION = "SpotInterruption"


class Rollout(StrEnum):
    """How far a deployment is."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of a service; times are seconds since the epoch."""

    id: str
    deployment: str
    task_definition: str
    """ARN; a stopped task outlives its deployment."""

    zone: Zone
    created_at: float
    capacity_provider: str = ""
    """Nothing for a launch type."""

    instance: str = ""
    """The id of the EC2 instance that it is on; nothing on Fargate, or as long as it waits."""

    status: Status = Status.PENDING
    started_at: float | None = None
    healthy_once: bool = False
    deactivated_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    stop_code: StopCode | None = None
    stop_reason: str = ""
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    """Exit status by container, of those that ran."""

    exit_reasons: Mapping[str, str] = field(default_factory=dict)
    """Why each container ended, where its exit status doesn't show it: `OutOfMemoryError: …`."""

    health_answer: str = ""
    """The result of the health checks for which it was stopped:
    `Health checks failed with these codes: [404]`.
    """

    note: str = ""
    """What failed on this machine and wouldn't on AWS."""

    evens_zones: bool = False
    """Whether it was started beyond the desired count, to even the zones out: once it is healthy,
    one in a crowded zone stops.
    """

    @property
    def active(self) -> bool:
        """Whether it serves or is about to: what the upper bound counts."""
        return self.status in _ACTIVE

    @property
    def crashed(self) -> bool:
        """Whether it worked once, and then failed."""
        ended_by_itself = self.stop_code is StopCode.ESSENTIAL_CONTAINER_EXITED
        return self.healthy_once and (ended_by_itself or bool(self.health_answer))


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One attempt to have a revision running; the service's newest is its primary."""

    id: str
    revision: ServiceRevision
    created_at: float
    updated_at: float
    rollout: Rollout = Rollout.IN_PROGRESS
    requested_at: float = 0
    """When it was requested; for a rollback, when the failed deployment was requested."""

    rolls_back: str = ""
    """Of a rollback: the id of the deployment that failed."""

    failures: int = 0
    """Tasks in a row that failed before they were healthy; a healthy one resets it."""

    not_before: float = 0
    """No task is started earlier."""

    recovered_at: float = 0
    """When a task became healthy last: an earlier failure may be reported again."""

    ignored_alarms: tuple[str, ...] = ()
    """Alarms that were in ALARM when it began: ECS then watches none while it lasts."""

    alarms: Mapping[str, str] = field(default_factory=dict)
    """Why each alarm was in ALARM that failed it, by name; a rollback has those of the deployment
    that it rolls back. Empty where the circuit breaker failed it.
    """

    baking_since: float | None = None
    """When its bake time began: all its tasks were healthy and the ones that it replaces gone, and
    its alarms are still watched.
    """


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line in the service's event list."""

    id: str
    at: float
    message: str


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """What a service has; survives restarts."""

    deployments: tuple[Deployment, ...] = ()
    """Newest first; the first is the primary."""

    requested: ServiceRevision | None = None
    """The revision requested last; after a rollback the primary deployment has another."""

    completed: ServiceRevision | None = None
    """The revision of the last completed deployment, to which a rollback returns. None from the
    start of a rollback until that completes: a rollback isn't rolled back.
    """

    tasks: tuple[Task, ...] = ()
    events: tuple[Event, ...] = ()
    """Newest first."""

    reported_at: Mapping[str, float] = field(default_factory=dict)
    """When each event that may repeat was last added, by its text."""

    steady_since: float | None = None

    def deployment(self, identifier: str) -> Deployment | None:
        """Return the deployment with this id, while it has tasks or is the primary."""
        for each in self.deployments:
            if each.id == identifier:
                return each
        return None

    def with_task(self, changed: Task) -> ServiceState:
        """Return the same with one task replaced."""
        tasks = [changed if each.id == changed.id else each for each in self.tasks]
        return replace(self, tasks=tuple(tasks))


class Process(StrEnum):
    """What the runtime knows of a task."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Health(StrEnum):
    """The health of a task by its target groups' checks, or by its containers' own.

    The order counts: of several results the one that stands last here is the task's.
    """

    UNCHECKED = "unchecked"
    HEALTHY = "healthy"
    INITIAL = "initial"
    UNHEALTHY = "unhealthy"


def worse(one: Health, other: Health) -> Health:
    """Return which of two results is a task's."""
    return one if _SEVERITY[one] >= _SEVERITY[other] else other


_SEVERITY = {health: number for number, health in enumerate(Health)}


@dataclass(frozen=True, kw_only=True)
class TaskObservation:
    """What is observed of one task now."""

    process: Process = Process.STARTING
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    exit_reasons: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    """For a task that never started: the reason, beginning with ECS's error name."""

    note: str = ""
    """What is wrong with it here that isn't wrong on AWS."""

    target_health: Health = Health.UNCHECKED
    """The result of its target groups' checks."""

    unhealthy_target_group: str = ""
    """The target group in which it is unhealthy."""

    unhealthy_reason: str = ""
    """`Health checks failed with these codes: [404]`."""

    unhealthy_host_port: int = 0
    """The instance's port that is checked there; 0 for a task with its own address."""

    interrupted: bool = False
    """Whether AWS takes back the spare capacity that it runs on."""

    host_lost: bool = False
    """Whether it ended with its EC2 instance."""

    has_unchecked: bool = False
    """Whether nothing checks one of its essential containers."""

    container_health: Health = Health.UNCHECKED
    """The result of its containers' own health checks."""

    container_answer: str = ""
    """The result of the check that fails: `container web: exit code 1`."""

    @property
    def health(self) -> Health:
        """The worse of both results; a task that only one of them checks has that one's."""
        return worse(self.target_health, self.container_health)


class ActionKind(StrEnum):
    """The kinds of actions."""

    START = "start"
    REGISTER = "register"
    DEREGISTER = "deregister"
    STOP = "stop"


@dataclass(frozen=True)
class Action:
    """Something to be done to a task, in the order given."""

    kind: ActionKind
    task: Task
