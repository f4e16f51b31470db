"""ECS's rolling deployment as a pure step: what is wanted, what is there, what is seen, what time it is -> what to do.

The step is run until it asks for nothing. Each run does the smallest set of things that brings the service nearer to
what it should be: notes what happened, starts what is missing, stops what is too much. New tasks are started first as
far as the upper bound allows; only where it doesn't are old ones stopped first, down to the lower bound.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from localaws.ecs.model import (
    Action,
    Deed,
    Deployment,
    Event,
    Health,
    Process,
    Rollout,
    Seen,
    ServiceState,
    Status,
    StopCode,
    Task,
    Timing,
    Zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from localaws.ecs.model import Revision, ServiceSpec

_NOT_SEEN = Seen()
_EVENTS_KEPT = 100
_BREAKER = "ECS deployment circuit breaker"
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
    seen: Mapping[str, Seen],
    now: float,
    *,
    ids: Ids,
    timing: Timing = Timing(),  # noqa: B008 — frozen
) -> tuple[ServiceState, list[Action]]:
    """Bring a service one step nearer to its specification.

    Args:
        spec: What the service should be; `desired` 0 to wind it down.
        state: What the last step left.
        seen: Observations by task id; a task without one hasn't been started yet.
        now: Seconds since the epoch.
        ids: Where new ids come from.
        timing: Durations that belong to ECS.

    Returns:
        The new state, and what to do, in order.
    """
    run = _Step(spec, state, seen, now, ids, timing)
    run.notice_ends()
    run.notice_starts()
    run.notice_health()
    run.open_deployment()
    run.break_circuit()
    run.stop_surplus()
    run.start_missing()
    run.stop_drained()
    run.close_deployments()
    run.tidy()
    return run.state, run.actions


def steady(spec: ServiceSpec, state: ServiceState, seen: Mapping[str, Seen], now: float, timing: Timing) -> bool:
    """Whether a service has come to rest: one deployment, the desired count of tasks, all of them healthy.

    After a rollback that is the old revision; the new one must have been tried.
    """
    if not taken_up(spec, state) or len(state.deployments) > 1 or state.deployments[0].rollout is Rollout.FAILED:
        return False
    active = [task for task in state.tasks if task.active]
    return len(active) == spec.desired and all(healthy(task, seen, now, timing) for task in active)


def taken_up(spec: ServiceSpec, state: ServiceState) -> bool:
    """Whether the scheduler knows what is asked for."""
    return state.asked is not None and state.asked.fingerprint == spec.revision.fingerprint


def recover(state: ServiceState, now: float) -> tuple[ServiceState, list[Action]]:
    """After a restart in which all processes died: run the same tasks again, and let go those that were leaving."""
    tasks, actions = [], []
    for task in state.tasks:
        if task.active:
            again = replace(task, status=Status.PENDING, started_at=None)
            actions.append(Action(Deed.START, again))
            tasks.append(again)
        elif task.status is Status.STOPPED:
            tasks.append(task)
        else:
            tasks.append(replace(task, status=Status.STOPPED, stopped_at=now))
    return replace(state, tasks=tuple(tasks)), actions


def healthy(task: Task, seen: Mapping[str, Seen], now: float, timing: Timing) -> bool:
    """Whether a task counts for the lower bound."""
    if task.status is not Status.RUNNING or task.started_at is None:
        return False
    health = seen.get(task.id, _NOT_SEEN).health
    if health is Health.UNCHECKED:
        return now - task.started_at >= timing.healthy_without_checks
    return health is Health.HEALTHY


@dataclass
class _Step:
    """One step in the making: the arguments of `step`, its state so far, and the actions decided so far."""

    spec: ServiceSpec
    state: ServiceState
    seen: Mapping[str, Seen]
    now: float
    ids: Ids
    timing: Timing
    actions: list[Action] = field(default_factory=list)

    # What happened

    def notice_ends(self) -> None:
        """Tasks whose processes are over are stopped; one that nobody asked to stop has failed."""
        for task in self.state.tasks:
            seen = self._seen(task)
            if task.status is Status.STOPPED or seen.process is not Process.ENDED:
                continue
            if task.status is not Status.STOPPING:
                self._fail(task, seen)
            self._put(replace(self._now(task), status=Status.STOPPED, stopped_at=self.now, exit_codes=seen.exit_codes))

    def notice_starts(self) -> None:
        """Tasks that run now are registered with their target groups."""
        started = [
            replace(task, status=Status.RUNNING, started_at=self.now)
            for task in self._with(Status.PENDING)
            if self._seen(task).process is Process.RUNNING
        ]
        for task in started:
            self._put(task)
            if self._bound(task):
                self._act(Deed.REGISTER, task)
        self._say_targets("registered", started)

    def notice_health(self) -> None:
        """A healthy task ends a row of failures."""
        for task in self._with(Status.RUNNING):
            if not task.healthy_once and healthy(task, self.seen, self.now, self.timing):
                self._put(replace(task, healthy_once=True))
                deployment = self._deployment(task)
                self._put_deployment(replace(deployment, failures=0, not_before=0))

    # What should be

    def open_deployment(self) -> None:
        """Asking for another revision than the primary's makes a new deployment, which supersedes the others."""
        if taken_up(self.spec, self.state):
            return
        self.state = replace(self.state, asked=self.spec.revision)
        there = self.state.deployments[:1]
        wanted = self.spec.revision.fingerprint
        if not any(each.revision.fingerprint == wanted and each.rollout is not Rollout.FAILED for each in there):
            self._open(self.spec.revision)

    def break_circuit(self) -> None:
        """Too many failures in a row end a deployment; the last completed one comes back, if there is one."""
        failed, breaker, good = self._primary(), self.spec.breaker, self.state.completed
        tripped = breaker.enable and failed.failures >= self.spec.failure_threshold
        if not tripped or failed.rollout is not Rollout.IN_PROGRESS:
            return
        reason = "tasks failed to start."
        self._put_deployment(replace(failed, rollout=Rollout.FAILED, reason=f"{_BREAKER}: {reason}"))
        self._say(f"(deployment {failed.id}) deployment failed: {reason}")
        if breaker.rollback and good is not None:
            self._say(f"rolling back to deployment {good.id}.")
            self._open(good.revision, undoes=failed.id, reason=f"{_BREAKER}: rolling back to deploymentId {good.id}")
            self.state = replace(self.state, completed=None)

    def stop_surplus(self) -> None:
        """Stop what is too much, never below the lower bound."""
        primary, old = self._active()
        if self._primary().rollout is Rollout.FAILED:
            self._stop_stalled(primary, old)
            return
        well = [task for task in primary if not self._failing(task)]
        complete = len(well) >= self.spec.desired
        self._stop_failing(primary, blocked=not complete and not self._room())
        if len(well) > self.spec.desired:
            self._deactivate(self._order(well)[: len(well) - self.spec.desired], self._scaling(self._primary()))
        # Where there is room for new tasks, old ones wait until those are healthy; else the lower bound is the limit.
        floor = self.spec.lower_bound if not complete and not self._room() else self.spec.desired
        spare = self._healthy_count() - floor
        leaving = []
        for task in self._order(old):
            if healthy(task, self.seen, self.now, self.timing):
                if spare <= 0:
                    continue
                spare -= 1
            leaving.append(task)
        self._deactivate(leaving, self._scaling(self._primary()))
        if old and not primary and not leaving and not complete and not self._room():
            self._say_once(
                "was unable to stop or start tasks during a deployment because of the service deployment "
                "configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
            )

    def start_missing(self) -> None:
        """Start what the primary deployment lacks, as far as the upper bound and the last failures allow."""
        deployment = self._primary()
        if deployment.rollout is Rollout.FAILED or self.now < deployment.not_before:
            return
        primary, _ = self._active()
        missing = self.spec.desired - sum(not self._failing(task) for task in primary)
        started: list[Task] = []
        for _ in range(min(missing, self._room())):
            task = Task(
                id=self.ids.task(),
                deployment=deployment.id,
                task_definition=deployment.revision.task_definition,
                zone=self._emptiest_zone(deployment, [*primary, *started]),
                created_at=self.now,
            )
            started.append(task)
            self.state = replace(self.state, tasks=(*self.state.tasks, task))
            self._act(Deed.START, task)
        if started:
            names = ", ".join(f"(task {task.id})" for task in started)
            self._say(f"has started {len(started)} tasks: {names}.")

    def stop_drained(self) -> None:
        """Tasks that have drained get SIGTERM."""
        leaving = [
            task
            for task in self._with(Status.DEACTIVATING)
            if task.deactivated_at is not None and self.now >= task.deactivated_at + self._drain(task)
        ]
        for task in leaving:
            stopping = replace(task, status=Status.STOPPING, stopping_at=self.now)
            self._put(stopping)
            self._act(Deed.STOP, stopping)
        if leaving:
            names = ", ".join(f"(task {task.id})" for task in leaving)
            self._say(f"has stopped {len(leaving)} running tasks: {names}.")

    def close_deployments(self) -> None:
        """Superseded deployments end with their last task; the primary is complete once the service is steady."""
        alive = {task.deployment for task in self.state.tasks if task.status is not Status.STOPPED}
        first, *others = self.state.deployments
        self.state = replace(self.state, deployments=(first, *(each for each in others if each.id in alive)))
        if first.rollout is Rollout.IN_PROGRESS and steady(self.spec, self.state, self.seen, self.now, self.timing):
            completed = replace(first, rollout=Rollout.COMPLETED, reason="", updated_at=self.now)
            self._put_deployment(completed)
            self.state = replace(self.state, completed=completed)
            self._say(f"(deployment {first.id}) deployment completed.")
            self._say("has reached a steady state.")

    def tidy(self) -> None:
        """Forget what was long ago."""
        recent = self.now - self.timing.remembered
        tasks = tuple(task for task in self.state.tasks if task.stopped_at is None or task.stopped_at >= recent)
        self.state = replace(self.state, tasks=tasks, events=self.state.events[:_EVENTS_KEPT])

    # Parts

    def _fail(self, task: Task, seen: Seen) -> None:
        """Note an end that nobody asked for, and wait a little longer each time before trying again."""
        if seen.failure:
            code, reason = StopCode.TASK_FAILED_TO_START, seen.failure
            self._say(f"was unable to place a task. Reason: {seen.failure}.")
        else:
            code, reason = StopCode.ESSENTIAL_CONTAINER_EXITED, "Essential container in task exited"
        if task.status is not Status.DEACTIVATING:
            self._put(replace(task, stop_code=code, stop_reason=reason))
            self._count_failure(task)  # what leaves anyway has not failed its deployment
        if task.status is Status.RUNNING and self._bound(task):
            self._act(Deed.DEREGISTER, task)
            self._say_targets("deregistered", [task])

    def _open(self, revision: Revision, *, undoes: str = "", reason: str = "") -> None:
        new = Deployment(
            id=self.ids.deployment(),
            revision=revision,
            created_at=self.now,
            updated_at=self.now,
            undoes=undoes,
            reason=reason,
        )
        self.state = replace(self.state, deployments=(new, *self.state.deployments))

    def _count_failure(self, task: Task) -> None:
        """A task that worked once and fails later only needs a replacement; others speak against their version."""
        if task.healthy_once:
            return
        deployment = self._deployment(task)
        failures = deployment.failures + 1
        pause = min(self.timing.first_pause * 2 ** (failures - 1), self.timing.longest_pause)
        self._put_deployment(replace(deployment, failures=failures, not_before=self.now + pause))
        if failures == _FAILURES_WORTH_A_WORD:
            self._say("is unable to consistently start tasks successfully.")

    def _stop_failing(self, primary: Sequence[Task], *, blocked: bool) -> None:
        """Stop tasks that fail their health checks: once others do their work, or one at a time to make room."""
        failing = [task for task in primary if self._failing(task)]
        if blocked:
            self._stop_unhealthy(failing[:1])
        elif self._healthy_count() >= self.spec.desired:
            self._stop_unhealthy(failing)

    def _stop_stalled(self, primary: Sequence[Task], old: Sequence[Task]) -> None:
        """A failed deployment without a successor keeps whatever works, of any version, up to the desired count."""
        self._stop_unhealthy([task for task in primary if self._failing(task)])
        kept = [task for task in primary if not self._failing(task)] + list(old)
        surplus = max(0, len(kept) - self.spec.desired)
        self._deactivate(self._order(kept)[:surplus], self._scaling(self._primary()))

    def _stop_unhealthy(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            seen = self._seen(task)
            self._say(
                f"(port {self._port(task)}) is unhealthy in (target-group {seen.unhealthy_in}) "
                f"due to (reason {seen.unhealthy_reason})."
            )
            told = replace(task, health_answer=seen.unhealthy_reason)
            self._deactivate([told], f"Task failed ELB health checks in (target-group {seen.unhealthy_in})")
            self._count_failure(task)

    def _deactivate(self, tasks: Sequence[Task], reason: str) -> None:
        """Take tasks out of service; they are stopped when they have drained."""
        registered = [task for task in tasks if task.status is Status.RUNNING and self._bound(task)]
        for task in tasks:
            drained = task not in registered
            leaving = replace(
                task,
                status=Status.STOPPING if drained else Status.DEACTIVATING,
                deactivated_at=self.now,
                stopping_at=self.now if drained else None,
                stop_code=StopCode.SERVICE_SCHEDULER_INITIATED,
                stop_reason=reason,
            )
            self._put(leaving)
            self._act(Deed.STOP if drained else Deed.DEREGISTER, leaving)
        if registered:
            self._say_targets("deregistered", registered)
            self._say(f"has begun draining connections on {len(registered)} tasks.")

    def _order(self, tasks: Iterable[Task]) -> list[Task]:
        """Which to stop first: not yet healthy ones, then whatever keeps the zones even, the youngest of a zone."""
        remaining, order = list(tasks), []
        while remaining:
            crowd = Counter(task.zone.name for task in remaining)
            chosen = max(
                remaining,
                key=lambda task: (
                    not healthy(task, self.seen, self.now, self.timing),
                    crowd[task.zone.name],
                    task.created_at,
                    task.id,
                ),
            )
            remaining.remove(chosen)
            order.append(chosen)
        return order

    def _emptiest_zone(self, deployment: Deployment, tasks: Sequence[Task]) -> Zone:
        by_zone = Counter(task.zone.name for task in tasks)
        by_subnet = Counter(task.zone.subnet for task in tasks)
        return min(deployment.revision.zones, key=lambda zone: (by_zone[zone.name], by_subnet[zone.subnet]))

    def _active(self) -> tuple[list[Task], list[Task]]:
        """The primary deployment's tasks that serve or are about to, and all others'."""
        primary = self._primary().id
        active = [task for task in self.state.tasks if task.active]
        return [t for t in active if t.deployment == primary], [t for t in active if t.deployment != primary]

    def _room(self) -> int:
        return max(0, self.spec.upper_bound - sum(task.active for task in self.state.tasks))

    def _healthy_count(self) -> int:
        return sum(healthy(task, self.seen, self.now, self.timing) for task in self.state.tasks)

    def _failing(self, task: Task) -> bool:
        """Whether a task's health checks fail and its grace period is over."""
        return (
            task.status is Status.RUNNING
            and self._seen(task).health is Health.UNHEALTHY
            and task.started_at is not None
            and self.now >= task.started_at + self.spec.grace
        )

    def _drain(self, task: Task) -> float:
        delays = (self.spec.drain_delays.get(each.target_group, 0) for each in self._deployment(task).revision.bindings)
        return max(self.timing.shortest_drain, *delays)

    def _bound(self, task: Task) -> bool:
        return bool(self._deployment(task).revision.bindings)

    def _port(self, task: Task) -> int:
        seen, bindings = self._seen(task), self._deployment(task).revision.bindings
        return next((each.port for each in bindings if each.target_group == seen.unhealthy_in), 0)

    @staticmethod
    def _scaling(deployment: Deployment) -> str:
        return f"Scaling activity initiated by (deployment {deployment.id})"

    def _with(self, status: Status) -> list[Task]:
        return [task for task in self.state.tasks if task.status is status]

    def _seen(self, task: Task) -> Seen:
        return self.seen.get(task.id, _NOT_SEEN)

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
        deployments = tuple(changed if each.id == changed.id else each for each in self.state.deployments)
        self.state = replace(self.state, deployments=deployments)

    def _act(self, deed: Deed, task: Task) -> None:
        self.actions.append(Action(deed, task))

    def _say(self, message: str) -> None:
        event = Event(id=self.ids.event(), at=self.now, message=self._sentence(message))
        self.state = replace(self.state, events=(event, *self.state.events))

    def _say_once(self, message: str) -> None:
        """Say it unless it was said in this deployment."""
        text, since = self._sentence(message), self._primary().created_at
        if not any(event.message == text and event.at >= since for event in self.state.events):
            self._say(message)

    def _sentence(self, message: str) -> str:
        return f"(service {self.spec.name}) {message}"

    def _say_targets(self, verb: str, tasks: Sequence[Task]) -> None:
        groups = Counter(each.target_group for task in tasks for each in self._deployment(task).revision.bindings)
        for target_group, count in groups.items():
            self._say(f"{verb} {count} targets in (target-group {target_group})")
