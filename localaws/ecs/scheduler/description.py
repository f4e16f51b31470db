"""A service as ECS's DescribeServices and DescribeTasks show it. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Health, Rollout, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localaws.ecs.scheduler.model import (
        Deployment,
        Event,
        ServiceSpec,
        ServiceState,
        Task,
        TaskObservation,
    )


def describe(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    *,
    status: str = "ACTIVE",
) -> dict[str, Any]:
    """Return the service, its deployments, events and tasks."""
    primary = state.deployments[0] if state.deployments else None
    return {
        "serviceArn": spec.arn,
        "serviceName": spec.name,
        "status": status,
        "taskDefinition": primary.revision.task_definition if primary else None,
        "desiredCount": spec.desired,
        **_counts(state.tasks),
        "deployments": [
            _deployment(each, spec, state, primary=each is primary) for each in state.deployments
        ],
        "events": list(map(_event, state.events)),
        "tasks": [_task(task, spec, observations.get(task.id)) for task in state.tasks],
    }


def progress(
    spec: ServiceSpec,
    state: ServiceState,
    healthy: int,
    observations: Mapping[str, TaskObservation],
) -> str:
    """Return how far a service is: `1 of 2 tasks healthy, 1 waiting for health checks`."""
    primary = state.deployments[0] if state.deployments else None
    parts = [f"{healthy} of {spec.desired} tasks healthy"]
    phases: Counter[str] = Counter()
    for task in state.tasks:
        phases[_phase(task, primary, observations.get(task.id))] += 1
    parts += [f"{phases[phase]} {phase}" for phase in _PHASES if phases[phase]]
    if primary is None:
        return ", ".join(parts)
    parts += _notes(spec, primary)
    is_rollback = bool(primary.rolls_back) and primary.rollout is Rollout.IN_PROGRESS
    return ("rolling back: " if is_rollback else "") + ", ".join(parts)


def _notes(spec: ServiceSpec, deployment: Deployment) -> Iterator[str]:
    """Yield what a user should know of the primary deployment beside its tasks."""
    if deployment.failures:
        yield f"{deployment.failures} failed in a row"
    if deployment.baking_since is not None:
        yield f"watching {', '.join(spec.alarms.names)}"
    if deployment.ignored_alarms and deployment.rollout is Rollout.IN_PROGRESS:
        yield f"alarms ignored, as {', '.join(deployment.ignored_alarms)} was in ALARM before"


_PHASES = (
    "waiting for an instance",
    "starting",
    "waiting for health checks",
    "failing health checks",
    "without health checks",
    "of an older deployment",
    "draining",
)


_PHASE_BY_HEALTH = {
    Health.INITIAL: "waiting for health checks",
    Health.UNHEALTHY: "failing health checks",
    Health.HEALTHY: "",
    Health.UNCHECKED: "without health checks",
}


def _phase(task: Task, primary: Deployment | None, observation: TaskObservation | None) -> str:
    """Return one of `_PHASES`; empty for a stopped or healthy task."""
    if task.status is Status.STOPPED:
        return ""
    if not task.active:
        return "draining"
    if primary is None or task.deployment != primary.id:
        return "of an older deployment"
    if task.status is Status.PROVISIONING:
        return "waiting for an instance"
    if task.status is Status.PENDING:
        return "starting"
    return _PHASE_BY_HEALTH[observation.health if observation else Health.INITIAL]


def _event(event: Event) -> dict[str, Any]:
    return {"id": event.id, "createdAt": stamp(event.at), "message": event.message}


def _counts(tasks: Sequence[Task]) -> dict[str, int]:
    status = Counter(task.status for task in tasks)
    pending = status[Status.PROVISIONING] + status[Status.PENDING]
    return {"runningCount": status[Status.RUNNING], "pendingCount": pending}


def _deployment(
    each: Deployment, spec: ServiceSpec, state: ServiceState, *, primary: bool
) -> dict[str, Any]:
    tasks = [task for task in state.tasks if task.deployment == each.id]
    older = "DRAINING" if each.rollout is Rollout.FAILED else "ACTIVE"
    return {
        "id": each.id,
        "status": "PRIMARY" if primary else older,
        "taskDefinition": each.revision.task_definition,
        "desiredCount": spec.desired if primary else sum(task.active for task in tasks),
        **_counts(tasks),
        "failedTasks": each.failures,
        "rolloutState": str(each.rollout),
        "rolloutStateReason": messages.rollout(each),
        "createdAt": stamp(each.created_at),
        "updatedAt": stamp(each.updated_at),
    }


def _task(task: Task, spec: ServiceSpec, observation: TaskObservation | None) -> dict[str, Any]:
    stopping = task.status in {Status.DEACTIVATING, Status.STOPPING, Status.STOPPED}
    health = "UNKNOWN"
    if observation is not None and task.active:
        health = str(observation.health).upper()
    found: dict[str, Any] = {
        "taskId": task.id,
        "group": f"service:{spec.name}",
        "startedBy": task.deployment,
        "taskDefinition": task.task_definition,
        "availabilityZone": task.zone.name,
        "lastStatus": str(task.status),
        "desiredStatus": "STOPPED" if stopping else "RUNNING",
        "healthStatus": health,
        "containers": [_container(name, task) for name in task.exit_codes],
    }
    # ECS leaves out what a task doesn't have; `note` is the local AWS's own.
    optional = {
        "capacityProviderName": task.capacity_provider,
        "ec2InstanceId": task.instance,
        "createdAt": _stamp_if_any(task.created_at),
        "startedAt": _stamp_if_any(task.started_at),
        "stoppingAt": _stamp_if_any(task.stopping_at),
        "stoppedAt": _stamp_if_any(task.stopped_at),
        "stopCode": str(task.stop_code or ""),
        "stoppedReason": task.stop_reason,
        "note": task.note or (observation.note if observation else ""),
    }
    return {**found, **{name: value for name, value in optional.items() if value}}


def _container(name: str, task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "exitCode": task.exit_codes[name]}
    if task.exit_reasons.get(name):
        found["reason"] = task.exit_reasons[name]
    return found


def _stamp_if_any(seconds: float | None) -> str:
    return "" if seconds is None else stamp(seconds)


def stamp(seconds: float) -> str:
    """Return a time as AWS's CLI shows it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
