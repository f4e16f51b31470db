"""The order in which a task's containers start: what each waits for (`dependsOn`)."""

from __future__ import annotations

import asyncio
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from localaws.ecs.scheduler.model import Health
from localaws.ecs.tasks.runtime import Condition, TaskStartError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.ecs.tasks.container_health import ContainerCheck
    from localaws.ecs.tasks.runtime import ContainerSpec
    from localaws.machine.processes import ChildProcess


def in_order(containers: Sequence[ContainerSpec]) -> list[ContainerSpec]:
    """Return containers such that each comes after those that it depends on.

    Raises:
        TaskStartError: They wait for each other.
    """
    by_name = {each.name: each for each in containers}
    waits = {each.name: sorted(each.depends_on) for each in containers}
    try:
        order = list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        raise TaskStartError(
            f"TaskDependencyError: containers wait for each other: {error.args[1]}"
        ) from None
    return [by_name[name] for name in order]


async def wait_for_others(
    container: ContainerSpec,
    children: Mapping[str, ChildProcess],
    checks: Mapping[str, ContainerCheck],
) -> None:
    """Wait until the conditions hold under which a container starts.

    Args:
        container: The container that is to start.
        children: What already runs, by container.
        checks: The health checks of those that have one.

    Raises:
        TaskStartError: One never will.
    """
    for name, condition in container.depends_on.items():
        missed = await _wait_for(condition, children[name], checks.get(name))
        if missed:
            raise TaskStartError(
                "TaskDependencyError: failed to resolve container ordering dependency "
                f"[{name}] for target "
                f"[{container.name}] as dependency did not {missed}"
            )


async def _wait_for(condition: Condition, child: ChildProcess, check: ContainerCheck | None) -> str:
    """Wait until a condition of a container holds; return what it failed to do, if it never will.

    Args:
        condition: The condition.
        child: The container.
        check: Its health check, which HEALTHY needs.
    """
    match condition:
        case Condition.START:
            return ""  # it has started before
        case Condition.COMPLETE:
            await child.wait()
            return ""
        case Condition.SUCCESS:
            return "" if await child.wait() == 0 else "exit successfully"
        case Condition.HEALTHY:
            assert check is not None, "ECS refuses the condition without a health check"
            return "" if await _is_healthy_before_end(check, child) else "become healthy"


async def _is_healthy_before_end(check: ContainerCheck, child: ChildProcess) -> bool:
    decided = asyncio.create_task(check.decided.wait())
    either: list[asyncio.Future[Any]] = [decided, child.ended]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        decided.cancel()
    return check.health is Health.HEALTHY and not child.ended.done()
