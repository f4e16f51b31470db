"""A simulated service under a fake clock; every action is checked against the bounds."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from localaws.ecs.saved_states import from_json, to_json
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
from localaws.ecs.scheduler.service_health import healthy, steady

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
ZONES = (Zone(subnet="subnet-a", name="eu-west-1a"), Zone(subnet="subnet-b", name="eu-west-1b"))
BOUND = (Binding(target_group=GROUP, container="web", port=80),)
TIMING = Timing(first_pause=1, longest_pause=8, shortest_drain=1)


def revision(number: int, *, bindings: tuple[Binding, ...] = BOUND) -> ServiceRevision:
    return ServiceRevision(
        fingerprint=f"r{number}", task_definition=f"web:{number}", zones=ZONES, bindings=bindings
    )


def spec(**wishes: Any) -> ServiceSpec:
    defaults: dict[str, Any] = {
        "arn": "service",
        "name": "web",
        "desired": 2,
        "revision": revision(1),
        "drain_delays": {GROUP: 5},
    }
    return ServiceSpec(**{**defaults, **wishes})


@dataclass
class Behaviour:
    """What becomes of the tasks of a revision."""

    start: float = 1
    """Seconds until a task runs."""

    warm_up: float = 1
    """Seconds until it is healthy; infinity for never."""

    crash_after: float | None = None
    """Seconds after which it exits by itself."""

    unpullable: bool = False
    note: str = ""
    """What is wrong with it in the local AWS only."""

    checks_itself: bool = False
    """Whether its containers have health checks, of the same mind as the load balancer's."""


@dataclass
class World:
    """Tasks with given behaviour, a clock, and checks of the scheduler's bounds."""

    spec: ServiceSpec
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """By task definition, or by task id for one that differs."""

    now: float = 1000
    pace: float = 1
    """Seconds between two looks."""

    state: ServiceState = field(default_factory=ServiceState)
    observations: dict[str, TaskObservation] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    stopping: set[str] = field(default_factory=set)
    registered: set[str] = field(default_factory=set)
    actions: list[Action] = field(default_factory=list)
    saved: ServiceState = field(default_factory=ServiceState)
    """What is on disk: written when the scheduler has come to rest."""

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self._ids = Ids(
            deployment=lambda: f"ecs-svc/{next(numbers)}",
            task=lambda: f"{next(numbers):032x}",
            event=lambda: str(next(numbers)),
        )

    def run(self, seconds: float, tick: float | None = None) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += tick or self.pace
            self.observe()
            self.settle()

    def settle(self) -> None:
        for _ in range(50):
            if self.step():
                self.saved = self.state
                return
        pytest.fail("the scheduler doesn't come to rest")

    def step(self) -> bool:
        """Make one step and check all bounds; return whether nothing is left to do."""
        before = self.state
        self.ended |= {
            i
            for i, observation in self.observations.items()
            if observation.process is Process.ENDED
        }
        was_healthy = self.healthy_ids()
        self.state, actions = step(
            self.spec, before, self.observations, self.now, ids=self._ids, timing=TIMING
        )
        for action in actions:
            self._do(action)
        if was_healthy - self.healthy_ids() - self.ended:
            assert self.healthy() >= self.spec.lower_bound, (
                "the scheduler itself went below the lower bound"
            )
        if any(action.kind is ActionKind.START for action in actions):
            assert len(self.active()) <= self.spec.upper_bound, "more tasks than the upper bound"
        alive = {task.id for task in self.state.tasks if task.status is not Status.STOPPED}
        assert set(self.begun) - self.ended <= alive, "a task runs that the state lacks"
        running = {task.id for task in self.state.tasks if task.status is Status.RUNNING}
        bound = {task.id for task in self.state.tasks if self._revision(task).bindings} & running
        assert self.registered == bound, "what runs gets requests, and nothing else does"
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
        self.observations = {
            task.id: self._look(task)
            for task in self.state.tasks
            if task.status is not Status.STOPPED and task.id in self.begun
        }

    def _look(self, task: Task) -> TaskObservation:
        behaviour = self.behaviours.get(task.id) or self.behaviours.get(
            task.task_definition, Behaviour()
        )
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
            unhealthy_target_group=GROUP,
            unhealthy_reason="Health checks failed with these codes: [404]",
        )

    @staticmethod
    def _health(behaviour: Behaviour, age: float) -> Health:
        if age >= behaviour.warm_up:
            return Health.HEALTHY
        return Health.UNHEALTHY if age >= 4 else Health.INITIAL

    def end(self, task: Task, code: int = 137) -> None:
        """A process dies by itself."""
        self.now += 1
        self.observe()
        self.observations[task.id] = TaskObservation(
            process=Process.ENDED, exit_codes={"web": code}
        )
        self.settle()

    def crash(self) -> None:
        """Everything dies; what was saved is read back and started again."""
        saved_state = from_json(json.loads(json.dumps(to_json(self.saved))))
        assert saved_state == self.saved
        for known in (self.begun, self.observations):
            known.clear()
        for known_ids in (self.ended, self.stopping, self.registered):
            known_ids.clear()
        self.state, actions = recover(saved_state, self.now)
        for action in actions:
            self._do(action)

    def crash_on_the_way(self, steps: int) -> None:
        """The same after some steps whose outcome was not saved."""
        self.now += 1
        self.observe()
        for _ in range(steps):
            self.step()
        self.crash()

    def active(self, task_definition: str | None = None) -> list[Task]:
        return [
            t for t in self.state.tasks if t.active and task_definition in {None, t.task_definition}
        ]

    def healthy_ids(self) -> set[str]:
        return {
            task.id
            for task in self.state.tasks
            if healthy(task, self.observations, self.now, TIMING)
        }

    def healthy(self) -> int:
        return len(self.healthy_ids())

    def steady(self) -> bool:
        return steady(self.spec, self.state, self.observations, self.now, TIMING)

    def draining(self) -> bool:
        return any(
            not task.active and task.status is not Status.STOPPED for task in self.state.tasks
        )

    def says(self, part: str) -> bool:
        return self.event_count(part) > 0

    def event_count(self, part: str) -> int:
        """How often."""
        return sum(part in event.message for event in self.state.events)


def steady_world(**wishes: Any) -> World:
    world = World(spec(**wishes))
    world.settle()
    world.run(60)
    assert world.steady()
    return world
