"""The tasks that this process runs: started, registered, looked at, stopped."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from localaws.alb.targets import Endpoint, TargetState
from localaws.ecs.registrations import Location
from localaws.ecs.scheduler.model import Health, Process, TaskObservation
from localaws.ecs.task_definition import task_spec
from localaws.ecs.tasks.runtime import TaskStartError
from localaws.machine.addresses import NoAddressError, SubnetAddresses

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from localaws.alb.targets import TargetHealth
    from localaws.ecs.scheduler.model import Binding, ServiceRevision, Task
    from localaws.ecs.tasks.runtime import PublicAddress, RunningTask, TaskRuntime, TaskSpec

log = logging.getLogger(__name__)


class TargetGroups(Protocol):
    """What tasks and their controller need of the load balancers."""

    def register(self, target_group: str, endpoint: Endpoint, notify: Callable[[], None]) -> None:
        """Add a target; `notify` is called when its health changes."""

    def deregister(self, target_group: str, endpoint: Endpoint) -> None:
        """Let a target drain."""

    def forget(self, target_group: str, endpoint: Endpoint) -> None:
        """Forget a target that is gone."""

    def health(self, target_group: str, endpoint: Endpoint) -> TargetHealth:
        """Return a target's health as of the last `sync`."""

    async def sync(self) -> None:
        """Have all of it take effect, and look at the targets' health."""

    async def close(self) -> None:
        """Stop."""


@dataclass
class _LocalTask:
    """What this process holds of a task."""

    address: str
    """Private address."""

    subnet: str
    instance: str
    """The id of its EC2 instance, if it is on one."""

    notify: Callable[[], None]
    """Called when its state changes."""

    running: RunningTask | None = None
    targets: list[tuple[str, Endpoint]] = field(default_factory=list)
    """Target groups, and where it listens for each."""

    has_unchecked: bool = False
    """Whether nothing checks one of its essential containers."""

    failure: str = ""
    jobs: list[asyncio.Task[None]] = field(default_factory=list)
    """Starting and stopping, which take time."""

    interrupted: bool = False
    """Whether AWS takes back the spare capacity that it runs on."""

    host_lost: bool = False
    """Whether it ends because its instance does."""


class LiveTasks:
    """All tasks of all services, from their start until they are forgotten."""

    def __init__(
        self,
        runtime: TaskRuntime,
        target_groups: TargetGroups,
        parameters: Callable[[str], str | None],
        subnet_addresses: SubnetAddresses | None = None,
    ) -> None:
        """Start with none.

        Args:
            runtime: Starts and stops them.
            target_groups: Where they are registered.
            parameters: A parameter's or secret's value by name.
            subnet_addresses: Where they get their private addresses, by default those that nothing
                else gets any from.
        """
        self._runtime = runtime
        self._target_groups = target_groups
        self._parameters = parameters
        self._subnet_addresses = subnet_addresses or SubnetAddresses()
        self._tasks: dict[str, _LocalTask] = {}

    def start(self, task: Task, revision: ServiceRevision, notify: Callable[[], None]) -> None:
        """Begin to start a task; `observe` shows the outcome, each change calls `notify`."""
        subnet = task.zone.subnet
        live = self._tasks[task.id] = _LocalTask("", subnet, task.instance, notify)
        if task.instance:
            self._begin(live, self._start(live, task, revision))
            return
        try:
            live.address = self._subnet_addresses.take(subnet, revision.launch["cidrs"][subnet])
        except NoAddressError as error:
            live.failure = f"ResourceInitializationError: {error}"
            return
        self._begin(live, self._start(live, task, revision))

    def register(self, task: Task) -> None:
        """Add a task to its target groups."""
        for target_group, endpoint in self._tasks[task.id].targets:
            self._target_groups.register(target_group, endpoint, self._tasks[task.id].notify)

    def deregister(self, task: Task) -> None:
        """Let its target groups send a task no more requests."""
        for target_group, endpoint in self._tasks[task.id].targets:
            self._target_groups.deregister(target_group, endpoint)

    def stop(self, task: Task, revision: ServiceRevision) -> None:
        """Begin to stop a task, even one that is still starting."""
        live = self._tasks[task.id]
        self._begin(live, self._stop(live, tuple(live.jobs), revision.stop_timeout))

    def interrupt(self, task_id: str) -> None:
        """Note that AWS takes back the capacity that a task runs on; `observe` shows it."""
        live = self._tasks[task_id]
        live.interrupted = True
        live.notify()

    async def end_tasks_of(self, instance: str) -> None:
        """Kill the tasks of an instance that ends; return when they have ended."""
        stops: list[asyncio.Task[None]] = []
        for live in self._tasks.values():
            if live.instance == instance:
                live.host_lost = True
                stops.append(self._begin(live, self._stop(live, tuple(live.jobs), 0)))
        await asyncio.gather(*stops, return_exceptions=True)

    def forget(self, task: Task) -> None:
        """Forget a task that has stopped, and free its address."""
        live = self._tasks.pop(task.id, None)
        if live is None:
            return
        if not live.instance:
            self._subnet_addresses.release(live.subnet, live.address)
        for target_group, endpoint in live.targets:
            self._target_groups.forget(target_group, endpoint)

    def observe(self, tasks: Iterable[Task]) -> dict[str, TaskObservation]:
        """Return the observations of those tasks that were started and aren't forgotten."""
        found = {}
        for task in tasks:
            if task.id in self._tasks:
                found[task.id] = self._look(self._tasks[task.id])
        return found

    def endpoints(self) -> dict[str, str]:
        """Return where each task that has a target listens on this machine, as host:port."""
        found = {}
        for task, live in self._tasks.items():
            if live.targets:
                _, endpoint = live.targets[0]
                found[task] = f"{endpoint.address}:{endpoint.port}"
        return found

    def locations(self) -> dict[str, Location]:
        """Return where each task that has started is reached in its VPC."""
        found = {}
        for task, live in self._tasks.items():
            if live.running is not None:
                # A process listens on this machine's loopback interface, whatever it is called.
                address = live.address or live.running.listen_address.address
                found[task] = Location(address, live.running.ipv6, live.running.host_ports)
        return found

    def listen_addresses(self) -> dict[str, str]:
        """Return where each task that has started listens: in a VPC its private address."""
        found = {}
        for task, live in self._tasks.items():
            if live.running is not None:
                found[task] = live.running.listen_address.address
        return found

    def host_ports(self) -> dict[str, list[str]]:
        """Return the ports of instances and containers by task, as Docker shows them."""
        found = {}
        for task, live in self._tasks.items():
            ports = live.running.host_ports if live.running else {}
            if ports:
                found[task] = [f"0.0.0.0:{host}->{port}/tcp" for (_, port), host in ports.items()]
        return found

    def running(self, task_id: str) -> RunningTask | None:
        """Return what runs for a task; None where nothing does."""
        live = self._tasks.get(task_id)
        if live is None or live.running is None or live.running.ended.done():
            return None
        return live.running

    def public_addresses(self) -> dict[str, tuple[str, str]]:
        """Return the public address of each task that has one, and where this machine shows it."""
        found = {}
        for task, live in self._tasks.items():
            public = live.running.public if live.running else None
            if public is not None:
                found[task] = (public.address, _shown(public, live.targets))
        return found

    async def close(self) -> None:
        """Cancel starts and stops that are under way."""
        jobs: list[asyncio.Task[None]] = []
        for live in self._tasks.values():
            jobs += live.jobs
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def _begin(self, live: _LocalTask, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        job = asyncio.create_task(work)
        job.add_done_callback(lambda _: live.notify())
        live.jobs.append(job)
        return job

    async def _start(self, live: _LocalTask, task: Task, revision: ServiceRevision) -> None:
        try:
            spec = task_spec(
                revision,
                task.id,
                live.subnet,
                live.address,
                self._parameters,
                instance=live.instance,
            )
            live.has_unchecked = _has_unchecked(spec, revision)
            live.running = await self._runtime.start(spec)
        except TaskStartError as error:
            live.failure = str(error)
            return
        except Exception as error:  # a task that can't start is ECS's to report, whatever the cause
            log.exception("task %s", task.id)
            live.failure = f"CannotStartContainerError: {error}"
            return
        live.targets = [
            (each.target_group, _endpoint(live.running, each)) for each in revision.bindings
        ]
        live.running.ended.add_done_callback(lambda _: live.notify())

    async def _stop(
        self, live: _LocalTask, unfinished: tuple[asyncio.Task[None], ...], time_limit: float
    ) -> None:
        # A start may wait for ever, as a container does for one that never becomes healthy.
        for job in unfinished:
            job.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        if live.running is not None:
            await self._runtime.stop(live.running, time_limit)
        else:
            live.failure = live.failure or "stopped before it had started"

    def _look(self, live: _LocalTask) -> TaskObservation:
        if live.failure:
            return TaskObservation(
                process=Process.ENDED, failure=live.failure, host_lost=live.host_lost
            )
        if live.running is None:
            return TaskObservation()
        if live.running.ended.done():
            return TaskObservation(
                process=Process.ENDED,
                exit_codes=live.running.ended.result(),
                exit_reasons=live.running.reasons,
                note=live.running.note,
                host_lost=live.host_lost,
            )
        container_health, container_answer = live.running.health
        states = set()
        unhealthy: dict[str, Any] = {}
        for group, endpoint in live.targets:
            health = self._target_groups.health(group, endpoint)
            states.add(health.state)
            if health.state is TargetState.UNHEALTHY and not unhealthy:
                unhealthy = {
                    "unhealthy_target_group": group,
                    "unhealthy_reason": health.description,
                    "unhealthy_host_port": endpoint.port if live.instance else 0,
                }
        return TaskObservation(
            process=Process.RUNNING,
            interrupted=live.interrupted,
            container_health=container_health,
            container_answer=container_answer,
            note=live.running.note,
            has_unchecked=live.has_unchecked,
            target_health=_health_in_all(states),
            **unhealthy,
        )


def _has_unchecked(spec: TaskSpec, revision: ServiceRevision) -> bool:
    """Return whether an essential container has neither a health check nor a target group."""
    targets = {each.container for each in revision.bindings}
    for each in spec.containers:
        if each.essential and each.health_check is None and each.name not in targets:
            return True
    return False


def _endpoint(running: RunningTask, binding: Binding) -> Endpoint:
    """Return where a task listens for a target group; on an instance, at one of its ports."""
    address = running.listen_address
    host_port = running.host_ports.get((binding.container, binding.port))
    port = address.port(binding.port) if host_port is None else host_port
    return Endpoint(address.address, port)


def _shown(public: PublicAddress, targets: list[tuple[str, Endpoint]]) -> str:
    """Return where a public address is shown, with the port that gets the requests."""
    if not targets:
        return public.shown.address
    _, endpoint = targets[0]
    return f"{public.shown.address}:{public.shown.port(endpoint.port)}"


def _health_in_all(states: set[TargetState]) -> Health:
    """Return the health of a task by its states in all of its target groups."""
    if not states:
        return Health.UNCHECKED
    if TargetState.UNHEALTHY in states:
        return Health.UNHEALTHY
    return Health.HEALTHY if states == {TargetState.HEALTHY} else Health.INITIAL
