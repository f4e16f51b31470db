"""Runs the pure scheduler: follows the cloud, starts and stops tasks, saves the state."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import randbelow, token_hex
from typing import TYPE_CHECKING, Any, Protocol

from localaws.catalog.ecs.services import SERVICE
from localaws.ec2.fleet import Demand, Waiting
from localaws.ec2.placement import PlacedTask
from localaws.ecs import registrations, saved_states
from localaws.ecs.container_instances import ContainerInstances, NoSuchInstanceError
from localaws.ecs.definition import MissingTaskDefinitionError, completed, service_spec
from localaws.ecs.instance_capacity import Instances, need_of
from localaws.ecs.scheduler import deployment_events, description
from localaws.ecs.scheduler.capacity import FARGATE_SPOT, Fargate
from localaws.ecs.scheduler.model import (
    Action,
    ActionKind,
    ServiceState,
    Status,
    Task,
    TaskObservation,
    Timing,
)
from localaws.ecs.scheduler.rolling_update import Ids, recover, step
from localaws.ecs.scheduler.service_health import has_accepted, healthy, next_look
from localaws.ecs.scheduler.waiter import (
    DeploymentFailedError,
    failed_tasks,
    wait_is_over,
    why_stopped,
)
from localaws.ecs.tasks.running_tasks import LiveTasks
from localaws.machine.addresses import SubnetAddresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from localaws.catalog.account import Account, Resource
    from localaws.ec2.placement import Need
    from localaws.ecs.container_instances import Hosts
    from localaws.ecs.scheduler.capacity import Capacity
    from localaws.ecs.scheduler.model import ServiceRevision, ServiceSpec
    from localaws.ecs.tasks.running_tasks import TargetGroups
    from localaws.ecs.tasks.runtime import RunningTask, TaskRuntime
    from localaws.machine.processes import Usage
    from localaws.vpc.names import Instance

log = logging.getLogger(__name__)

_BUSY_PAUSE = 0.2
"""Seconds between two steps of a service of which a task starts or stops."""

_LOAD_BALANCER_PAUSE = 0.1
"""Seconds at least between two synchronizations of the load balancers: changes in the meantime are
applied together.
"""

_CALM_PAUSE = 2.0
"""Seconds between two steps of a service that is steady, or for which nothing can be done."""

_STEPS_AT_ONCE = 50
"""Far more than a step ever needs to come to rest; a bound for the scheduler's mistakes."""


class NotSteadyError(Exception):
    """A service didn't reach its desired state; the message has its progress and the reasons."""


class NoSuchTaskError(Exception):
    """There is no task in which a command may be run; the message says why."""


class NotInterruptedError(Exception):
    """A task doesn't exist, or AWS wouldn't interrupt it; the message says which."""


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


@dataclass
class _Service:
    spec: ServiceSpec
    resource: Resource
    """Its record in the cloud, as of the last change of it."""

    changed_at: float
    state: ServiceState = field(default_factory=ServiceState)
    deleted: bool = False
    """Whether it was deleted from the cloud; one of the same name there is a new one."""

    leaving: bool = False
    """Whether its tasks had to stop, as of the cloud's last change."""

    touched: bool = True
    """Whether something has happened to it since its last step."""

    step_at: float = 0
    """When it is stepped even if nothing happens to it, by the event loop's clock."""


class Controller:
    """Runs every ECS service of the cloud."""

    def __init__(
        self,
        cloud: Account,
        directory: Path,
        *,
        runtime: TaskRuntime,
        target_groups: TargetGroups,
        parameters: Callable[[str], str | None],
        clock: Callable[[], float] = time.time,
        timing: Timing | None = None,
        speed: float = 1,
        subnet_addresses: SubnetAddresses | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        """Nothing happens until `start`.

        Args:
            cloud: The resources to follow.
            directory: The state directory, which holds `services.jsonl`.
            runtime: Starts and stops tasks.
            target_groups: Registers tasks with target groups.
            parameters: A parameter's or secret's value by name or ARN, None for one that doesn't
                exist.
            clock: Seconds since the epoch.
            timing: Durations that belong to ECS.
            speed: How fast they and the services' own pass.
            subnet_addresses: Where tasks get their private addresses, if others get theirs there.
            hosts: Makes EC2 instances; None where tasks run on Fargate only.
        """
        self._cloud = cloud
        self._saved = saved_states.SavedStates(directory)
        self._runtime = runtime
        self._target_groups = target_groups
        self._clock = clock
        self._timing = (timing or Timing()).at(speed)
        self._speed = speed
        self._services: dict[str, _Service] = {}
        self._wake = asyncio.Event()
        subnet_addresses = subnet_addresses or SubnetAddresses()
        self._tasks = LiveTasks(runtime, target_groups, parameters, subnet_addresses)
        self.fleet: ContainerInstances | None = None
        """The EC2 instances that tasks run on; None where there can't be any."""

        if hosts is not None:
            self.fleet = ContainerInstances(
                cloud,
                directory,
                hosts,
                subnet_addresses,
                end_tasks=self._tasks.end_tasks_of,
                clock=clock,
                speed=speed,
            )
        self.alarms: Alarms = NoAlarms()
        """Says which alarms are in ALARM; assigned before `start`."""

        self.publish: Callable[[dict[str, Any]], None] = lambda _: None
        """Gets each event about a deployment, as EventBridge does; assigned before `start`."""

        self._changes = 1
        """How often the cloud has changed."""

        self._applied_changes = 0
        """How many of these changes the load balancers have applied."""

        self._next_sync = 0.0
        """When the load balancers may be synchronized next, by the event loop's clock."""

        self._passed = asyncio.Condition()
        self._loop: asyncio.Task[None] | None = None
        self._new_problems: list[str] = []
        """Those of the pass that is under way."""

        self._problems: list[str] = []
        """Those of the last whole pass."""

        self._ids = Ids(
            deployment=lambda: f"ecs-svc/{10**18 + randbelow(9 * 10**18)}",
            task=lambda: token_hex(16),
            event=lambda: str(uuid.uuid4()),
        )

    async def start(self) -> None:
        """Start again what ran when the last controller ended, then follow the cloud."""
        self._cloud.on_change.append(self._notice_change)
        if self.fleet is not None:
            await self.fleet.recover()
        self._recover()
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop everything at once; the next controller starts it again."""
        self._cloud.on_change.remove(self._notice_change)
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self._tasks.close()
        if self.fleet is not None:
            await self.fleet.close()
        await self._target_groups.close()
        await self._runtime.close()

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
            if service is None or self._leaves(service):
                return False
            try:
                return wait_is_over(
                    self._spec(service),
                    service.state,
                    self._observations(service),
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
            if service is None or self._leaves(service):
                return False
            try:
                return has_accepted(self._spec(service), service.state)
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
            return service is None or not _unfinished(service.state)

        await self._wait(service_arn, done, "stop all of its tasks", timeout, report)

    async def settle_group(
        self,
        group: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until an Auto Scaling group has as many instances in service as it should.

        Args:
            group: Its name.
            timeout: Seconds to wait.
            report: Called with each progress.

        Raises:
            NotSteadyError: It doesn't.
        """
        fleet = self.fleet
        if fleet is None:
            return

        def progress() -> str:
            serving, wanted = fleet.in_service(group), fleet.wanted(group)
            return f"{serving} of {wanted} instances in service"

        def done() -> bool:
            return fleet.knows(group) and fleet.in_service(group) >= fleet.wanted(group)

        await self._wait_for_fleet(done, progress, f"Auto Scaling group {group}", timeout, report)

    async def drain_group(
        self,
        group: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until all instances of an Auto Scaling group that is being deleted are gone.

        Raises:
            NotSteadyError: Some aren't.
        """
        fleet = self.fleet
        if fleet is None:
            return

        def progress() -> str:
            return f"{len(fleet.of_group(group))} instances left, want 0"

        def done() -> bool:
            return not fleet.of_group(group) and not fleet.ending

        await self._wait_for_fleet(done, progress, f"Auto Scaling group {group}", timeout, report)

    async def wait_until_empty(
        self,
        cluster: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until no instance is registered with a cluster that is being deleted.

        Raises:
            NotSteadyError: Some are.
        """
        fleet = self.fleet
        if fleet is None:
            return

        def progress() -> str:
            there = ", ".join(fleet.registered_with(cluster))
            return (
                "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while "
                f"Container Instances are active or draining. ({there})"
            )

        def done() -> bool:
            return not fleet.registered_with(cluster)

        await self._wait_for_fleet(done, progress, f"cluster {cluster}", timeout, report)

    async def apply(self, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until requests are routed as the cloud's records are now.

        All callers wait for the same next synchronization, so that many rules cost one.

        Args:
            timeout: Seconds to wait, with no error when they are over: `problems` has the reason.
        """
        changes = self._changes
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._passed:
                await self._passed.wait_for(lambda: self._applied_changes >= changes)

    async def listen_error(self, listener_arn: str) -> str:
        """Return why a load balancer's listener takes no connections; empty where it does."""
        with suppress(Exception):  # the next pass reports every other problem
            await self._target_groups.sync()
        return self._target_groups.listen_error(listener_arn)

    def targets(self) -> list[dict[str, str]]:
        """Return the targets that a program registered by itself, and their health."""
        return self._target_groups.attached()

    def load_balancers(self) -> list[dict[str, str]]:
        """Return where load balancers are found, of those that are in a VPC."""
        return self._target_groups.where()

    def instances(self, registry: str) -> list[Instance]:
        """Return the tasks that are registered with a service of Cloud Map, by its ARN."""
        found: list[Instance] = []
        for service in self._services.values():
            observations, locations = self._observations(service), self._tasks.locations()
            found += registrations.instances(registry, service.state, observations, locations)
        return found

    def problems(self) -> list[str]:
        """Return what went wrong in the last pass, and with instances."""
        return [*self._problems, *(self.fleet.problems() if self.fleet else ())]

    def renew(self, service_arn: str) -> None:
        """Have the next pass deploy the requested revision, even after it was rolled back."""
        service = self._services.get(service_arn)
        if service is not None:
            service.state = replace(service.state, requested=None)
            self._touch(service)

    def describe(self, service_arn: str) -> dict[str, Any]:
        """Return a service as DescribeServices shows it; empty for one that isn't known."""
        service = self._services.get(service_arn)
        if service is None:
            return {}
        status = "DRAINING" if self._leaves(service) else "ACTIVE"
        return description.describe(
            service.spec, service.state, self._observations(service), status=status
        )

    def ignored_alarms(self, service_arn: str) -> tuple[str, ...]:
        """Return the alarms that were in ALARM when the service's last change began to deploy.

        ECS then watches no alarm during that deployment. None for a change that deployed nothing.
        """
        service = self._services.get(service_arn)
        if service is None or not service.state.deployments:
            return ()
        newest = service.state.deployments[0]
        return newest.ignored_alarms if newest.requested_at >= service.changed_at else ()

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

    def last_failed(self, service_arn: str) -> Task | None:
        """Return the latest deployment's last failed task."""
        service = self._services.get(service_arn)
        failed = failed_tasks(service.state) if service else []
        return failed[0] if failed else None

    def find_task(self, target: str) -> RunningTask:
        """Return a running task in which commands may be run.

        Args:
            target: The beginning of its id, or the name of its service; empty for the only
                service.

        Raises:
            NoSuchTaskError: There is none, or its service lets nothing in.
        """
        matching = list(self._matching(target))
        if not matching:
            if not target:
                raise NoSuchTaskError(
                    "no task is running; `pulumi-local up` deploys a stack, and `pulumi-local "
                    "status` shows why tasks stopped"
                )
            raise NoSuchTaskError(
                f"no running task is {target} or belongs to a service of that name; "
                "`pulumi-local status` lists them"
            )
        names = sorted({service.spec.name for service, _ in matching})
        if len(names) > 1:
            raise NoSuchTaskError(f"name a service or task; there are {', '.join(names)}")
        service, running = matching[-1]
        if service.resource.outputs.get("enableExecuteCommand") is not True:
            raise NoSuchTaskError(
                "The execute command failed because execute command was not enabled when the task "
                f"was run: {service.spec.name} has no enableExecuteCommand"
            )
        return running

    def _matching(self, target: str) -> Iterator[tuple[_Service, RunningTask]]:
        """Yield the running tasks of which *target* begins the id or names the service."""
        for service in self._services.values():
            for task in service.state.tasks:
                if target not in {"", service.spec.name} and not task.id.startswith(target):
                    continue
                running = self._tasks.running(task.id)
                if running is not None:
                    yield service, running

    def interrupt(self, target: str) -> str:
        """Take back the spare capacity that a task runs on, as AWS does now and then.

        Args:
            target: The beginning of its id.

        Returns:
            Its id.

        Raises:
            NotInterruptedError: It isn't there, or AWS interrupts no task of its kind.
        """
        found = list(self._active_tasks(target)) if target else []
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
        self._tasks.interrupt(task.id)
        return task.id

    def _active_tasks(self, beginning: str) -> Iterator[Task]:
        for service in self._services.values():
            for task in service.state.tasks:
                if task.active and task.id.startswith(beginning):
                    yield task

    def fail_instance(self, instance: str) -> str:
        """End an EC2 instance at once, with its tasks, as a failure of its host does.

        Args:
            instance: The beginning of its id.

        Returns:
            Its id.

        Raises:
            NoSuchInstanceError: There is none.
        """
        if self.fleet is None:
            raise NoSuchInstanceError("there are no instances: tasks run as processes here")
        failed = self.fleet.fail(instance)
        for service in self._services.values():
            self._touch(service)
        return failed

    def status(self) -> list[dict[str, Any]]:
        """Return all services as `describe` does, with their progress and tasks' endpoints."""
        endpoints, public = self._tasks.endpoints(), self._tasks.public_addresses()
        listen, locations = self._tasks.listen_addresses(), self._tasks.locations()
        host_ports = self._tasks.host_ports()
        found: list[dict[str, Any]] = []
        for arn, service in self._services.items():
            described = {**self.describe(arn), "progress": self._progress(service)}
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

    # The loop

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._new_problems = []
            with self._noting_problems():
                await self._pass()
            for problem in self._new_problems:
                if problem not in self._problems:
                    log.error("%s", problem)
            self._problems = self._new_problems
            async with self._passed:
                self._passed.notify_all()
            # Not wait_for, which before Python 3.12 loses a cancellation now and then.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_of_all()):
                    await self._wake.wait()

    async def _pass(self) -> None:
        """Synchronize the load balancers, and step each service that is touched or due.

        Services at rest cost nothing, so that a deployment takes no longer among many services than
        alone.
        """
        now = asyncio.get_running_loop().time
        self._forget_deleted()
        self._add_new_services()
        if now() >= self._next_sync:
            await self._sync()
        await self._follow_instances()
        for service in list(self._services.values()):
            if service.touched or now() >= service.step_at:
                # Reset before the step, not after: an event during the step must cause another
                # one, and so must a step that fails.
                service.touched, service.step_at = False, 0.0
                with self._noting_problems():
                    await self._advance(service)
                    self._forget_stopped(service)
                    service.step_at = now() + self._pause(service)
        self._forget_deleted()
        with self._noting_problems():
            self._save()

    async def _follow_instances(self) -> None:
        """Step the fleet of instances; a change of it concerns every service on instances."""
        if self.fleet is None:
            return
        with self._noting_problems():
            has_changed = await self.fleet.follow(self._demand())
            for service in self._services.values():
                if has_changed and service.spec.capacity.on_instances:
                    service.touched = True

    def _demand(self) -> Demand:
        """Return which tasks are on instances, and which wait for some."""
        counts: Counter[str] = Counter()
        taken: dict[str, tuple[int, int]] = {}
        waiting: list[Waiting] = []
        for service in self._services.values():
            for task in service.state.tasks:
                if task.status is Status.PROVISIONING:
                    need = _need(service, task)
                    waiting.append(Waiting(task.capacity_provider, need.cpu, need.memory))
                elif task.instance and task.status is not Status.STOPPED:
                    need = _need(service, task)
                    counts[task.instance] += 1
                    cpu, memory = taken.get(task.instance, (0, 0))
                    taken[task.instance] = cpu + need.cpu, memory + need.memory
        return Demand(tasks=counts, taken=taken, waiting=tuple(waiting))

    def _capacity(self, service: _Service) -> Capacity:
        choice = service.spec.capacity
        if not choice.on_instances:
            return Fargate(choice.strategy)
        if self.fleet is None:
            return Instances(service.spec.arn, choice, ())
        # The service's own tasks aren't among them: the scheduler adds those itself.
        others: dict[str, list[PlacedTask]] = {}
        for other in self._services.values():
            if other is service:
                continue
            for task in other.state.tasks:
                if task.instance and task.status is not Status.STOPPED:
                    placed = PlacedTask(id=task.id, service=other.spec.arn, need=_need(other, task))
                    others.setdefault(task.instance, []).append(placed)
        return self.fleet.capacity(service.spec, others)

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        """Note a failure as a problem: one bad resource must not stop the other services."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 — whatever it is, `settle` reports it
            self._new_problems.append(str(error) or repr(error))

    async def _sync(self) -> None:
        # Counted before, as the cloud may change while the load balancers read it.
        changes = self._changes
        with self._noting_problems():
            self._next_sync = 0.0  # a synchronization that fails is repeated at once
            await self._target_groups.sync()
            self._next_sync = asyncio.get_running_loop().time() + _LOAD_BALANCER_PAUSE
        self._applied_changes = changes

    def _add_new_services(self) -> None:
        for resource in self._cloud.all(SERVICE):
            if resource.id not in self._services:
                with self._noting_problems():
                    spec = self._read(resource, ServiceState())
                    self._services[resource.id] = _Service(spec, resource, self._clock())

    def _notice_change(self) -> None:
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
            if service.leaving is not self._leaves(service):
                service.leaving = not service.leaving
                service.touched = True
        if self.fleet is not None:
            self.fleet.touch()
        self._changes += 1
        self._wake.set()

    def _touch(self, service: _Service) -> None:
        """Have the next pass, which begins at once, step a service."""
        service.touched = True
        self._wake.set()

    async def _advance(self, service: _Service) -> None:
        """Step until there is nothing left to do."""
        for _ in range(_STEPS_AT_ONCE):
            service.spec = self._spec(service)
            before = service.state
            service.state, actions = step(
                service.spec,
                service.state,
                self._observations(service),
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

    async def _perform(self, service: _Service, actions: list[Action]) -> None:
        """Perform the scheduler's actions.

        The order matters: targets are registered and deregistered, and the load balancers have
        applied that, before any task stops. Else a stopping task would still get requests, and
        clients would see 502.
        """
        targets_change = False
        for action in actions:
            match action.kind:
                case ActionKind.REGISTER:
                    self._tasks.register(action.task)
                    targets_change = True
                case ActionKind.DEREGISTER:
                    self._tasks.deregister(action.task)
                    targets_change = True
        if targets_change:
            await self._sync()
        for action in actions:
            match action.kind:
                case ActionKind.START:
                    self._start(service, action.task)
                case ActionKind.STOP:
                    self._tasks.stop(action.task, _revision(service, action.task))

    def _start(self, service: _Service, task: Task) -> None:
        self._tasks.start(task, _revision(service, task), partial(self._touch, service))

    # Observation

    def _spec(self, service: _Service) -> ServiceSpec:
        """Return the specification; a service being deleted keeps its last one, without tasks."""
        resource = self._cloud.get(SERVICE, service.spec.arn)
        if resource is None or self._leaves(service):
            return replace(service.spec, desired=0)
        return self._read(resource, service.state)

    def _read(self, resource: Resource, state: ServiceState) -> ServiceSpec:
        return service_spec(resource, self._cloud, state).at(self._speed)

    def _leaves(self, service: _Service) -> bool:
        """Return whether a service's tasks must stop: it is deleted, or about to be."""
        return service.deleted or service.spec.arn in self._cloud.draining

    def _observations(self, service: _Service) -> dict[str, TaskObservation]:
        return self._tasks.observe(service.state.tasks)

    def _firing(self, service: _Service) -> dict[str, str]:
        """Return the reasons of those of a service's alarms that are in ALARM, by name."""
        names = service.spec.alarms.names
        in_alarm = [name for name in names if self.alarms.state(name) == "ALARM"]
        return {name: self.alarms.reason(name) for name in in_alarm}

    def _pause(self, service: _Service) -> float:
        """Return the seconds until a service's next step, if nothing happens to it."""
        seconds = next_look(
            service.spec, service.state, self._observations(service), self._clock(), self._timing
        )
        return _CALM_PAUSE if seconds is None else min(max(seconds, _BUSY_PAUSE), _CALM_PAUSE)

    def _pause_of_all(self) -> float:
        """Return the seconds until the next pass, if nothing happens."""
        now = asyncio.get_running_loop().time()
        pause = _CALM_PAUSE
        for service in self._services.values():
            pause = min(pause, service.step_at - now)
        if self.fleet is not None and self.fleet.busy:
            pause = 0
        pause = max(pause, _BUSY_PAUSE)
        if self._applied_changes < self._changes:
            pause = min(pause, max(0.0, self._next_sync - now))
        return pause

    # Saved state

    def _forget_stopped(self, service: _Service) -> None:
        for task in service.state.tasks:
            if task.status is Status.STOPPED:
                self._tasks.forget(task)

    def _forget_deleted(self) -> None:
        """Forget deleted services whose last task has stopped."""
        for arn, service in list(self._services.items()):
            if service.deleted and not _unfinished(service.state):
                del self._services[arn]

    def _save(self) -> None:
        states = {arn: service.state for arn, service in self._services.items()}
        self._saved.save(states)

    def _recover(self) -> None:
        for arn, state in self._saved.load().items():
            resource = self._cloud.get(SERVICE, arn)
            if resource is None:
                continue  # it was deleted, and its tasks ended with the last daemon
            with self._noting_problems():  # a file of another version is no reason not to start
                found = completed(saved_states.from_json(state), resource, self._cloud)
                service = _Service(self._read(resource, found), resource, self._clock())
                service.state, actions = recover(found, self._clock())
                self._services[arn] = service
                for action in actions:
                    self._start(service, action.task)

    # Waiting

    async def _next_pass(self, deadline: float) -> None:
        """Begin a pass, and wait for the end of one until a time of the event loop's clock."""
        self._wake.set()
        with suppress(TimeoutError):
            remaining = max(0.01, deadline - asyncio.get_running_loop().time())
            async with asyncio.timeout(remaining), self._passed:
                await self._passed.wait()

    async def _wait_for_fleet(
        self,
        done: Callable[[], bool],
        progress: Callable[[], str],
        what: str,
        patience: float,
        report: Callable[[str], None],
    ) -> None:
        """Wait for something about instances, after at least one more pass."""
        deadline = asyncio.get_running_loop().time() + patience
        reported = ""
        while True:
            await self._next_pass(deadline)
            if done():
                return
            if progress() != reported:
                reported = progress()
                report(reported)
            if asyncio.get_running_loop().time() >= deadline:
                words = "; ".join([f"{progress()} after {patience:g} s", *self.problems()])
                raise NotSteadyError(f"{what}: {words}")
            await asyncio.sleep(_BUSY_PAUSE / 2)

    async def _wait(
        self,
        service_arn: str,
        done: Callable[[], bool],
        goal: str,
        patience: float,
        report: Callable[[str], None],
    ) -> None:
        deadline = asyncio.get_running_loop().time() + patience
        reported = ""
        while True:
            service = self._services.get(service_arn)
            if service is not None:
                self._touch(service)
            await self._next_pass(deadline)
            service = self._services.get(service_arn)
            progress = self._progress(service) if service else ""
            if progress not in {reported, ""}:
                report(progress)
                reported = progress
            if done():
                return
            if asyncio.get_running_loop().time() >= deadline:
                why = why_stopped(service.state) if service else ""
                words = "; ".join([f"{progress}{why}", *self._problems])
                raise NotSteadyError(f"{service_arn} did not {goal} within {patience:g} s: {words}")
            await asyncio.sleep(_BUSY_PAUSE / 2)

    def _progress(self, service: _Service) -> str:
        observations, now = self._observations(service), self._clock()
        primary = service.state.deployments[0].id if service.state.deployments else None
        count = 0
        for task in service.state.tasks:
            if task.deployment == primary and healthy(task, observations, now, self._timing):
                count += 1
        return description.progress(service.spec, service.state, count, observations)


def _revision(service: _Service, task: Task) -> ServiceRevision:
    deployment = service.state.deployment(task.deployment)
    assert deployment is not None, "a deployment stays as long as one of its tasks"
    return deployment.revision


def _need(service: _Service, task: Task) -> Need:
    """Return what a task takes of an instance."""
    return need_of(_revision(service, task).launch["taskDefinition"])


def _unfinished(state: ServiceState) -> bool:
    return any(task.status is not Status.STOPPED for task in state.tasks)
