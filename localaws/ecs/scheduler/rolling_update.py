"""ECS's rolling deployment as a pure step: what is wanted, what is there, what is seen, what time it is -> what to do.

The step is run until it asks for nothing. Each run does the smallest set of things that brings the
service nearer to what it should be: notes what happened, stops what is too much, starts what is
missing. Old tasks leave as far as the lower bound allows, new ones come as far as the upper bound
does, without waiting for each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from localaws.ecs.scheduler import messages, placement, service_health
from localaws.ecs.scheduler.model import (
    Action,
    ActionKind,
    Deployment,
    Event,
    Health,
    Process,
    Rollout,
    ServiceState,
    Status,
    StopCode,
    Task,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec, TaskObservation

_EVENTS_KEPT = 100
_FAILURES_WORTH_A_WORD = 3
"""Failed starts in a row after which ECS says that it can't start tasks consistently."""


@dataclass(frozen=True)
class Ids:
    """Where new ids come from."""

    deployment: Callable[[], str]
    """`ecs-svc/` and 19 digits."""

    task: Callable[[], str]
    """32 hexadecimal digits."""

    event: Callable[[], str]
    """A UUID."""


def step(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    *,
    ids: Ids,
    timing: Timing = Timing(),  # noqa: B008 — frozen
) -> tuple[ServiceState, list[Action]]:
    """Bring a service one step nearer to its specification.

    Args:
        spec: What the service should be; `desired` 0 to wind it down.
        state: What the last step left.
        observations: Observations by task id; a task without one hasn't been started yet.
        now: Seconds since the epoch.
        ids: Where new ids come from.
        timing: Durations that belong to ECS.

    Returns:
        The new state, and what to do, in order.
    """
    run = _Step(spec, state, observations, now, ids, timing)
    run.record_exits()
    run.register_started()
    run.record_health()
    run.report_local_problems()
    run.open_deployment()
    run.trip_circuit_breaker()
    run.stop_surplus()
    run.start_missing()
    run.stop_drained()
    run.complete_deployments()
    run.report_steady_state()
    run.rebalance_zones()
    run.forget_old()
    return run.state, run.actions


def recover(state: ServiceState, now: float) -> tuple[ServiceState, list[Action]]:
    """After a restart in which all processes died: run the same tasks again, and let go those that were leaving."""
    tasks, actions = [], []
    for task in state.tasks:
        if task.active:
            again = replace(task, status=Status.PENDING, started_at=None)
            actions.append(Action(ActionKind.START, again))
            tasks.append(again)
        elif task.status is Status.STOPPED:
            tasks.append(task)
        else:
            tasks.append(replace(task, status=Status.STOPPED, stopped_at=now))
    return replace(state, tasks=tuple(tasks)), actions


@dataclass
class _Step:
    """One step in the making: the arguments of `step`, its state so far, and the actions decided so far."""

    spec: ServiceSpec
    state: ServiceState
    observations: Mapping[str, TaskObservation]
    now: float
    ids: Ids
    timing: Timing
    actions: list[Action] = field(default_factory=list)

    # What happened

    def record_exits(self) -> None:
        """Tasks whose processes are over are stopped; one that nobody asked to stop has failed."""
        for task in self.state.tasks:
            observation = self._observation(task)
            if task.status is Status.STOPPED or observation.process is not Process.ENDED:
                continue
            if task.active:  # what leaves anyway has not failed its deployment
                self._fail(task, observation)
            self._put(
                replace(
                    self._now(task),
                    status=Status.STOPPED,
                    stopped_at=self.now,
                    exit_codes=observation.exit_codes,
                )
            )

    def register_started(self) -> None:
        """Tasks that run now are registered with their target groups."""
        started = [
            replace(task, status=Status.RUNNING, started_at=self.now)
            for task in self._with(Status.PENDING)
            if self._observation(task).process is Process.RUNNING
        ]
        for task in started:
            self._put(task)
            if self._bound(task):
                self._act(ActionKind.REGISTER, task)
        self._add_target_events("registered", started)

    def record_health(self) -> None:
        """A healthy task ends a row of failures."""
        for task in self._with(Status.RUNNING):
            if not task.healthy_once and self._is_healthy(task):
                self._put(replace(task, healthy_once=True))
                deployment = self._deployment(task)
                self._put_deployment(
                    replace(deployment, failures=0, not_before=0, recovered_at=self.now)
                )

    def report_local_problems(self) -> None:
        """What is wrong with a running task here is an event, once."""
        for task in self._with(Status.RUNNING):
            if note := self._observation(task).note:
                self._add_event_once(messages.noted(task, note), since=task.created_at)

    # What should be

    def open_deployment(self) -> None:
        """Asking for another revision than the primary's makes a new deployment, which supersedes the others."""
        before, wanted = self.state.requested, self.spec.revision
        self.state = replace(self.state, requested=wanted)
        if before is not None and before.covers(wanted.fingerprint):
            return  # or it merely isn't forced any more
        there = self.state.deployments[:1]
        if not any(
            each.revision.covers(wanted.fingerprint) and each.rollout is not Rollout.FAILED
            for each in there
        ):
            self._open(wanted)

    def trip_circuit_breaker(self) -> None:
        """Too many failures in a row end a deployment; the last completed one comes back, if there is one."""
        failed, breaker, good = self._primary(), self.spec.breaker, self.state.completed
        tripped = breaker.enable and failed.failures >= self.spec.failure_threshold
        if not tripped or failed.rollout is not Rollout.IN_PROGRESS:
            return
        self._put_deployment(replace(failed, rollout=Rollout.FAILED))
        self._add_event(messages.deployment(failed.id, f"failed: {messages.FAILED_TO_START}"))
        if breaker.rollback and good is not None:
            self._open(good, failed=failed)
            self._add_event(messages.rolling_back(self._primary().id))
            self.state = replace(self.state, completed=None)

    def stop_surplus(self) -> None:
        """Stop what is too much, never below the lower bound."""
        primary, old = self._active()
        if self._primary().rollout is Rollout.FAILED:
            self._stop_stalled(primary, old)
            return
        well = [task for task in primary if not self._is_failing(task)]
        blocked = len(well) < self.spec.desired and not self._room()
        self._stop_failing(primary, blocked=blocked)
        surplus = max(0, len(well) - self.spec.desired)
        if surplus != sum(task.evens_zones and not task.healthy_once for task in well):
            self._deactivate(self._order(well)[:surplus], messages.scaling(self._primary().id))
        leaving = self._dispensable(old)
        self._deactivate(leaving, messages.scaling(self._primary().id))
        if old and blocked and not leaving and all(map(self._is_healthy, primary)):
            self._add_event_once(messages.STUCK, since=self._primary().created_at)

    def start_missing(self) -> None:
        """Start what the primary deployment lacks, as far as the upper bound and the last failures allow."""
        if self._primary().rollout is Rollout.FAILED or not self._may_start():
            return
        primary, _ = self._active()
        failing = sum(map(self._is_failing, primary))
        count = min(self.spec.desired - len(primary) + failing, self._room())
        if self.spec.placeable:
            self._start(count, replacing=min(count, failing))
        elif count > 0:
            self._add_event_once(messages.NO_INSTANCES, since=self._primary().created_at)

    def stop_drained(self) -> None:
        """Tasks that have drained get SIGTERM."""
        for task in self._with(Status.DEACTIVATING):
            if task.deactivated_at is not None and self.now >= task.deactivated_at + self._drain(
                task
            ):
                stopping = replace(task, status=Status.STOPPING, stopping_at=self.now)
                self._put(stopping)
                self._act(ActionKind.STOP, stopping)

    def complete_deployments(self) -> None:
        """Superseded deployments end with their last task; the primary is complete once the service is steady."""
        alive = {task.deployment for task in self.state.tasks if task.status is not Status.STOPPED}
        first, *others = self.state.deployments
        self.state = replace(
            self.state, deployments=(first, *(each for each in others if each.id in alive))
        )
        if first.rollout is Rollout.IN_PROGRESS and self._steady():
            self._put_deployment(replace(first, rollout=Rollout.COMPLETED))
            self.state = replace(self.state, completed=first.revision)
            self._add_event(messages.deployment(first.id, "completed."))

    def report_steady_state(self) -> None:
        """A steady state is told when it is reached, and now and then while it lasts."""
        since = self.state.steady_since
        since = (self.now if since is None else since) if self._steady() else None
        self.state = replace(self.state, steady_since=since)
        if since is not None:
            self._add_event_once(messages.STEADY, since=since)

    def rebalance_zones(self) -> None:
        """Start a task in a zone that has too few; once it is healthy, one from a crowded zone is a surplus."""
        since, deployment = self.state.steady_since, self._primary()
        if not self.spec.rebalances or since is None or self.now < since + self.timing.rebalanced:
            return
        primary, _ = self._active()
        if (
            self._room()
            and self._may_start()
            and placement.uneven(deployment.revision.zones, primary)
        ):
            self._add_event_once(
                messages.uneven(placement.crowds(deployment.revision.zones, primary)), since=since
            )
            self._start(1, evens_zones=True)

    def forget_old(self) -> None:
        """Forget what was long ago."""
        recent = self.now - self.timing.remembered
        tasks = tuple(
            task
            for task in self.state.tasks
            if task.stopped_at is None or task.stopped_at >= recent
        )
        reported_at = {
            text: at
            for text, at in self.state.reported_at.items()
            if at >= self.now - self.timing.repeated
        }
        self.state = replace(
            self.state,
            tasks=tasks,
            reported_at=reported_at,
            events=self.state.events[:_EVENTS_KEPT],
        )

    # Parts

    def _fail(self, task: Task, observation: TaskObservation) -> None:
        """Note an end that nobody asked for, and wait a little longer each time before trying again."""
        if observation.failure:
            code, reason = StopCode.TASK_FAILED_TO_START, observation.failure
            self._add_failure_event(messages.unplaced(observation.failure), task)
        else:
            code, reason = StopCode.ESSENTIAL_CONTAINER_EXITED, messages.ESSENTIAL_EXITED
        self._put(replace(task, stop_code=code, stop_reason=reason, note=observation.note))
        self._count_failure(task)
        if task.status is Status.RUNNING and self._bound(task):
            self._act(ActionKind.DEREGISTER, task)
            self._add_target_events("deregistered", [task])

    def _start(self, count: int, *, replacing: int = 0, evens_zones: bool = False) -> None:
        deployment = self._primary()
        primary, _ = self._active()
        started: list[Task] = []
        for _ in range(count):
            task = Task(
                id=self.ids.task(),
                deployment=deployment.id,
                task_definition=deployment.revision.task_definition,
                zone=placement.emptiest(deployment.revision.zones, [*primary, *started]),
                created_at=self.now,
                evens_zones=evens_zones,
            )
            started.append(task)
            self.state = replace(self.state, tasks=(*self.state.tasks, task))
            self._act(ActionKind.START, task)
        if started:
            self._add_event(
                messages.moved(started[0])
                if evens_zones
                else messages.started(started, replacing=replacing)
            )

    def _open(self, revision: ServiceRevision, *, failed: Deployment | None = None) -> None:
        new = Deployment(
            id=self.ids.deployment(),
            revision=revision,
            created_at=self.now,
            updated_at=self.now,
            requested_at=failed.requested_at if failed else self.now,
            rolls_back=failed.id if failed else "",
        )
        self.state = replace(self.state, deployments=(new, *self.state.deployments))

    def _count_failure(self, task: Task) -> None:
        """A task that worked once and fails later only needs a replacement; others speak against their version."""
        if task.healthy_once:
            return
        deployment = self._deployment(task)
        failures = deployment.failures + 1
        not_before = self.now + service_health.pause(failures, self.timing)
        self._put_deployment(replace(deployment, failures=failures, not_before=not_before))
        if failures >= _FAILURES_WORTH_A_WORD:
            self._add_failure_event(messages.INCONSISTENT, task)

    def _dispensable(self, old: Sequence[Task]) -> list[Task]:
        """Those of superseded deployments that don't work, and of those that do as many as the lower bound allows.

        What only starts again after a restart of ours counts as it did before.
        """
        working = [
            task
            for task in self.state.tasks
            if task.active and task.healthy_once and not self._is_failing(task)
        ]
        spare, spare_healthy = (
            count - self.spec.lower_bound for count in (len(working), self._healthy_count())
        )
        leaving = []
        for task in self._order(old):
            if task in working:
                well = self._is_healthy(task)
                if spare <= 0 or (well and spare_healthy <= 0):
                    continue
                spare -= 1
                spare_healthy -= well
            leaving.append(task)
        return leaving

    def _stop_failing(self, primary: Sequence[Task], *, blocked: bool) -> None:
        """Stop tasks that fail their health checks: once others do their work, or one at a time to make room."""
        failing = [task for task in primary if self._is_failing(task)]
        if blocked and all(self._is_failing(task) or self._is_healthy(task) for task in primary):
            self._stop_unhealthy(failing[:1])
        elif self._healthy_count() >= self.spec.desired:
            self._stop_unhealthy(failing)

    def _stop_stalled(self, primary: Sequence[Task], old: Sequence[Task]) -> None:
        """A failed deployment without a successor keeps whatever works, of any version, up to the desired count."""
        self._stop_unhealthy([task for task in primary if self._is_failing(task)])
        kept = [task for task in primary if not self._is_failing(task)] + list(old)
        surplus = max(0, len(kept) - self.spec.desired)
        self._deactivate(self._order(kept)[:surplus], messages.scaling(self._primary().id))

    def _stop_unhealthy(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            observation = self._observation(task)
            if observation.target_health is Health.UNHEALTHY:
                reason, answer = (
                    messages.failed_target_checks(observation.unhealthy_target_group),
                    observation.unhealthy_reason,
                )
                self._add_event(
                    messages.unhealthy_target(
                        task, self._port(task), observation.unhealthy_target_group, answer
                    )
                )
            else:
                reason, answer = messages.FAILED_CONTAINER_CHECKS, observation.container_answer
                self._add_event(messages.unhealthy_containers(task))
            self._deactivate([replace(task, health_answer=answer)], reason)
            self._count_failure(task)

    def _deactivate(self, tasks: Sequence[Task], reason: str) -> None:
        """Take tasks out of service; they are stopped when they have drained."""
        running = [task for task in tasks if task.status is Status.RUNNING]
        registered = [task for task in running if self._bound(task)]
        for task in tasks:
            leaving = replace(
                task,
                status=Status.DEACTIVATING,
                deactivated_at=self.now,
                stop_code=StopCode.SERVICE_SCHEDULER_INITIATED,
                stop_reason=reason,
            )
            self._put(leaving)
            if task in registered:
                self._act(ActionKind.DEREGISTER, leaving)
        if running:
            self._add_event(messages.stopped(running))
        if len(running) < len(tasks):
            self._add_event(messages.stopped_pending(len(tasks) - len(running)))
        self._add_target_events("deregistered", registered)
        for deployment, count in Counter(task.deployment for task in registered).items():
            self._add_event(messages.draining(count), task_set=deployment)

    def _order(self, tasks: Sequence[Task]) -> list[Task]:
        return placement.leaving_order(tasks, self._is_healthy)

    def _active(self) -> tuple[list[Task], list[Task]]:
        """The primary deployment's tasks that serve or are about to, and all others'."""
        primary = self._primary().id
        active = [task for task in self.state.tasks if task.active]
        return [t for t in active if t.deployment == primary], [
            t for t in active if t.deployment != primary
        ]

    def _room(self) -> int:
        return max(0, self.spec.upper_bound - sum(task.active for task in self.state.tasks))

    def _healthy_count(self) -> int:
        return sum(map(self._is_healthy, self.state.tasks))

    def _is_healthy(self, task: Task) -> bool:
        return service_health.healthy(task, self.observations, self.now, self.timing)

    def _is_failing(self, task: Task) -> bool:
        return service_health.failing(task, self.observations, self.now, self.spec.grace)

    def _steady(self) -> bool:
        return service_health.steady(
            self.spec, self.state, self.observations, self.now, self.timing
        )

    def _may_start(self) -> bool:
        return self.now >= service_health.starts_at(
            self.spec, self.state, self._primary(), self.timing
        )

    def _drain(self, task: Task) -> float:
        if task.started_at is None or not self._bound(task):
            return 0
        delays = (
            self.spec.drain_delays.get(each.target_group, 0)
            for each in self._deployment(task).revision.bindings
        )
        return max(self.timing.shortest_drain, *delays)

    def _bound(self, task: Task) -> bool:
        return bool(self._deployment(task).revision.bindings)

    def _port(self, task: Task) -> int:
        observation, bindings = self._observation(task), self._deployment(task).revision.bindings
        return next(
            (
                each.port
                for each in bindings
                if each.target_group == observation.unhealthy_target_group
            ),
            0,
        )

    def _with(self, status: Status) -> list[Task]:
        return [task for task in self.state.tasks if task.status is status]

    def _observation(self, task: Task) -> TaskObservation:
        return self.observations.get(task.id, service_health.NOT_OBSERVED)

    def _now(self, task: Task) -> Task:
        return next(each for each in self.state.tasks if each.id == task.id)

    def _primary(self) -> Deployment:
        return self.state.deployments[0]

    def _deployment(self, task: Task) -> Deployment:
        return next(each for each in self.state.deployments if each.id == task.deployment)

    def _put(self, task: Task) -> None:
        self.state = self.state.with_task(task)

    def _put_deployment(self, deployment: Deployment) -> None:
        changed = replace(deployment, updated_at=self.now)
        deployments = tuple(
            changed if each.id == changed.id else each for each in self.state.deployments
        )
        self.state = replace(self.state, deployments=deployments)

    def _act(self, kind: ActionKind, task: Task) -> None:
        self.actions.append(Action(kind, task))

    def _add_event(self, message: str, *, task_set: str = "") -> None:
        who = (
            f"service {self.spec.name}, taskSet {task_set}"
            if task_set
            else f"service {self.spec.name}"
        )
        event = Event(id=self.ids.event(), at=self.now, message=f"({who}) {message}")
        self.state = replace(self.state, events=(event, *self.state.events))

    def _add_event_once(self, message: str, *, since: float) -> None:
        """Say it unless it was said since its cause began; what lasts is said again once `tidy` has forgotten it."""
        if self.state.reported_at.get(message, 0) < since:
            self.state = replace(
                self.state, reported_at={**self.state.reported_at, message: self.now}
            )
            self._add_event(message)

    def _add_failure_event(self, message: str, task: Task) -> None:
        """Say it once until a task of the same deployment becomes healthy."""
        deployment = self._deployment(task)
        self._add_event_once(message, since=max(deployment.created_at, deployment.recovered_at))

    def _add_target_events(self, verb: str, tasks: Sequence[Task]) -> None:
        groups = Counter(
            each.target_group for task in tasks for each in self._deployment(task).revision.bindings
        )
        for target_group, count in groups.items():
            self._add_event(messages.targets(verb, count, target_group))
