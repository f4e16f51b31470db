"""What services do now: as ECS describes them, what their tasks use, and where those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.ecs import registrations
from localaws.ecs.scheduler import description
from localaws.ecs.scheduler.model import Status
from localaws.ecs.scheduler.service_health import healthy
from localaws.ecs.scheduler.waiter import failed_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.scheduler.model import Task, Timing
    from localaws.ecs.services.running_services import RunningService, RunningServices
    from localaws.ecs.tasks.running_tasks import LiveTasks
    from localaws.machine.processes import Usage
    from localaws.vpc.names import Instance


class Descriptions:
    """Describes services by their states and what is observed of their tasks."""

    def __init__(
        self,
        services: RunningServices,
        tasks: LiveTasks,
        *,
        clock: Callable[[], float],
        timing: Timing,
    ) -> None:
        """Describe nothing yet.

        Args:
            services: All of them.
            tasks: Their tasks.
            clock: Seconds since the epoch.
            timing: Durations that belong to ECS.
        """
        self._services = services
        self._tasks = tasks
        self._clock = clock
        self._timing = timing

    def describe(self, service_arn: str) -> dict[str, Any]:
        """Return a service as DescribeServices shows it; empty for one that isn't known."""
        service = self._services.get(service_arn)
        return {} if service is None else self._describe(service)

    def status(self) -> list[dict[str, Any]]:
        """Return all services as `describe` does, with their progress and tasks' endpoints."""
        endpoints, public = self._tasks.endpoints(), self._tasks.public_addresses()
        listen, locations = self._tasks.listen_addresses(), self._tasks.locations()
        host_ports = self._tasks.host_ports()
        found: list[dict[str, Any]] = []
        for service in self._services:
            described = {**self._describe(service), "progress": self.progress(service)}
            found.append(described)
            for task in described["tasks"]:
                task_id = task["taskId"]
                task["address"] = listen.get(task_id, "")
                task["endpoint"] = endpoints.get(task_id, "")
                if task_id in locations and locations[task_id].ipv6:
                    task["ipv6Address"] = locations[task_id].ipv6
                if task_id in host_ports:
                    task["hostPorts"] = host_ports[task_id]
                if task_id in public:
                    task["publicAddress"], task["shownAt"] = public[task_id]
        return found

    def progress(self, service: RunningService) -> str:
        """Return how far a service is: `1 of 2 tasks healthy, 1 waiting for health checks`."""
        state = service.state
        now = self._clock()
        observations = self._tasks.observe(state.tasks)
        primary = state.deployments[0].id if state.deployments else None
        count = 0
        for task in state.tasks:
            if task.deployment == primary and healthy(task, observations, now, self._timing):
                count += 1
        return description.progress(service.spec, state, count, observations)

    def ignored_alarms(self, service_arn: str) -> tuple[str, ...]:
        """Return the alarms that were in ALARM when the service's last change began to deploy.

        ECS then watches no alarm during that deployment. None for a change that deployed nothing.
        """
        service = self._services.get(service_arn)
        if service is None or not service.state.deployments:
            return ()
        newest = service.state.deployments[0]
        return newest.ignored_alarms if newest.requested_at >= service.changed_at else ()

    def last_failed(self, service_arn: str) -> Task | None:
        """Return the latest deployment's last failed task."""
        service = self._services.get(service_arn)
        failed = failed_tasks(service.state) if service else []
        return failed[0] if failed else None

    async def usage(self, service_arn: str) -> dict[str, Usage]:
        """Return what each running task of a service uses of CPU and memory, by the tasks' ids."""
        service = self._services.get(service_arn)
        if service is None:
            return {}
        used: dict[str, Usage] = {}
        for task in service.state.tasks:
            running = self._tasks.running(task.id)
            if task.status is Status.RUNNING and running is not None:
                used[task.id] = await running.usage()
        return used

    def registered_instances(self, registry: str) -> list[Instance]:
        """Return the tasks that are registered with a service of Cloud Map, by its ARN."""
        found: list[Instance] = []
        locations = self._tasks.locations()
        for service in self._services:
            observations = self._tasks.observe(service.state.tasks)
            found += registrations.instances(registry, service.state, observations, locations)
        return found

    def _describe(self, service: RunningService) -> dict[str, Any]:
        return description.describe(
            service.spec,
            service.state,
            self._tasks.observe(service.state.tasks),
            status="DRAINING" if self._services.must_leave(service) else "ACTIVE",
        )
