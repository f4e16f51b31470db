"""Which tasks are healthy or failing, and which services settled or steady. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.scheduler.model import Health, Rollout, Status, TaskObservation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.ecs.scheduler.model import Deployment, ServiceSpec, ServiceState, Task, Timing

NOT_OBSERVED = TaskObservation()
"""The observation of a task that hasn't been started yet."""


def healthy(
    task: Task, observations: Mapping[str, TaskObservation], now: float, timing: Timing
) -> bool:
    """Return whether a task counts for the lower bound."""
    if task.status is not Status.RUNNING or task.started_at is None:
        return False
    observation = observations.get(task.id, NOT_OBSERVED)
    age = now - task.started_at
    if observation.health is Health.UNCHECKED:
        return age >= timing.healthy_without_checks
    if observation.has_unchecked and age < timing.healthy_beside_unchecked:
        return False
    return observation.health is Health.HEALTHY


def failing(
    task: Task, observations: Mapping[str, TaskObservation], now: float, grace: float
) -> bool:
    """Return whether a task's health checks fail and its grace period is over."""
    if task.status is not Status.RUNNING or task.started_at is None:
        return False
    health = observations.get(task.id, NOT_OBSERVED).health
    return health is Health.UNHEALTHY and now >= task.started_at + grace


def has_accepted(spec: ServiceSpec, state: ServiceState) -> bool:
    """Return whether the scheduler has accepted the requested revision."""
    return state.requested is not None and state.requested.fingerprint == spec.revision.fingerprint


def steady(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    timing: Timing,
) -> bool:
    """Return whether a service is steady: one deployment, which has completed, and settled."""
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
    """Return whether the desired count of tasks is there and all are healthy."""
    active = [task for task in state.tasks if task.active]
    if len(active) != spec.desired:
        return False
    return all(healthy(task, observations, now, timing) for task in active)


def is_watched(spec: ServiceSpec, deployment: Deployment) -> bool:
    """Return whether a service's alarms may fail a deployment.

    ECS watches none during a deployment that began while one was in ALARM, which may be the one
    that corrects the cause. A rollback isn't watched either, for the same reason: an alarm that
    caused it is still in ALARM.

    Source: "How CloudWatch alarms detect Amazon ECS deployment failures".
    """
    return bool(
        spec.alarms.names
        and deployment.rollout is Rollout.IN_PROGRESS
        and not deployment.ignored_alarms
        and not deployment.rolls_back
    )


def next_start_at(
    spec: ServiceSpec, state: ServiceState, deployment: Deployment, timing: Timing
) -> float:
    """Return when a deployment may start its next task.

    A task that was never healthy has set `not_before`. One that was and then failed is replaced at
    once, until more of them than the service has tasks failed recently: ECS would go on without a
    pause, and keep one machine busy.
    """
    crashes = list(_crashes(state, deployment))
    last = max(crashes, default=0)
    recent = sum(crash >= last - timing.crash_window for crash in crashes)
    return max(deployment.not_before, last + pause_after(recent - spec.desired, timing))


def _crashes(state: ServiceState, deployment: Deployment) -> Iterator[float]:
    """Yield when tasks of a deployment failed that had been healthy."""
    for task in state.tasks:
        if task.crashed and task.deployment == deployment.id:
            yield task.stopped_at or task.deactivated_at or 0


def pause_after(failures: int, timing: Timing) -> float:
    """Return the seconds to wait after so many failures."""
    if failures <= 0:
        return 0
    doublings = min(failures - 1, 32)  # far beyond the longest pause, and no overflow
    longer: float = timing.first_pause * 2**doublings
    return min(longer, timing.longest_pause)


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
    for task in state.tasks:
        if task.status is not Status.STOPPED and not healthy(task, observations, now, timing):
            return 0
    primary = state.deployments[0]
    if is_watched(spec, primary):
        return 0  # an alarm, or the end of the bake time
    if primary.rollout is Rollout.FAILED:
        return None  # it starts no more tasks
    if sum(task.active for task in state.tasks) >= spec.desired:
        return None
    return max(0.0, next_start_at(spec, state, primary, timing) - now)
