"""ECS's rolling deployment as a pure step: specification, state, observations, time -> actions.

The step is repeated until it returns no action. Each one records what happened, stops surplus tasks
and starts missing ones. Old tasks stop as far as minimumHealthyPercent allows, new ones start as
far as maximumPercent does, without waiting for each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from localaws.ecs.scheduler import messages, placement, service_health
from localaws.ecs.scheduler.capacity import Fargate, NotPlaced, Occupant, next_provider
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
    Zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.ecs.scheduler.capacity import Capacity, Placed
    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec, TaskObservation

_EVENTS_KEPT = 100
_NO_ZONE_YET = Zone(subnet="", name="")
_FAILURES_TO_REPORT = 3
"""Failed starts in a row after which ECS reports that it can't start tasks consistently."""


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
    capacity: Capacity = Fargate(),  # noqa: B008 — frozen
    firing: Mapping[str, str] = MappingProxyType({}),
) -> tuple[ServiceState, list[Action]]:
    """Bring a service one step nearer to its specification.

    Args:
        spec: What the service should be; with `desired` 0 all its tasks stop.
        state: What the last step left.
        observations: Observations by task id; a task without one hasn't been started yet.
        now: Seconds since the epoch.
        ids: Where new ids come from.
        timing: Durations that belong to ECS.
        capacity: What its tasks run on.
        firing: The reasons of those of the service's alarms that are in ALARM now, by name.

    Returns:
        The new state, and what to do, in order.
    """
    run = _Step(spec, state, observations, now, ids, timing, capacity, firing)
    # The order matters. Observations come first: everything after them decides by the new state.
    # Circuit breaker and alarms decide before anything starts, else a failed deployment would get
    # one more task. Surplus tasks stop before missing ones start: at a maximum of 100 % that makes
    # the room. Only then can the service be judged steady, and its zones be balanced.
    run.record_exits()
    run.stop_interrupted()
    run.register_started()
    run.record_health()
    run.report_local_problems()
    run.open_deployment()
    run.fail_deployment()
    run.stop_surplus()
    run.place_waiting()
    run.start_missing()
    run.stop_drained()
    run.complete_deployments()
    run.report_steady_state()
    run.rebalance_zones()
    run.forget_old()
    return run.state, run.actions


def recover(state: ServiceState, now: float) -> tuple[ServiceState, list[Action]]:
    """Start the same tasks again after the daemon's end, but not those that were stopping."""
    tasks = []
    actions = []
    for task in state.tasks:
        if task.status is Status.PROVISIONING:
            tasks.append(task)
        elif task.active:
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
    """The arguments of `step`, the state so far and the actions decided so far."""

    spec: ServiceSpec
    state: ServiceState
    observations: Mapping[str, TaskObservation]
    now: float
    ids: Ids
    timing: Timing
    capacity: Capacity
    firing: Mapping[str, str]
    actions: list[Action] = field(default_factory=list)

    # What happened

    def record_exits(self) -> None:
        """Mark tasks whose processes ended as stopped; those that nothing stopped have failed."""
        for task in self.state.tasks:
            observation = self._observation(task)
            if task.status is Status.STOPPED or observation.process is not Process.ENDED:
                continue
            # The end of a task that was to stop is no failure of its deployment.
            ended = self._fail(task, observation) if task.active else task
            self._put(
                replace(
                    ended,
                    status=Status.STOPPED,
                    stopped_at=self.now,
                    exit_codes=observation.exit_codes,
                    exit_reasons=observation.exit_reasons,
                )
            )

    def stop_interrupted(self) -> None:
        """Stop tasks whose spare capacity AWS takes back: at once, before others have started."""
        for task in self.state.tasks:
            if not task.active or not self._observation(task).interrupted:
                continue
            stopping = replace(
                task,
                status=Status.STOPPING,
                stopping_at=self.now,
                stop_code=StopCode.SPOT_INTERRUPTION,
                stop_reason=messages.INTERRUPTED,
            )
            self._put(stopping)
            if task.status is Status.RUNNING and self._has_target_groups(task):
                self._act(ActionKind.DEREGISTER, stopping)
                self._add_target_events("deregistered", [stopping])
            self._act(ActionKind.STOP, stopping)

    def register_started(self) -> None:
        """Register tasks that run now with their target groups."""
        started: list[Task] = []
        for task in self._tasks_in(Status.PENDING):
            if self._observation(task).process is not Process.RUNNING:
                continue
            running = replace(task, status=Status.RUNNING, started_at=self.now)
            started.append(running)
            self._put(running)
            if self._has_target_groups(running):
                self._act(ActionKind.REGISTER, running)
        self._add_target_events("registered", started)

    def record_health(self) -> None:
        """Reset the count of failures when a task becomes healthy.

        ECS's circuit breaker counts consecutive failures only.
        """
        for task in self._tasks_in(Status.RUNNING):
            if not task.healthy_once and self._is_healthy(task):
                self._put(replace(task, healthy_once=True))
                deployment = self._deployment(task)
                self._put_deployment(
                    replace(deployment, failures=0, not_before=0, recovered_at=self.now)
                )

    def report_local_problems(self) -> None:
        """Add one event for a problem of a running task that exists only here."""
        for task in self._tasks_in(Status.RUNNING):
            note = self._observation(task).note
            if note:
                self._add_event_once(messages.noted(task, note), since=task.created_at)

    # What should be

    def open_deployment(self) -> None:
        """Open a deployment when another revision than the primary's is requested.

        It supersedes all others, also one in progress, as UpdateService does.
        """
        before, wanted = self.state.requested, self.spec.revision
        self.state = replace(self.state, requested=wanted)
        if before is not None and before.covers(wanted.fingerprint):
            return
        if self.state.deployments:
            primary = self._primary()
            is_under_way = primary.rollout is not Rollout.FAILED
            if is_under_way and primary.revision.covers(wanted.fingerprint):
                return
        self._open(wanted)

    def fail_deployment(self) -> None:
        """Fail a deployment after too many failures in a row, or by an alarm, and roll it back.

        The circuit breaker and the alarms each have their own setting for a rollback; that of the
        one that fails the deployment counts.
        """
        primary = self._primary()
        if primary.rollout is not Rollout.IN_PROGRESS:
            return
        breaker = self.spec.breaker
        if breaker.enable and primary.failures >= self.spec.failure_threshold:
            self._fail_primary(replace(primary, rollout=Rollout.FAILED), rollback=breaker.rollback)
            return
        alarms = self._alarms_detected(primary)
        if alarms:
            failed = replace(primary, rollout=Rollout.FAILED, alarms=alarms)
            self._fail_primary(failed, rollback=self.spec.alarms.rollback)

    def _fail_primary(self, failed: Deployment, *, rollback: bool) -> None:
        """Record that the primary deployment failed, and open its rollback if it gets one.

        That needs a completed deployment, and clears it: a rollback that fails too isn't rolled
        back again.
        """
        self._put_deployment(failed)
        self._add_event(messages.deployment(failed.id, f"failed: {messages.failure(failed)}"))
        completed = self.state.completed
        if rollback and completed is not None:
            self._open(completed, failed=failed)
            self._add_event(messages.rolling_back(self._primary().id))
            self.state = replace(self.state, completed=None)

    def stop_surplus(self) -> None:
        """Stop surplus tasks, but keep as many healthy ones as minimumHealthyPercent requires."""
        primary, old = self._active()
        if self._primary().rollout is Rollout.FAILED:
            self._stop_stalled(primary, old)
            return
        reason = messages.scaling(self._primary().id)
        working = self._working(primary)
        blocked = len(working) < self.spec.desired and not self._room()
        self._stop_failing(primary, blocked=blocked)
        surplus = max(0, len(working) - self.spec.desired)
        # A task that evens the zones out is surplus on purpose until it is healthy.
        expected = sum(task.evens_zones and not task.healthy_once for task in working)
        if surplus != expected:
            self._deactivate(self._stop_order(working)[:surplus], reason)
        dispensable = self._dispensable(old)
        self._deactivate(dispensable, reason)
        if old and blocked and not dispensable and all(map(self._is_healthy, primary)):
            self._add_event_once(messages.STUCK, since=self._primary().created_at)

    def place_waiting(self) -> None:
        """Start tasks that waited for room, if there is any now."""
        for task in self._tasks_in(Status.PROVISIONING):
            found = self._find_room(self._deployment(task), task.capacity_provider)
            if isinstance(found, NotPlaced):
                self._add_event_once(messages.unable_to_place(found.reason), since=task.created_at)
                continue
            self._begin(task, found)

    def start_missing(self) -> None:
        """Start missing tasks, as far as maximumPercent and the pause after failures allow.

        For a task that fails its health checks another starts first: ECS replaces an unhealthy
        task before it stops it, where maximumPercent leaves room.
        """
        if self._primary().rollout is Rollout.FAILED or not self._may_start():
            return
        primary, _ = self._active()
        failing = sum(map(self._is_failing, primary))
        count = min(self.spec.desired - len(primary) + failing, self._room())
        self._start(count, replacing=min(count, failing))

    def stop_drained(self) -> None:
        """Stop tasks whose deregistration delay is over; SIGTERM earlier would cut off requests."""
        for task in self._tasks_in(Status.DEACTIVATING):
            assert task.deactivated_at is not None, "`_deactivate` sets both"
            if self.now >= task.deactivated_at + self._drain_delay(task):
                stopping = replace(task, status=Status.STOPPING, stopping_at=self.now)
                self._put(stopping)
                self._act(ActionKind.STOP, stopping)

    def complete_deployments(self) -> None:
        """Remove superseded deployments without tasks; complete the primary once it is steady.

        One whose alarms are watched completes after a bake time, and until then the deployment
        that it replaces stays listed, without tasks.

        Source: "How CloudWatch alarms detect Amazon ECS deployment failures".
        """
        primary, *others = self.state.deployments
        listed = {task.deployment for task in self.state.tasks if task.status is not Status.STOPPED}
        complete = listed <= {primary.id} and self._is_settled()
        if service_health.is_watched(self.spec, primary):
            # The bake time begins anew whenever a task isn't healthy.
            baking_since = None
            if complete:
                baking_since = primary.baking_since or self.now
            primary = replace(primary, baking_since=baking_since)
            if baking_since is None or self.now < baking_since + self.timing.bake:
                complete = False
                listed |= {each.id for each in others if each.rollout is Rollout.COMPLETED}
        kept = [each for each in others if each.id in listed]
        self.state = replace(self.state, deployments=(primary, *kept))
        if complete and primary.rollout is Rollout.IN_PROGRESS:
            self._put_deployment(replace(primary, rollout=Rollout.COMPLETED, baking_since=None))
            self.state = replace(self.state, completed=primary.revision)
            self._add_event(messages.deployment(primary.id, "completed."))

    def report_steady_state(self) -> None:
        """Add ECS's event when a steady state is reached, and repeat it while it lasts."""
        if not self._is_steady():
            self.state = replace(self.state, steady_since=None)
            return
        since = self.now if self.state.steady_since is None else self.state.steady_since
        self.state = replace(self.state, steady_since=since)
        self._add_event_once(messages.STEADY, since=since)

    def rebalance_zones(self) -> None:
        """Start a task in a zone that has too few, as ECS's AZ rebalancing does.

        Once it is healthy, `stop_surplus` stops one in the fullest zone: start before stop, so
        that the service never has fewer healthy tasks than desired.
        """
        since = self.state.steady_since
        if not self.spec.rebalances or since is None or self.now < since + self.timing.rebalanced:
            return
        if not self._room() or not self._may_start():
            return
        zones = self._primary().revision.zones
        primary, _ = self._active()
        if placement.is_uneven(zones, primary):
            counts = placement.tasks_by_zone(zones, primary)
            self._add_event_once(messages.uneven(counts), since=since)
            self._start(1, evens_zones=True)

    def forget_old(self) -> None:
        """Remove stopped tasks after an hour, and all events but the newest."""
        tasks = filter(self._is_remembered, self.state.tasks)
        oldest = self.now - self.timing.repeated
        reported_at = {text: at for text, at in self.state.reported_at.items() if at >= oldest}
        self.state = replace(
            self.state,
            tasks=tuple(tasks),
            reported_at=reported_at,
            events=self.state.events[:_EVENTS_KEPT],
        )

    def _is_remembered(self, task: Task) -> bool:
        return task.stopped_at is None or task.stopped_at >= self.now - self.timing.remembered

    # Parts

    def _fail(self, task: Task, observation: TaskObservation) -> Task:
        """Record a task's unexpected end, count it for the circuit breaker, and return the task."""
        code: StopCode | None
        if observation.host_lost:
            code = None
            reason = messages.host_terminated(task)
        elif observation.failure:
            code, reason = StopCode.TASK_FAILED_TO_START, observation.failure
            self._add_failure_event(messages.unplaced(observation.failure), task)
        else:
            code, reason = StopCode.ESSENTIAL_CONTAINER_EXITED, messages.ESSENTIAL_EXITED
        if not observation.host_lost:
            self._count_failure(task)
        if task.status is Status.RUNNING and self._has_target_groups(task):
            self._act(ActionKind.DEREGISTER, task)
            self._add_target_events("deregistered", [task])
        return replace(task, stop_code=code, stop_reason=reason, note=observation.note)

    def _start(self, count: int, *, replacing: int = 0, evens_zones: bool = False) -> None:
        """Start up to `count` tasks of the primary deployment, and add their event."""
        started: list[Task] = []
        for _ in range(count):
            task = self._start_one(evens_zones=evens_zones)
            if task is None:
                break
            started.append(task)
        if not started:
            return
        if evens_zones:
            self._add_event(messages.moved(started[0]))
        else:
            self._add_event(messages.started(started, replacing=replacing))

    def _start_one(self, *, evens_zones: bool) -> Task | None:
        """Start a task, or have it wait for an instance; None where it can do neither."""
        deployment = self._primary()
        primary, _ = self._active()
        provider = next_provider(self.capacity.strategy, primary)
        found = self._find_room(deployment, provider)
        if isinstance(found, NotPlaced) and not provider:
            # Only a task of a capacity provider waits for an instance, which that launches.
            reason = messages.unable_to_place(found.reason)
            self._add_event_once(reason, since=deployment.created_at)
            return None
        task = Task(
            id=self.ids.task(),
            deployment=deployment.id,
            task_definition=deployment.revision.task_definition,
            zone=_NO_ZONE_YET,
            created_at=self.now,
            capacity_provider=provider,
            status=Status.PROVISIONING,
            evens_zones=evens_zones,
        )
        self.state = replace(self.state, tasks=(*self.state.tasks, task))
        return task if isinstance(found, NotPlaced) else self._begin(task, found)

    def _find_room(self, deployment: Deployment, provider: str) -> Placed | NotPlaced:
        return self.capacity.place(deployment, provider, list(self._occupants()))

    def _occupants(self) -> Iterator[Occupant]:
        for task in self.state.tasks:
            if task.status not in {Status.PROVISIONING, Status.STOPPED}:
                yield Occupant(task, self._deployment(task).revision)

    def _begin(self, task: Task, found: Placed) -> Task:
        """Start a task where there is room for it."""
        placed = replace(task, status=Status.PENDING, zone=found.zone, instance=found.instance)
        self._put(placed)
        self._act(ActionKind.START, placed)
        return placed

    def _open(self, revision: ServiceRevision, *, failed: Deployment | None = None) -> None:
        """Open a deployment; with *failed* it is that one's rollback."""
        new = Deployment(
            id=self.ids.deployment(),
            revision=revision,
            created_at=self.now,
            updated_at=self.now,
            requested_at=failed.requested_at if failed else self.now,
            rolls_back=failed.id if failed else "",
            ignored_alarms=() if failed else tuple(sorted(self.firing)),
            alarms=failed.alarms if failed else {},
        )
        self.state = replace(self.state, deployments=(new, *self.state.deployments))

    def _alarms_detected(self, deployment: Deployment) -> Mapping[str, str]:
        """Return the alarms that fail a deployment; ECS watches them once a task of it runs."""
        if not service_health.is_watched(self.spec, deployment):
            return {}
        for task in self.state.tasks:
            if task.deployment == deployment.id and task.started_at is not None:
                return dict(self.firing)
        return {}

    def _count_failure(self, task: Task) -> None:
        """Count a task that was never healthy, and double the pause before the next start.

        A task that was healthy once is only replaced: ECS's circuit breaker counts tasks that
        fail to reach a healthy state.
        """
        if task.healthy_once:
            return
        deployment = self._deployment(task)
        failures = deployment.failures + 1
        not_before = self.now + service_health.pause_after(failures, self.timing)
        self._put_deployment(replace(deployment, failures=failures, not_before=not_before))
        if failures >= _FAILURES_TO_REPORT:
            self._add_failure_event(messages.INCONSISTENT, task)

    def _dispensable(self, old: Sequence[Task]) -> list[Task]:
        """Return the tasks of superseded deployments that may stop.

        Those are all that don't work, and of the others as many as the lower bound allows. A task
        that merely starts again after the daemon's restart counts as working, as it did before:
        else a restart during a deployment would stop old tasks at once.
        """
        active = [task for task in self.state.tasks if task.active]
        working = self._working([task for task in active if task.healthy_once])
        spare = len(working) - self.spec.lower_bound
        spare_healthy = self._healthy_count() - self.spec.lower_bound
        dispensable = []
        for task in self._stop_order(old):
            if task in working:
                is_healthy = self._is_healthy(task)
                # Both bounds hold: of tasks that work, and of those that are healthy right now.
                if spare <= 0 or (is_healthy and spare_healthy <= 0):
                    continue
                spare -= 1
                spare_healthy -= is_healthy
            dispensable.append(task)
        return dispensable

    def _stop_failing(self, primary: Sequence[Task], *, blocked: bool) -> None:
        """Stop failing tasks: all once enough others are healthy, or one at a time to make room.

        The latter is for a maximum of 100 %, where no replacement could start otherwise.
        """
        failing = list(filter(self._is_failing, primary))
        healthy = list(filter(self._is_healthy, primary))
        if blocked and len(failing) + len(healthy) == len(primary):
            self._stop_unhealthy(failing[:1])
        elif self._healthy_count() >= self.spec.desired:
            self._stop_unhealthy(failing)

    def _stop_stalled(self, primary: Sequence[Task], old: Sequence[Task]) -> None:
        """Keep working tasks of any revision, up to the desired count, of a failed deployment.

        Without a rollback ECS starts nothing more, but must not take the service down.
        """
        self._stop_unhealthy(list(filter(self._is_failing, primary)))
        kept = [*self._working(primary), *old]
        surplus = max(0, len(kept) - self.spec.desired)
        self._deactivate(self._stop_order(kept)[:surplus], messages.scaling(self._primary().id))

    def _stop_unhealthy(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            observation = self._observation(task)
            if observation.target_health is Health.UNHEALTHY:
                group, answer = observation.unhealthy_target_group, observation.unhealthy_reason
                reason = messages.failed_target_checks(group)
                port = self._unhealthy_port(task)
                self._add_event(messages.unhealthy_target(task, port, group, answer))
            else:
                reason, answer = messages.FAILED_CONTAINER_CHECKS, observation.container_answer
                self._add_event(messages.unhealthy_containers(task))
            self._deactivate([replace(task, health_answer=answer)], reason)
            self._count_failure(task)

    def _deactivate(self, tasks: Sequence[Task], reason: str) -> None:
        """Deregister tasks; `stop_drained` stops them when they have drained."""
        running = [task for task in tasks if task.status is Status.RUNNING]
        registered = list(filter(self._has_target_groups, running))
        for task in tasks:
            leaving = replace(
                task,
                status=Status.DEACTIVATING,
                deactivated_at=self.now,
                stop_code=StopCode.SERVICE_SCHEDULER_INITIATED,
                stop_reason=reason,
            )
            if task.status is Status.PROVISIONING:
                # It waits for an instance, so there is nothing to stop.
                leaving = replace(leaving, status=Status.STOPPED, stopped_at=self.now)
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

    def _stop_order(self, tasks: Sequence[Task]) -> list[Task]:
        return placement.stop_order(tasks, self._is_healthy)

    def _active(self) -> tuple[list[Task], list[Task]]:
        """Return the tasks that serve or are about to: those that stay, and those to replace.

        The former are the primary deployment's, but for those of an instance that drains.
        """
        primary = self._primary().id
        staying: list[Task] = []
        leaving: list[Task] = []
        for task in self.state.tasks:
            if not task.active:
                continue
            if task.deployment == primary and not self.capacity.drains(task):
                staying.append(task)
            else:
                leaving.append(task)
        return staying, leaving

    def _room(self) -> int:
        """Return how many more tasks maximumPercent allows."""
        return max(0, self.spec.upper_bound - sum(task.active for task in self.state.tasks))

    def _healthy_count(self) -> int:
        return sum(map(self._is_healthy, self.state.tasks))

    def _is_healthy(self, task: Task) -> bool:
        return service_health.healthy(task, self.observations, self.now, self.timing)

    def _is_failing(self, task: Task) -> bool:
        return service_health.failing(task, self.observations, self.now, self.spec.grace)

    def _working(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the tasks whose health checks don't fail."""
        return [task for task in tasks if not self._is_failing(task)]

    def _is_settled(self) -> bool:
        return service_health.settled(
            self.spec, self.state, self.observations, self.now, self.timing
        )

    def _is_steady(self) -> bool:
        return service_health.steady(
            self.spec, self.state, self.observations, self.now, self.timing
        )

    def _may_start(self) -> bool:
        return self.now >= service_health.next_start_at(
            self.spec, self.state, self._primary(), self.timing
        )

    def _drain_delay(self, task: Task) -> float:
        """Return the seconds between a task's deregistration and its stop; 0 without targets."""
        if task.started_at is None or not self._has_target_groups(task):
            return 0
        delay = self.timing.shortest_drain
        for each in self._deployment(task).revision.bindings:
            delay = max(delay, self.spec.drain_delays.get(each.target_group, 0))
        return delay

    def _has_target_groups(self, task: Task) -> bool:
        return bool(self._deployment(task).revision.bindings)

    def _unhealthy_port(self, task: Task) -> int:
        """Return the port at which the target group checks a task that is unhealthy in it."""
        observation = self._observation(task)
        if observation.unhealthy_host_port:
            return observation.unhealthy_host_port
        for each in self._deployment(task).revision.bindings:
            if each.target_group == observation.unhealthy_target_group:
                return each.port
        return 0

    def _tasks_in(self, status: Status) -> list[Task]:
        return [task for task in self.state.tasks if task.status is status]

    def _observation(self, task: Task) -> TaskObservation:
        return self.observations.get(task.id, service_health.NOT_OBSERVED)

    def _primary(self) -> Deployment:
        return self.state.deployments[0]

    def _deployment(self, task: Task) -> Deployment:
        found = self.state.deployment(task.deployment)
        assert found is not None, "a deployment stays as long as one of its tasks"
        return found

    def _put(self, task: Task) -> None:
        self.state = self.state.with_task(task)

    def _put_deployment(self, deployment: Deployment) -> None:
        changed = replace(deployment, updated_at=self.now)
        deployments = [
            changed if each.id == changed.id else each for each in self.state.deployments
        ]
        self.state = replace(self.state, deployments=tuple(deployments))

    def _act(self, kind: ActionKind, task: Task) -> None:
        self.actions.append(Action(kind, task))

    def _add_event(self, message: str, *, task_set: str = "") -> None:
        subject = f"service {self.spec.name}"
        if task_set:
            subject += f", taskSet {task_set}"
        event = Event(id=self.ids.event(), at=self.now, message=f"({subject}) {message}")
        self.state = replace(self.state, events=(event, *self.state.events))

    def _add_event_once(self, message: str, *, since: float) -> None:
        """Add an event unless it was added since its cause began.

        While the cause lasts it is repeated each time `forget_old` has removed when it was added.
        """
        if self.state.reported_at.get(message, 0) < since:
            self.state = replace(
                self.state, reported_at={**self.state.reported_at, message: self.now}
            )
            self._add_event(message)

    def _add_failure_event(self, message: str, task: Task) -> None:
        """Add an event once until a task of the same deployment becomes healthy."""
        deployment = self._deployment(task)
        self._add_event_once(message, since=max(deployment.created_at, deployment.recovered_at))

    def _add_target_events(self, verb: str, tasks: Sequence[Task]) -> None:
        groups: Counter[str] = Counter()
        for task in tasks:
            for binding in self._deployment(task).revision.bindings:
                groups[binding.target_group] += 1
        for target_group, count in groups.items():
            self._add_event(messages.targets(verb, count, target_group))
