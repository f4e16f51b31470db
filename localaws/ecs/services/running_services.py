"""The services that run: each with its record in the cloud, its state, and its next step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localaws.catalog.ecs.services import SERVICE
from localaws.ecs.definition import service_spec
from localaws.ecs.instance_capacity import need_of
from localaws.ecs.scheduler.model import ServiceState, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localaws.catalog.account import Account, Resource
    from localaws.ec2.placement import Need
    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec, Task


@dataclass
class RunningService:
    """A service of the cloud, or a deleted one that still has tasks."""

    spec: ServiceSpec
    """Its specification as of its last step."""

    resource: Resource
    """Its record in the cloud, as of the last change of it."""

    changed_at: float
    state: ServiceState
    deleted: bool = False
    """Whether it was deleted from the cloud; one of the same name there is a new one."""

    leaving: bool = False
    """Whether its tasks had to stop, as of the cloud's last change."""

    touched: bool = True
    """Whether something has happened to it since its last step."""

    step_at: float = 0
    """When it is stepped even if nothing happens to it, by the event loop's clock."""

    @property
    def has_tasks(self) -> bool:
        """Whether it has a task that hasn't stopped."""
        return any(task.status is not Status.STOPPED for task in self.state.tasks)

    def revision_of(self, task: Task) -> ServiceRevision:
        """Return the revision that a task of it runs."""
        deployment = self.state.deployment(task.deployment)
        assert deployment is not None, "a deployment stays as long as one of its tasks"
        return deployment.revision

    def need_of(self, task: Task) -> Need:
        """Return what a task of it takes of an instance."""
        return need_of(self.revision_of(task).launch["taskDefinition"])


class RunningServices:
    """The cloud's services, and deleted ones until their last task has stopped."""

    def __init__(
        self,
        cloud: Account,
        *,
        clock: Callable[[], float],
        speed: float,
        wake: Callable[[], None],
    ) -> None:
        """Start with none.

        Args:
            cloud: Where their records are.
            clock: Seconds since the epoch.
            speed: How fast their own durations pass.
            wake: Begins the next pass at once.
        """
        self._cloud = cloud
        self._clock = clock
        self._speed = speed
        self._wake = wake
        self._services: dict[str, RunningService] = {}

    def __iter__(self) -> Iterator[RunningService]:
        """Iterate over all of them."""
        return iter(self._services.values())

    def get(self, arn: str) -> RunningService | None:
        """Return the service with an ARN; None if it doesn't run."""
        return self._services.get(arn)

    def states(self) -> dict[str, ServiceState]:
        """Return their states by ARN."""
        return {arn: service.state for arn, service in self._services.items()}

    def touch(self, service: RunningService) -> None:
        """Have the next pass, which begins at once, step a service."""
        service.touched = True
        self._wake()

    def new_resources(self) -> Iterator[Resource]:
        """Yield the records of the cloud's services that don't run yet."""
        for resource in self._cloud.all(SERVICE):
            if resource.id not in self._services:
                yield resource

    def add(self, resource: Resource, state: ServiceState) -> RunningService:
        """Add a service; its first step is in the next pass.

        Raises:
            MissingTaskDefinitionError: Its task definition isn't there.
        """
        spec = self._read(resource, state)
        service = RunningService(spec, resource, self._clock(), state)
        self._services[resource.id] = service
        return service

    def notice_change(self) -> None:
        """Note a change of the cloud while it happens.

        Later it would be too late: a service that was deleted and made again under the same name
        would pass for the old one.
        """
        for arn, service in self._services.items():
            resource = self._cloud.get(SERVICE, arn)
            if resource is None:
                service.deleted = True
                service.touched = True
            elif resource is not service.resource:
                service.resource = resource
                service.changed_at = self._clock()
                service.touched = True
            leaving = self.must_leave(service)
            if service.leaving is not leaving:
                service.leaving = leaving
                service.touched = True

    def forget_deleted(self) -> None:
        """Forget deleted services whose last task has stopped."""
        for arn, service in list(self._services.items()):
            if service.deleted and not service.has_tasks:
                del self._services[arn]

    def must_leave(self, service: RunningService) -> bool:
        """Return whether a service's tasks must stop: it is deleted, or about to be."""
        return service.deleted or service.spec.arn in self._cloud.draining

    def current_spec(self, service: RunningService) -> ServiceSpec:
        """Return a service's specification now; one that must leave keeps its last, without tasks.

        Raises:
            MissingTaskDefinitionError: Its task definition isn't there.
        """
        resource = self._cloud.get(SERVICE, service.spec.arn)
        if resource is None or self.must_leave(service):
            return replace(service.spec, desired=0)
        return self._read(resource, service.state)

    def _read(self, resource: Resource, state: ServiceState) -> ServiceSpec:
        return service_spec(resource, self._cloud, state).at(self._speed)
