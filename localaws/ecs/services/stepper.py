"""Steps a service: shows the scheduler what is, performs what it decides."""

from __future__ import annotations

import uuid
from functools import partial
from secrets import randbelow, token_hex
from typing import TYPE_CHECKING, Any, Protocol

from localaws.ecs.instance_capacity import Instances
from localaws.ecs.scheduler import deployment_events
from localaws.ecs.scheduler.capacity import Fargate
from localaws.ecs.scheduler.model import ActionKind
from localaws.ecs.scheduler.rolling_update import Ids, step
from localaws.ecs.services.instance_demand import tasks_by_instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localaws.ecs.container_instances import ContainerInstances
    from localaws.ecs.scheduler.capacity import Capacity
    from localaws.ecs.scheduler.model import Action, Task, Timing
    from localaws.ecs.services.load_balancer_sync import LoadBalancerSync
    from localaws.ecs.services.running_services import RunningService, RunningServices
    from localaws.ecs.tasks.running_tasks import LiveTasks

_STEPS_AT_ONCE = 50
"""Far more than a step ever needs to come to rest; a bound for the scheduler's mistakes."""

_CHANGES_TARGETS = (ActionKind.REGISTER, ActionKind.DEREGISTER)


class Alarms(Protocol):
    """CloudWatch's alarms, as DescribeAlarms shows them."""

    def state(self, name: str) -> str:
        """Return `OK`, `ALARM` or `INSUFFICIENT_DATA`; empty for an alarm that isn't there."""

    def reason(self, name: str) -> str:
        """Return why an alarm is in its state."""


class NoAlarms:
    """Where nothing evaluates alarms, none is ever in ALARM."""

    def state(self, name: str) -> str:  # noqa: ARG002 — every name's
        """Return the state of an alarm that isn't there."""
        return ""

    reason = state


class Stepper:
    """Steps services, one at a time."""

    def __init__(
        self,
        services: RunningServices,
        tasks: LiveTasks,
        fleet: ContainerInstances | None,
        load_balancers: LoadBalancerSync,
        *,
        clock: Callable[[], float],
        timing: Timing,
    ) -> None:
        """Watch no alarms, and publish events to nothing, until the attributes are assigned.

        Args:
            services: All of them: they share instances.
            tasks: Starts, registers and stops tasks.
            fleet: The instances that tasks run on; None where tasks run on Fargate only.
            load_balancers: They apply which targets are registered.
            clock: Seconds since the epoch.
            timing: Durations that belong to ECS.
        """
        self._services = services
        self._tasks = tasks
        self._fleet = fleet
        self._load_balancers = load_balancers
        self._clock = clock
        self._timing = timing
        self.alarms: Alarms = NoAlarms()
        """Which alarms are in ALARM."""

        self.publish: Callable[[dict[str, Any]], None] = lambda _: None
        """Gets each event about a deployment, as EventBridge does."""

        self._ids = Ids(
            deployment=lambda: f"ecs-svc/{10**18 + randbelow(9 * 10**18)}",
            task=lambda: token_hex(16),
            event=lambda: str(uuid.uuid4()),
        )

    async def advance(self, service: RunningService) -> None:
        """Step a service until there is nothing left to do."""
        for _ in range(_STEPS_AT_ONCE):
            service.spec = self._services.current_spec(service)
            before = service.state
            service.state, actions = step(
                service.spec,
                service.state,
                self._tasks.observe(service.state.tasks),
                self._clock(),
                ids=self._ids,
                timing=self._timing,
                capacity=self._capacity(service),
                firing=self._firing(service),
            )
            for event in deployment_events.changes(
                service.spec.arn, before, service.state, self._ids.event
            ):
                self.publish(event)
            if actions:
                await self._perform(service, actions)
            elif service.state == before:
                service.state = before  # the same object: there is nothing to save
                return

    def start(self, service: RunningService, task: Task) -> None:
        """Begin to start a task; each change of it has the service stepped."""
        notify = partial(self._services.touch, service)
        self._tasks.start(task, service.revision_of(task), notify)

    async def _perform(self, service: RunningService, actions: Sequence[Action]) -> None:
        """Perform the scheduler's actions.

        The order matters. Rules that changed before are applied before targets are deregistered:
        a proxy that got both at once could have a rule for a target group that is empty already,
        and clients would see 503. Targets are registered and deregistered, and the load balancers
        have applied that, before any task stops. Else a stopping task would still get requests, and
        clients would see 502.
        """
        kinds = {action.kind for action in actions}
        if ActionKind.DEREGISTER in kinds:
            await self._load_balancers.apply_changes()
        for action in actions:
            match action.kind:
                case ActionKind.REGISTER:
                    self._tasks.register(action.task)
                case ActionKind.DEREGISTER:
                    self._tasks.deregister(action.task)
        if not kinds.isdisjoint(_CHANGES_TARGETS):
            await self._load_balancers.sync()
        for action in actions:
            match action.kind:
                case ActionKind.START:
                    self.start(service, action.task)
                case ActionKind.STOP:
                    self._tasks.stop(action.task, service.revision_of(action.task))

    def _capacity(self, service: RunningService) -> Capacity:
        choice = service.spec.capacity
        if not choice.on_instances:
            return Fargate(choice.strategy)
        if self._fleet is None:
            return Instances(service.spec.arn, choice, ())
        # The scheduler adds the service's own tasks itself, as they change from step to step.
        others = [each for each in self._services if each is not service]
        return self._fleet.capacity(service.spec, tasks_by_instance(others))

    def _firing(self, service: RunningService) -> dict[str, str]:
        """Return the reasons of those of a service's alarms that are in ALARM, by name."""
        reasons: dict[str, str] = {}
        for name in service.spec.alarms.names:
            if self.alarms.state(name) == "ALARM":
                reasons[name] = self.alarms.reason(name)
        return reasons
