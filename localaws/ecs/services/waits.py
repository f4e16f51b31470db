"""Waits for services: until they are steady, have taken up a change, or have no task left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from localaws.ecs.definition import MissingTaskDefinitionError
from localaws.ecs.scheduler.service_health import has_accepted
from localaws.ecs.scheduler.waiter import DeploymentFailedError, wait_is_over, why_stopped
from localaws.not_settled import NotSettled

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.scheduler.model import Timing
    from localaws.ecs.services.descriptions import Descriptions
    from localaws.ecs.services.passes import Passes
    from localaws.ecs.services.running_services import RunningServices
    from localaws.ecs.tasks.running_tasks import LiveTasks

_PAUSE = 0.05
"""Seconds between the end of a pass and the next look at what is waited for."""


async def wait_for(
    passes: Passes,
    done: Callable[[], bool],
    *,
    progress: Callable[[], str],
    failure: Callable[[], str],
    time_limit: float,
    report: Callable[[str], None],
    prepare: Callable[[], None] = lambda: None,
) -> None:
    """Wait until something is done, after at least one more pass.

    Args:
        passes: The passes in which it is done.
        done: Returns whether it is.
        progress: Describes how far it is; an empty text isn't reported.
        failure: Describes the error, when the time is over.
        time_limit: Seconds to wait.
        report: Called with each progress that differs from the last one.
        prepare: Called before each pass.

    Raises:
        NotSettled: It isn't done in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + time_limit
    reported = ""
    while True:
        prepare()
        await passes.wait_for_next(deadline)
        current = progress()
        if current not in {reported, ""}:
            report(current)
            reported = current
        if done():
            return
        if loop.time() >= deadline:
            raise NotSettled(failure())
        await asyncio.sleep(_PAUSE)


class ServiceWaits:
    """Waits for services, and reports how far they are."""

    def __init__(
        self,
        services: RunningServices,
        tasks: LiveTasks,
        descriptions: Descriptions,
        passes: Passes,
        *,
        clock: Callable[[], float],
        timing: Timing,
    ) -> None:
        """Wait for nothing yet.

        Args:
            services: All of them.
            tasks: Their tasks.
            descriptions: How far services are.
            passes: The passes in which they are stepped.
            clock: Seconds since the epoch.
            timing: Durations that belong to ECS.
        """
        self._services = services
        self._tasks = tasks
        self._descriptions = descriptions
        self._passes = passes
        self._clock = clock
        self._timing = timing

    async def settle(
        self,
        service_arn: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait as the provider does until a service is in its desired state (`waiter`).

        Args:
            service_arn: The service.
            timeout: Seconds to wait.
            report: Called with each progress: `1 of 2 tasks healthy, 1 waiting for health checks`.

        Raises:
            NotSettled: It isn't in time, or its deployment has failed.
        """

        def done() -> bool:
            service = self._services.get(service_arn)
            if service is None or self._services.must_leave(service):
                return False
            try:
                return wait_is_over(
                    self._services.current_spec(service),
                    service.state,
                    self._tasks.observe(service.state.tasks),
                    self._clock(),
                    since=service.changed_at,
                    timing=self._timing,
                )
            except MissingTaskDefinitionError:
                return False
            except DeploymentFailedError as failure:
                raise NotSettled(f"waiting for ECS Service ({service_arn}): {failure}") from None

        await self._wait(service_arn, done, "reach a steady state", timeout, report)

    async def wait_until_accepted(self, service_arn: str, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until a service's newest deployment is the requested one: ECS answers with that.

        Args:
            service_arn: The service.
            timeout: Seconds to wait.

        Raises:
            NotSettled: It isn't in time.
        """

        def done() -> bool:
            service = self._services.get(service_arn)
            if service is None or self._services.must_leave(service):
                return False
            try:
                return has_accepted(self._services.current_spec(service), service.state)
            except MissingTaskDefinitionError:
                return True

        await self._wait(service_arn, done, "take up what was requested", timeout, lambda _: None)

    async def drain(
        self,
        service_arn: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until all tasks of a service that is being deleted have drained and stopped.

        Args:
            service_arn: The service; one that isn't known is no error.
            timeout: Seconds to wait.
            report: Called with each progress.

        Raises:
            NotSettled: A task still runs.
        """

        def done() -> bool:
            service = self._services.get(service_arn)
            return service is None or not service.has_tasks

        await self._wait(service_arn, done, "stop all of its tasks", timeout, report)

    async def _wait(
        self,
        service_arn: str,
        done: Callable[[], bool],
        goal: str,
        time_limit: float,
        report: Callable[[str], None],
    ) -> None:
        def prepare() -> None:
            service = self._services.get(service_arn)
            if service is not None:
                self._services.touch(service)

        def progress() -> str:
            service = self._services.get(service_arn)
            return self._descriptions.progress(service) if service else ""

        def failure() -> str:
            service = self._services.get(service_arn)
            why = why_stopped(service.state) if service else ""
            words = "; ".join([f"{progress()}{why}", *self._passes.problems])
            return f"{service_arn} did not {goal} within {time_limit:g} s: {words}"

        await wait_for(
            self._passes,
            done,
            progress=progress,
            failure=failure,
            time_limit=time_limit,
            report=report,
            prepare=prepare,
        )
