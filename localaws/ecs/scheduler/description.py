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
    return {
        "serviceArn": spec.arn,
        "serviceName": spec.name,
        "status": status,
        "taskDefinition": state.deployments[0].revision.task_definition
        if state.deployments
        else None,
        "desiredCount": spec.desired,
        **_counts(state.tasks),
        "deployments": [
            _deployment(each, spec, state, primary=each is state.deployments[0])
            for each in state.deployments
        ],
        "events": [
            {"id": event.id, "createdAt": stamp(event.at), "message": event.message}
            for event in state.events
        ],
        "tasks": [_task(task, spec, observations.get(task.id)) for task in state.tasks],
    }


def progress(
    spec: ServiceSpec,
    state: ServiceState,
    healthy: int,
    observations: Mapping[str, TaskObservation],
) -> str:
    """Return how far a service is: `1 of 2 tasks healthy, 1 waiting for health checks`."""
    first = state.deployments[0] if state.deployments else None
    primary = first.id if first else None
    rolling_back = first is not None and first.rolls_back and first.rollout is Rollout.IN_PROGRESS
    parts = [f"{'rolling back: ' if rolling_back else ''}{healthy} of {spec.desired} tasks healthy"]
    groups = Counter(_phase(task, primary, observations.get(task.id)) for task in state.tasks)
    parts += [f"{groups[phase]} {phase}" for phase in _PHASES if groups[phase]]
    if first is not None:
        parts += _notes(spec, first)
    return ", ".join(parts)


def _notes(spec: ServiceSpec, deployment: Deployment) -> Iterator[str]:
    """Yield what else there is to say of the primary deployment."""
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


def _phase(task: Task, primary: str | None, observation: TaskObservation | None) -> str:
    if task.status is Status.STOPPED:
        return ""
    if not task.active:
        return "draining"
    if task.deployment != primary:
        return "of an older deployment"
    if task.status is Status.PROVISIONING:
        return "waiting for an instance"
    if task.status is Status.PENDING:
        return "starting"
    by_health = {
        Health.UNHEALTHY: "failing health checks",
        Health.HEALTHY: "",
        Health.UNCHECKED: "without health checks",
    }
    return by_health.get(
        observation.health if observation else Health.INITIAL, "waiting for health checks"
    )


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
    note = task.note or (observation.note if observation else "")
    times = {
        "createdAt": task.created_at,
        "startedAt": task.started_at,
        "stoppingAt": task.stopping_at,
        "stoppedAt": task.stopped_at,
    }
    return {
        "taskId": task.id,
        "group": f"service:{spec.name}",
        "startedBy": task.deployment,
        "taskDefinition": task.task_definition,
        "availabilityZone": task.zone.name,
        **({"capacityProviderName": task.capacity_provider} if task.capacity_provider else {}),
        **({"ec2InstanceId": task.instance} if task.instance else {}),
        "lastStatus": str(task.status),
        "desiredStatus": "STOPPED" if stopping else "RUNNING",
        "healthStatus": str(observation.health).upper()
        if observation and task.active
        else "UNKNOWN",
        **{name: stamp(at) for name, at in times.items() if at is not None},
        **({"stopCode": str(task.stop_code)} if task.stop_code else {}),
        **({"stoppedReason": task.stop_reason} if task.stop_reason else {}),
        **({"note": note} if note else {}),
        "containers": [_container(name, task) for name in task.exit_codes],
    }


def _container(name: str, task: Task) -> dict[str, Any]:
    reason = task.exit_reasons.get(name)
    return {
        "name": name,
        "exitCode": task.exit_codes[name],
        **({"reason": reason} if reason else {}),
    }


def stamp(seconds: float) -> str:
    """Return a time as AWS's CLI shows it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
