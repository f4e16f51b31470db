"""A simulated service with a fake clock, which checks every action of the scheduler."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from localaws.ecs.saved_states import from_json, to_json
from localaws.ecs.scheduler.capacity import Capacity, Fargate
from localaws.ecs.scheduler.model import (
    Action,
    ActionKind,
    Binding,
    Health,
    Process,
    ServiceRevision,
    ServiceSpec,
    ServiceState,
    Status,
    Task,
    TaskObservation,
    Timing,
    Zone,
)
from localaws.ecs.scheduler.rolling_update import Ids, recover, step
from localaws.ecs.scheduler.service_health import healthy, next_look, steady
from localaws.ecs.scheduler.waiter import wait_is_over

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
ZONES = (Zone(subnet="subnet-a", name="eu-west-1a"), Zone(subnet="subnet-b", name="eu-west-1b"))
BOUND = (Binding(target_group=GROUP, container="web", port=80),)
TIMING = Timing(first_pause=1, longest_pause=8, shortest_drain=1)


def revision(number: int, *, bindings: tuple[Binding, ...] = BOUND) -> ServiceRevision:
    return ServiceRevision(
        fingerprint=f"r{number}", task_definition=f"web:{number}", zones=ZONES, bindings=bindings
    )


def spec(**changes: Any) -> ServiceSpec:
    """Return a service of two tasks in a target group, with some values changed."""
    defaults: dict[str, Any] = {
        "arn": "service",
        "name": "web",
        "desired": 2,
        "revision": revision(1),
        "drain_delays": {GROUP: 5},
    }
    return ServiceSpec(**{**defaults, **changes})


@dataclass
class Behaviour:
    """How the tasks of a revision behave."""

    start: float = 1
    """Seconds until a task runs."""

    warm_up: float = 1
    """Seconds until it is healthy; infinity for never."""

    crash_after: float | None = None
    """Seconds after which it exits by itself."""

    unpullable: bool = False
    note: str = ""
    """A problem that it has only in the local AWS."""

    checks_itself: bool = False
    """Whether its containers have health checks, with the load balancer's results."""

    has_unchecked: bool = False
    """Whether nothing checks one of its essential containers."""


@dataclass
class SimulatedService:
    """A scheduled service whose tasks behave as configured.

    Each step checks the scheduler's bounds.
    """

    spec: ServiceSpec
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """Behaviour by task definition, or by id for a task that differs from its definition."""

    capacity: Capacity = Fargate()  # noqa: RUF009 — frozen
    firing: dict[str, str] = field(default_factory=dict)
    """What the alarms saw that are in ALARM, by name."""

    now: float = 1000
    pace: float = 1
    """Seconds between two observations."""

    state: ServiceState = field(default_factory=ServiceState)
    observations: dict[str, TaskObservation] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    stopping: set[str] = field(default_factory=set)
    registered: set[str] = field(default_factory=set)
    actions: list[Action] = field(default_factory=list)
    saved: ServiceState = field(default_factory=ServiceState)
    """The state on disk, which is written when the scheduler has nothing to do."""

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self._ids = Ids(
            deployment=lambda: f"ecs-svc/{next(numbers)}",
            task=lambda: f"{next(numbers):032x}",
            event=lambda: str(next(numbers)),
        )

    def run(self, seconds: float, tick: float | None = None) -> None:
        """Let time pass, with an observation after each tick."""
        end = self.now + seconds
        while self.now < end:
            self.now += tick or self.pace
            self.observe()
            self.settle()

    def settle(self) -> None:
        """Make steps until there is nothing to do, without time passing."""
        for _ in range(50):
            if self.step():
                self.saved = self.state
                return
        pytest.fail("the scheduler doesn't settle")

    def step(self) -> bool:
        """Make one step and check all bounds; return whether nothing is left to do."""
        before = self.state
        for identifier, observation in self.observations.items():
            if observation.process is Process.ENDED or observation.interrupted:
                self.ended.add(identifier)
        was_healthy = self.healthy_ids()
        self.state, actions = step(
            self.spec,
            before,
            self.observations,
            self.now,
            ids=self._ids,
            timing=TIMING,
            capacity=self.capacity,
            firing=self.firing,
        )
        for action in actions:
            self._do(action)
        if was_healthy - self.healthy_ids() - self.ended:
            assert self.healthy() >= self.spec.lower_bound, (
                "the scheduler itself went below the lower bound"
            )
        if any(action.kind is ActionKind.START for action in actions):
            assert len(self.active()) <= self.spec.upper_bound, "more tasks than the upper bound"
        assert set(self.begun) - self.ended <= self.alive(), "a task runs that the state lacks"
        expected = set()
        for task in self.with_status(Status.RUNNING):
            if self._revision(task).bindings:
                expected.add(task.id)
        assert self.registered == expected, "running tasks get requests, and no others"
        return not actions and self.state == before

    def _revision(self, task: Task) -> ServiceRevision:
        deployment = self.state.deployment(task.deployment)
        return deployment.revision if deployment else self.spec.revision

    def _do(self, action: Action) -> None:
        self.actions.append(action)
        identifier = action.task.id
        match action.kind:
            case ActionKind.START:
                assert identifier not in self.begun, "a task is started once"
                self.begun[identifier] = self.now
            case ActionKind.REGISTER:
                self.registered.add(identifier)
            case ActionKind.DEREGISTER:
                self.registered.discard(identifier)
            case ActionKind.STOP:
                assert identifier not in self.registered, (
                    "a task is stopped while it still gets requests"
                )
                self.stopping.add(identifier)

    def observe(self) -> None:
        """Observe all tasks that have begun to start."""
        self.observations = {}
        for task in self.state.tasks:
            if task.status is not Status.STOPPED and task.id in self.begun:
                self.observations[task.id] = self._observe(task)

    def _observe(self, task: Task) -> TaskObservation:
        of_definition = self.behaviours.get(task.task_definition, Behaviour())
        behaviour = self.behaviours.get(task.id, of_definition)
        age = self.now - self.begun[task.id] - behaviour.start
        if behaviour.unpullable:
            return TaskObservation(
                process=Process.ENDED, failure="CannotPullContainerError: no such image"
            )
        if task.id in self.stopping:
            return TaskObservation(process=Process.ENDED, exit_codes={"web": 143})
        if age < 0:
            return TaskObservation()
        if behaviour.crash_after is not None and age >= behaviour.crash_after:
            return TaskObservation(
                process=Process.ENDED, exit_codes={"web": 1}, note=behaviour.note
            )
        health = self._health(behaviour, age)
        return TaskObservation(
            process=Process.RUNNING,
            target_health=health if self._revision(task).bindings else Health.UNCHECKED,
            container_health=health if behaviour.checks_itself else Health.UNCHECKED,
            container_answer="container web: exit code 7",
            note=behaviour.note,
            has_unchecked=behaviour.has_unchecked,
            unhealthy_target_group=GROUP,
            unhealthy_host_port=32768 if task.instance else 0,
            unhealthy_reason="Health checks failed with these codes: [404]",
        )

    @staticmethod
    def _health(behaviour: Behaviour, age: float) -> Health:
        if age >= behaviour.warm_up:
            return Health.HEALTHY
        return Health.UNHEALTHY if age >= 4 else Health.INITIAL

    def end(self, task: Task, code: int = 137) -> None:
        """End a task's process, as if it had crashed."""
        self.now += 1
        self.observe()
        self.observations[task.id] = TaskObservation(
            process=Process.ENDED, exit_codes={"web": code}
        )
        self.settle()

    def crash(self) -> None:
        """End everything, and start again from the saved state."""
        saved_state = from_json(json.loads(json.dumps(to_json(self.saved))))
        assert saved_state == self.saved
        self.begun.clear()
        self.observations.clear()
        self.ended.clear()
        self.stopping.clear()
        self.registered.clear()
        self.state, actions = recover(saved_state, self.now)
        for action in actions:
            self._do(action)

    def crash_after_steps(self, steps: int) -> None:
        """Crash after some steps whose result wasn't saved."""
        self.now += 1
        self.observe()
        for _ in range(steps):
            self.step()
        self.crash()

    def active(self, task_definition: str | None = None) -> list[Task]:
        """Return the active tasks, by default of all task definitions."""
        active = [task for task in self.state.tasks if task.active]
        if task_definition is None:
            return active
        return [task for task in active if task.task_definition == task_definition]

    def active_ids(self) -> set[str]:
        return {task.id for task in self.active()}

    def active_counts(self) -> dict[str, int]:
        """Return the number of active tasks by task definition."""
        return Counter(task.task_definition for task in self.active())

    def with_status(self, status: Status) -> list[Task]:
        return [task for task in self.state.tasks if task.status is status]

    def alive(self) -> set[str]:
        """Return the ids of the tasks that aren't stopped."""
        return {task.id for task in self.state.tasks if task.status is not Status.STOPPED}

    def task(self, identifier: str) -> Task:
        """Return the task of an id as it is now."""
        return next(task for task in self.state.tasks if task.id == identifier)

    def healthy_ids(self) -> set[str]:
        now, observations = self.now, self.observations
        return {task.id for task in self.state.tasks if healthy(task, observations, now, TIMING)}

    def healthy(self) -> int:
        return len(self.healthy_ids())

    def steady(self) -> bool:
        return steady(self.spec, self.state, self.observations, self.now, TIMING)

    def wait_is_over(self, *, since: float) -> bool:
        """Return whether the provider's wait, begun at this time, ends; raise its error."""
        return wait_is_over(
            self.spec, self.state, self.observations, self.now, since=since, timing=TIMING
        )

    def seconds_to_next_step(self) -> float | None:
        """Return when the controller must make the next step; None if only a change needs one."""
        return next_look(self.spec, self.state, self.observations, self.now, TIMING)

    def draining(self) -> bool:
        return self.alive() != self.active_ids()

    def has_event(self, part: str) -> bool:
        return self.event_count(part) > 0

    def event_count(self, part: str) -> int:
        """Return how many events contain this text."""
        return sum(part in event.message for event in self.state.events)


def steady_service(**changes: Any) -> SimulatedService:
    """Return a service that is in a steady state."""
    service = SimulatedService(spec(**changes))
    service.settle()
    for _ in range(6):
        service.run(10)  # its tasks are healthy after two, or after forty where nothing checks them
        if service.steady():
            return service
    pytest.fail("the service isn't steady after a minute")
