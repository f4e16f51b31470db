"""How the AWS provider, from version 6, waits for a service; and why tasks stopped. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.scheduler.model import Rollout
from localaws.ecs.scheduler.service_health import has_accepted, steady

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.ecs.scheduler.model import (
        Deployment,
        ServiceSpec,
        ServiceState,
        Task,
        TaskObservation,
        Timing,
    )

NEXT_LINE = "\n      "
"""Begins a line of an error, below the text of the line that Pulumi prints as `* updating …`."""

_REASONS_SHOWN = 3
_STOPPED_BY_ECS = (0, 137, 143)


class DeploymentFailedError(Exception):
    """A deployment won't succeed; the message has ECS's status reason, and why tasks stopped."""


def wait_is_over(
    spec: ServiceSpec,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    now: float,
    *,
    since: float,
    timing: Timing,
) -> bool:
    """Return whether there is nothing left to wait for.

    Args:
        spec: The desired state of the service.
        state: What the scheduler made of it.
        observations: Observations by task id.
        now: Seconds since the epoch.
        since: When the waiting operation began. It fails only by the rollback of a deployment that
            it requested itself. To a later operation that starts no deployment, a rolled-back
            service is as good as any other: so it is for the provider.
        timing: Durations that belong to ECS.

    Raises:
        DeploymentFailedError: The deployment failed, and where it is rolled back, that is over too.
    """
    if not has_accepted(spec, state):
        return False
    primary = state.deployments[0]
    is_over = primary.rollout is not Rollout.IN_PROGRESS
    if is_over and primary.rolls_back and primary.requested_at >= since:
        done = "rolled back" if primary.rollout is Rollout.COMPLETED else "failed to be rolled back"
        raise DeploymentFailedError(_failure(done, primary, state))
    if primary.rollout is Rollout.FAILED:
        raise DeploymentFailedError(_failure("stopped", primary, state))
    return steady(spec, state, observations, now, timing)


def failed_tasks(state: ServiceState) -> list[Task]:
    """Return failed tasks of the newest deployment and the one it rolls back, newest first.

    Those of earlier deployments don't show why this one doesn't work.
    """
    if not state.deployments:
        return []
    newest = state.deployments[0]
    failed: list[Task] = []
    for task in reversed(state.tasks):
        if task.deployment not in {newest.id, newest.rolls_back}:
            continue
        if task.stop_reason and not task.stop_reason.startswith("Scaling activity"):
            failed.append(task)
    return failed


def failed_containers(task: Task) -> frozenset[str]:
    """Return the containers that made a task fail by their end; none if that isn't known.

    ECS stops the other containers of a task in which an essential one ended, and they then exit
    with 0, 143 or 137 as well.
    """
    failed = set(task.exit_reasons)
    for name, code in task.exit_codes.items():
        if code not in _STOPPED_BY_ECS:
            failed.add(name)
    return frozenset(failed)


def why_stopped(state: ServiceState) -> str:
    """Return why tasks of the newest deployment failed: a line for each reason, newest first."""
    stopped: dict[str, str] = {}
    for task in failed_tasks(state):
        stopped.setdefault(f"{task.stop_reason}{_details(task)}", task.id[:8])
    reasons = [f"{NEXT_LINE}task {task} stopped: {reason}" for reason, task in stopped.items()]
    return "".join(reasons[:_REASONS_SHOWN])


def _failure(done: str, deployment: Deployment, state: ServiceState) -> str:
    """Return ECS's status reason, and what only the local AWS adds: alarms, and stopped tasks.

    The words about an alarm are formed like those about the circuit breaker: ECS's own aren't
    published.
    """
    detected = "the circuit breaker threshold was exceeded"
    if deployment.alarms:
        detected = "an alarm was detected"
    alarms = ""
    for name, reason in deployment.alarms.items():
        alarms += f"{NEXT_LINE}alarm {name}: {reason}"
    return f"Service deployment {done} because {detected}{alarms}{why_stopped(state)}"


def _details(task: Task) -> str:
    """Return the health checks' result, else the containers' exits, and the local AWS's note."""
    results = [task.health_answer] if task.health_answer else list(_exits(task))
    details = f" ({', '.join(results)})" if results else ""
    return f"{details}; {task.note}" if task.note else details


def _exits(task: Task) -> Iterator[str]:
    for name, code in task.exit_codes.items():
        reason = task.exit_reasons.get(name)
        ending = f"{name} exited with {code}"
        yield f"{ending}: {reason}" if reason else ending
