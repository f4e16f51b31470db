"""What counts as healthy, failing, steady and calm. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.scheduler.model import Health, Rollout, Status, TaskObservation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.ecs.scheduler.model import Deployment, ServiceSpec, ServiceState, Task, Timing

NOT_OBSERVED = TaskObservation()
"""Of a task that hasn't been started yet."""


def healthy(
    task: Task, observations: Mapping[str, TaskObservation], now: float, timing: Timing
) -> bool:
    """Whether a task counts for the lower bound."""
    if task.status is not Status.RUNNING or task.started_at is None:
        return False
    health = observations.get(task.id, NOT_OBSERVED).health
    if health is Health.UNCHECKED:
        return now - task.started_at >= timing.healthy_without_checks
    return health is Health.HEALTHY


def failing(
    task: Task, observations: Mapping[str, TaskObservation], now: float, grace: float
) -> bool:
    """Whether a task's health checks fail and its grace period is over."""
    if task.status is not Status.RUNNING or task.started_at is None:
        return False
    return (
        observations.get(task.id, NOT_OBSERVED).health is Health.UNHEALTHY
        and now >= task.started_at + grace
    )


def has_accepted(spec: ServiceSpec, state: ServiceState) -> bool:
    """Whether the scheduler has accepted the requested revision."""
    return state.requested is not None and state.requested.fingerprint == spec.revision.fingerprint


def steady(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    timing: Timing,
) -> bool:
    """Whether a service is steady: one deployment, which has completed, and healthy tasks."""
    if len(state.deployments) > 1 or state.deployments[0].rollout is not Rollout.COMPLETED:
        return False
    return settled(spec, state, observations, now, timing)


def settled(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    timing: Timing,
) -> bool:
    """Whether the desired count of tasks is there and all are healthy."""
    active = [task for task in state.tasks if task.active]
    return len(active) == spec.desired and all(
        healthy(task, observations, now, timing) for task in active
    )


def watched(spec: ServiceSpec, deployment: Deployment) -> bool:
    """Whether a service's alarms may fail a deployment.

    ECS watches none during a deployment that began while one was in ALARM, which may be the one
    that corrects the cause. That a rollback isn't watched either follows from it: an alarm that
    caused it is still in ALARM.

    Source: "How CloudWatch alarms detect Amazon ECS deployment failures".
    """
    return bool(
        spec.alarms.names
        and deployment.rollout is Rollout.IN_PROGRESS
        and not deployment.ignored_alarms
        and not deployment.rolls_back
    )


def starts_at(
    spec: ServiceSpec, state: ServiceState, deployment: Deployment, timing: Timing
) -> float:
    """Return when a deployment may start its next task.

    Tasks that never worked delay it by themselves. Those that worked and then failed are replaced
    at once, until more of them than the service has tasks did so lately: ECS would go on without a
    pause, and keep one machine busy.
    """
    ends = [
        task.stopped_at or task.deactivated_at or 0
        for task in state.tasks
        if _crashed_in(deployment, task)
    ]
    last = max(ends, default=0)
    lately = sum(end >= last - timing.crash_window for end in ends)
    return max(deployment.not_before, last + pause(lately - spec.desired, timing))


def pause(failures: int, timing: Timing) -> float:
    """Return the seconds to wait after so many failures."""
    doublings = min(failures - 1, 32)
    return min(timing.first_pause * 2**doublings, timing.longest_pause) if failures > 0 else 0


def next_look(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    timing: Timing,
) -> float | None:
    """Return the seconds until time alone may change something.

    0 while tasks start or stop, None when nothing is due.
    """
    if not has_accepted(spec, state):
        return 0
    settled = (
        task.status is Status.STOPPED or healthy(task, observations, now, timing)
        for task in state.tasks
    )
    if not all(settled):
        return 0
    first = state.deployments[0]
    if watched(spec, first):
        return 0  # an alarm, or the end of the bake time
    waiting = (
        first.rollout is not Rollout.FAILED
        and sum(task.active for task in state.tasks) < spec.desired
    )
    return max(0.0, starts_at(spec, state, first, timing) - now) if waiting else None


def _crashed_in(deployment: Deployment, task: Task) -> bool:
    return task.crashed and task.deployment == deployment.id
