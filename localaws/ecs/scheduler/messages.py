"""ECS's own words: service events, and the reasons of deployments and stopped tasks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.scheduler.model import Rollout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.ecs.scheduler.model import Deployment, Task

ESSENTIAL_EXITED = "Essential container in task exited"
FAILED_CONTAINER_CHECKS = "Task failed container health checks"
FAILED_TO_START = "tasks failed to start."
ALARM_DETECTED = "alarm detected."
"""Source: a service's events in public reports of such rollbacks, and Copilot's tests."""

STEADY = "has reached a steady state."
INCONSISTENT = "is unable to consistently start tasks successfully."
INTERRUPTED = "Your Spot Task was interrupted."
STUCK = (
    "was unable to stop or start tasks during a deployment because of the service "
    "deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)
_ONE_NETWORK = (
    "Here tasks share this machine's network, and each must listen on its own address, $HOST: see "
    "docs/local-data-plane.md, Addresses and ports"
)
_BREAKER = "ECS deployment circuit breaker"
_ALARMS = "ECS deployment alarms"
"""Formed like the circuit breaker's: ECS's own name of it isn't published."""


def started(tasks: Sequence[Task], *, replacing: int = 0) -> str:
    """Return an event; some of the tasks may replace unhealthy ones, which stop afterwards."""
    event = f"has started {len(tasks)} tasks: {_names(tasks)}."
    if replacing:
        event += f" Amazon ECS replaced {replacing} tasks due to an unhealthy status."
    return event


def moved(task: Task) -> str:
    """Return the event of a task that is started to even the zones out."""
    return f"has started 1 tasks in {task.zone.name} to AZ Rebalance: {_names([task])}."


def stopped(tasks: Sequence[Task]) -> str:
    """Return the event of running tasks that were stopped."""
    return f"has stopped {len(tasks)} running tasks: {_names(tasks)}."


def stopped_pending(count: int) -> str:
    """Return the event of tasks that were stopped before they ran."""
    return f"stopped {count} pending tasks."


def targets(verb: str, count: int, target_group: str) -> str:
    """Return the event of targets; the verb is `registered` or `deregistered`."""
    return f"{verb} {count} targets in (target-group {target_group})"


def draining(count: int) -> str:
    """Return the event of tasks whose connections drain."""
    return f"has begun draining connections on {count} tasks."


def unplaced(reason: str) -> str:
    """Return the event of a task that can't be started, and why."""
    return f"was unable to place a task. Reason: {reason.removesuffix('.')}."


def unable_to_place(reason: str) -> str:
    """Return the event of a task without room; the reason is about instances."""
    return (
        "was unable to place a task because no container instance met all of its requirements. "
        f"{reason} For more information, see the Troubleshooting section of the Amazon ECS "
        "Developer Guide."
    )


def host_terminated(task: Task) -> str:
    """Return why a task was stopped whose instance ended."""
    return f"Host EC2 (instance {task.instance}) terminated."


def unhealthy_target(task: Task, port: int, target_group: str, reason: str) -> str:
    """Return the event of a task whose target is unhealthy."""
    instance = f" (instance {task.instance})" if task.instance else ""
    return (
        f"{_names([task])}{instance} (port {port}) is unhealthy in (target-group {target_group}) "
        f"due to (reason {reason})."
    )


def unhealthy_containers(task: Task) -> str:
    """Return the event of a task whose containers are unhealthy."""
    return f"{_names([task])} failed container health checks."


def uneven(tasks_by_zone: Mapping[str, int]) -> str:
    """Return the event of zones with unequal numbers of tasks."""
    counts = ", ".join(f"{count} tasks in {zone}" for zone, count in tasks_by_zone.items())
    return f"is not AZ balanced with {counts}. AZ Rebalancing in progress."


def deployment(identifier: str, end: str) -> str:
    """Return a deployment's event: `completed.` or `failed: tasks failed to start.`."""
    return f"(deployment {identifier}) deployment {end}"


def rolling_back(identifier: str) -> str:
    """Return the event of a rollback; it names the new deployment, of the old revision."""
    return f"rolling back to deployment {identifier}."


def failure(deployment: Deployment) -> str:
    """Return why a deployment failed; a rollback fails by its tasks only."""
    # A rollback keeps the alarms of the deployment that it rolls back.
    by_alarm = deployment.alarms and not deployment.rolls_back
    return ALARM_DETECTED if by_alarm else FAILED_TO_START


def rollout(deployment: Deployment) -> str:
    """Return why a deployment is as it is; a rollback names itself."""
    if deployment.rollout is Rollout.FAILED:
        reason = failure(deployment)
        detector = _ALARMS if reason == ALARM_DETECTED else _BREAKER
        return f"{detector}: {reason}"
    if deployment.rollout is Rollout.COMPLETED:
        return f"ECS deployment {deployment.id} completed."
    if deployment.rolls_back:
        detector = _ALARMS if deployment.alarms else _BREAKER
        return f"{detector}: rolling back to deploymentId {deployment.id}."
    return f"ECS deployment {deployment.id} in progress."


def scaling(identifier: str) -> str:
    """Return why a task was stopped that a deployment no longer needs."""
    return f"Scaling activity initiated by (deployment {identifier})"


def failed_target_checks(target_group: str) -> str:
    """Return why a task was stopped that was unhealthy in a target group."""
    return f"Task failed ELB health checks in (target-group {target_group})"


def listens_everywhere(port: int) -> str:
    """Return the problem of a running task; on Fargate each task has its own network."""
    return (
        f"local AWS: the container listens on port {port} of all addresses (0.0.0.0), "
        "which leaves none to other "
        f"tasks. {_ONE_NETWORK}"
    )


def cannot_listen_everywhere(port: int) -> str:
    """Return why a container ended; on Fargate each task has its own network."""
    return (
        f"local AWS: the container can't listen on port {port} of all addresses "
        "(0.0.0.0), one of which is in use. "
        f"{_ONE_NETWORK}"
    )


def taken_everywhere(port: int) -> str:
    """Return why a task can't start; on Fargate each task has its own network."""
    return (
        "local AWS: another task's container, or another program, listens on port "
        f"{port} of all addresses (0.0.0.0). "
        f"{_ONE_NETWORK}"
    )


def noted(task: Task, note: str) -> str:
    """Return the event of what is wrong with a task on this machine only."""
    return f"{_names([task])} {note}"


def _names(tasks: Sequence[Task]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)
