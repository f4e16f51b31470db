"""Waits for services: until they are steady, have taken up a change, or have no task left."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from localaws.ecs.definition import MissingTaskDefinitionError
from localaws.ecs.scheduler.service_health import has_accepted
from localaws.ecs.scheduler.waiter import DeploymentFailedError, wait_is_over, why_stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.scheduler.model import Timing
    from localaws.ecs.services.descriptions import Descriptions
    from localaws.ecs.services.passes import Passes
    from localaws.ecs.services.running_services import RunningServices
    from localaws.ecs.tasks.running_tasks import LiveTasks

PAUSE = 0.1
"""Seconds between the end of a pass and the next look at what is waited for."""


class NotSteadyError(Exception):
    """A service didn't reach its desired state; the message has its progress and the reasons."""


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
            NotSteadyError: It isn't in time, or its deployment has failed.
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
                raise NotSteadyError(
                    f"waiting for ECS Service ({service_arn}): {failure}"
                ) from None

        await self._wait(service_arn, done, "reach a steady state", timeout, report)

    # It raises an error of its own, with a reason.
    async def wait_until_accepted(self, service_arn: str, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until a service's newest deployment is the requested one: ECS answers with that.

        Args:
            service_arn: The service.
            timeout: Seconds to wait, with no error when they are over: `settle` raises one.
        """

        def done() -> bool:
            service = self._services.get(service_arn)
            if service is None or self._services.must_leave(service):
                return False
            try:
                return has_accepted(self._services.current_spec(service), service.state)
            except MissingTaskDefinitionError:
                return True

        with suppress(NotSteadyError):
            goal = "take up what was requested"
            await self._wait(service_arn, done, goal, timeout, lambda _: None)

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
            NotSteadyError: A task still runs.
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
        patience: float,
        report: Callable[[str], None],
    ) -> None:
        """Wait until something is done, after at least one more step of the service."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        reported = ""
        while True:
            service = self._services.get(service_arn)
            if service is not None:
                self._services.touch(service)
            await self._passes.wait_for_next(deadline)
            service = self._services.get(service_arn)
            progress = self._descriptions.progress(service) if service else ""
            if progress not in {reported, ""}:
                report(progress)
                reported = progress
            if done():
                return
            if loop.time() >= deadline:
                why = why_stopped(service.state) if service else ""
                words = "; ".join([f"{progress}{why}", *self._passes.problems])
                raise NotSteadyError(f"{service_arn} did not {goal} within {patience:g} s: {words}")
            await asyncio.sleep(PAUSE)
