"""Runs the cloud's services: follows the cloud, steps what has changed, saves the states."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from localaws.catalog.ecs.services import SERVICE
from localaws.ecs import saved_states
from localaws.ecs.container_instances import ContainerInstances, NoSuchInstanceError
from localaws.ecs.definition import completed
from localaws.ecs.scheduler.model import ServiceState, Status, Timing
from localaws.ecs.scheduler.rolling_update import recover
from localaws.ecs.scheduler.service_health import next_look
from localaws.ecs.services.descriptions import Descriptions
from localaws.ecs.services.instance_demand import demand
from localaws.ecs.services.instance_waits import InstanceWaits
from localaws.ecs.services.load_balancer_sync import LoadBalancerSync
from localaws.ecs.services.passes import Passes
from localaws.ecs.services.running_services import RunningServices
from localaws.ecs.services.stepper import Stepper
from localaws.ecs.services.task_choice import task_for_commands, task_to_interrupt
from localaws.ecs.services.waits import ServiceWaits
from localaws.ecs.tasks.running_tasks import LiveTasks
from localaws.machine.addresses import SubnetAddresses
from localaws.not_settled import NotSettled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localaws.catalog.account import Account
    from localaws.ecs.container_instances import Hosts
    from localaws.ecs.services.running_services import RunningService
    from localaws.ecs.tasks.running_tasks import TargetGroups
    from localaws.ecs.tasks.runtime import RunningTask, TaskRuntime

log = logging.getLogger(__name__)

_BUSY_PAUSE = 0.2
"""Seconds between two steps of a service of which a task starts or stops."""

_CALM_PAUSE = 2.0
"""Seconds between two steps of a service that is steady, or for which nothing can be done."""


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
        timing = (timing or Timing()).at(speed)
        subnet_addresses = subnet_addresses or SubnetAddresses()
        self._cloud = cloud
        self._saved = saved_states.SavedStates(directory)
        self._runtime = runtime
        self._target_groups = target_groups
        self._clock = clock
        self._timing = timing
        self._passes = Passes()
        self._load_balancers = LoadBalancerSync(target_groups, self._passes)
        self._services = RunningServices(cloud, clock=clock, speed=speed, wake=self._passes.wake)
        self._tasks = LiveTasks(runtime, target_groups, parameters, subnet_addresses)
        self._loop: asyncio.Task[None] | None = None
        self.fleet: ContainerInstances | None = None
        """The EC2 instances that tasks run on; None where there can't be any."""

        self.instance_waits: InstanceWaits | None = None
        """Waits for them."""

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
            self.instance_waits = InstanceWaits(self.fleet, self._passes)
        self.stepper = Stepper(
            self._services,
            self._tasks,
            self.fleet,
            self._load_balancers,
            clock=clock,
            timing=timing,
        )
        """Steps services; it gets its alarms, and what its events are published to, by `start`."""

        self.descriptions = Descriptions(self._services, self._tasks, clock=clock, timing=timing)
        """What services do now."""

        self.waits = ServiceWaits(
            self._services,
            self._tasks,
            self.descriptions,
            self._passes,
            clock=clock,
            timing=timing,
        )
        """Waits for services."""

    async def start(self) -> None:
        """Start again what ran when the last controller ended, then follow the cloud."""
        self._cloud.on_change.append(self._notice_change)
        if self.fleet is not None:
            await self.fleet.recover()
        self._recover()
        self._loop = asyncio.create_task(self._passes.repeat(self._pass, self._pause))

    async def close(self) -> None:
        """Stop everything at once; the next controller starts it again."""
        if self._notice_change in self._cloud.on_change:
            self._cloud.on_change.remove(self._notice_change)
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self._tasks.close()
        if self.fleet is not None:
            await self.fleet.close()
        await self._target_groups.close()
        await self._runtime.close()

    # What users and the daemon cause

    async def apply(self, *, timeout: float) -> None:  # noqa: ASYNC109
        """Wait until requests are routed as the cloud's records are now.

        All callers wait for the same next synchronization, so that many rules cost one.

        A change that the load balancers tried and couldn't apply ends the wait, too: `problems`
        has the reason.

        Args:
            timeout: Seconds to wait.

        Raises:
            NotSettled: They haven't tried it in time.
        """
        changes = self._load_balancers.changes
        try:
            async with asyncio.timeout(timeout):
                await self._passes.wait_until(lambda: self._load_balancers.has_tried(changes))
        except TimeoutError:
            late = f"the load balancers haven't applied it after {timeout:g} s"
            raise NotSettled("; ".join([late, *self.problems()])) from None

    def renew(self, service_arn: str) -> None:
        """Have the next pass deploy the requested revision, even after it was rolled back."""
        service = self._services.get(service_arn)
        if service is not None:
            service.state = replace(service.state, requested=None)
            self._services.touch(service)

    def find_task(self, target: str) -> RunningTask:
        """Return a running task in which commands may be run.

        Args:
            target: The beginning of its id, or the name of its service; empty for the only
                service.

        Raises:
            NoSuchTaskError: There is none, or its service lets nothing in.
        """
        return task_for_commands(target, self._services, self._tasks)

    def interrupt(self, target: str) -> str:
        """Take back the spare capacity that a task runs on, as AWS does now and then.

        Args:
            target: The beginning of its id.

        Returns:
            Its id.

        Raises:
            NotInterruptedError: It isn't there, or AWS interrupts no task of its kind.
        """
        task = task_to_interrupt(target, self._services)
        self._tasks.interrupt(task.id)
        return task.id

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
        for service in self._services:
            self._services.touch(service)
        return failed

    def problems(self) -> list[str]:
        """Return what went wrong in the last pass, and with instances."""
        return [*self._passes.problems, *(self.fleet.problems() if self.fleet else ())]

    def _notice_change(self) -> None:
        """Note a change of the cloud, which the next pass follows at once."""
        self._services.notice_change()
        if self.fleet is not None:
            self.fleet.touch()
        self._load_balancers.note_change()
        self._passes.wake()

    # A pass

    async def _pass(self) -> None:
        """Synchronize the load balancers, and step each service that is touched or due.

        Services at rest cost nothing, so that a deployment takes no longer among many services than
        alone.
        """
        self._services.forget_deleted()
        self._add_new_services()
        if self._load_balancers.is_due:
            await self._load_balancers.sync()
        await self._follow_instances()
        now = asyncio.get_running_loop().time
        for service in list(self._services):
            if service.touched or now() >= service.step_at:
                # Reset before the step, not after: an event during the step must cause another
                # one, and so must a step that fails.
                service.touched, service.step_at = False, 0.0
                with self._passes.noting_problems():
                    await self.stepper.advance(service)
                    self._forget_stopped(service)
                    service.step_at = now() + self._pause_of(service)
        self._services.forget_deleted()
        with self._passes.noting_problems():
            self._saved.save(self._services.states())

    def _add_new_services(self) -> None:
        for resource in list(self._services.new_resources()):
            with self._passes.noting_problems():
                self._services.add(resource, ServiceState())

    async def _follow_instances(self) -> None:
        """Step the fleet of instances; a change of it concerns every service on instances."""
        if self.fleet is None:
            return
        with self._passes.noting_problems():
            has_changed = await self.fleet.follow(demand(self._services))
            for service in self._services:
                if has_changed and service.spec.capacity.on_instances:
                    service.touched = True

    def _forget_stopped(self, service: RunningService) -> None:
        for task in service.state.tasks:
            if task.status is Status.STOPPED:
                self._tasks.forget(task)

    def _pause_of(self, service: RunningService) -> float:
        """Return the seconds until a service's next step, if nothing happens to it."""
        observations = self._tasks.observe(service.state.tasks)
        seconds = next_look(service.spec, service.state, observations, self._clock(), self._timing)
        return _CALM_PAUSE if seconds is None else min(max(seconds, _BUSY_PAUSE), _CALM_PAUSE)

    def _pause(self) -> float:
        """Return the seconds until the next pass, if nothing happens."""
        now = asyncio.get_running_loop().time()
        pause = _CALM_PAUSE
        for service in self._services:
            pause = min(pause, service.step_at - now)
        if self.fleet is not None and self.fleet.busy:
            pause = 0
        return min(max(pause, _BUSY_PAUSE), self._load_balancers.pause())

    # The start

    def _recover(self) -> None:
        """Start the tasks again that ran when the last daemon ended."""
        for arn, saved in self._saved.load().items():
            resource = self._cloud.get(SERVICE, arn)
            if resource is None:
                continue  # it was deleted, and its tasks ended with the last daemon
            try:
                state = completed(saved_states.from_json(saved), resource, self._cloud)
                state, actions = recover(state, self._clock())
                service = self._services.add(resource, state)
                for action in actions:
                    self.stepper.start(service, action.task)
            except Exception as error:  # noqa: BLE001 — another version's is no reason not to start
                log.warning("the saved state of %s can't be used: %r", arn, error)
