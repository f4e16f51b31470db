"""Finds the task that a user names: to run a command in it, or to interrupt it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from localaws.ecs.scheduler.capacity import FARGATE_SPOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localaws.ecs.scheduler.model import Task
    from localaws.ecs.services.running_services import RunningService
    from localaws.ecs.tasks.running_tasks import LiveTasks
    from localaws.ecs.tasks.runtime import RunningTask


class NoSuchTaskError(Exception):
    """There is no task in which a command may be run; the message says why."""


class NotInterruptedError(Exception):
    """A task doesn't exist, or AWS wouldn't interrupt it; the message says which."""


def task_for_commands(
    target: str, services: Iterable[RunningService], tasks: LiveTasks
) -> RunningTask:
    """Return a running task in which commands may be run.

    Args:
        target: The beginning of its id, or the name of its service; empty for the only service.
        services: All services.
        tasks: Their tasks.

    Raises:
        NoSuchTaskError: There is none, or its service lets nothing in.
    """
    all_running = list(_all_running(services, tasks))
    if not all_running:
        raise NoSuchTaskError(
            "no task is running; `pulumi-local up` deploys a stack, and `pulumi-local "
            "status` shows why tasks stopped"
        )
    matching = [each for each in all_running if each.is_meant(target)]
    if not matching:
        raise NoSuchTaskError(
            f"no running task is {target} or belongs to a service of that name; there is "
            f"{_services(all_running)}; `pulumi-local status` lists the tasks"
        )
    if len({each.service.spec.name for each in matching}) > 1:
        raise NoSuchTaskError(f"name a service or task; there is {_services(matching)}")
    service, _, running = matching[-1]
    if service.resource.outputs.get("enableExecuteCommand") is not True:
        raise NoSuchTaskError(
            "The execute command failed because execute command was not enabled when the task "
            f"was run: {service.spec.name} has no enableExecuteCommand"
        )
    return running


def task_to_interrupt(target: str, services: Iterable[RunningService]) -> Task:
    """Return a task whose spare capacity AWS may take back.

    Args:
        target: The beginning of its id.
        services: All services.

    Raises:
        NotInterruptedError: It isn't there, or AWS interrupts no task of its kind.
    """
    found = list(_active_tasks(target, services)) if target else []
    if len(found) != 1:
        raise NotInterruptedError(
            f"{len(found) or 'no'} running tasks begin with {target!r}; `pulumi-local status` "
            "lists them"
        )
    (task,) = found
    if task.capacity_provider != FARGATE_SPOT:
        runs_on = task.capacity_provider or "a launch type"
        raise NotInterruptedError(
            f"task {task.id} runs on {runs_on}, which AWS doesn't interrupt; it interrupts "
            f"tasks of {FARGATE_SPOT} only: see `capacity` in docs/config.md"
        )
    return task


class _Running(NamedTuple):
    """A running task of a service."""

    service: RunningService
    task_id: str
    running: RunningTask

    def is_meant(self, target: str) -> bool:
        """Return whether *target* begins its id or names its service; an empty one is any task."""
        return target == self.service.spec.name or self.task_id.startswith(target)


def _all_running(services: Iterable[RunningService], tasks: LiveTasks) -> Iterator[_Running]:
    for service in services:
        for task in service.state.tasks:
            running = tasks.running(task.id)
            if running is not None:
                yield _Running(service, task.id, running)


def _services(found: Iterable[_Running]) -> str:
    """Return the names of the services that tasks belong to."""
    return ", ".join(sorted({each.service.spec.name for each in found}))


def _active_tasks(beginning: str, services: Iterable[RunningService]) -> Iterator[Task]:
    for service in services:
        for task in service.state.tasks:
            if task.active and task.id.startswith(beginning):
                yield task
