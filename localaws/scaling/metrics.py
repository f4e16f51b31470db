"""Measure services by the minute: CPU and memory of their tasks, requests of the load balancers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from localaws.catalog.ecs.reservations import reserved_by_task
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.scaling.model import IN_POINTS, Kind, Metric, Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog.account import Account
    from localaws.machine.processes import Usage
    from localaws.scaling.minutes import Minute
    from localaws.scaling.model import Target

_MIB = 1024 * 1024
_VCPU = 1024
"""CPU units of a vCPU, by which a task that reserves no CPU is measured."""

_GIB = 1024
"""MiB of a GiB, by which a task that reserves no memory is measured."""


class Tasks(Protocol):
    """The services' tasks."""

    async def usage(self, service_arn: str) -> Mapping[str, Usage]:
        """Return what each running task of a service uses, by the tasks' ids."""


class Requests(Protocol):
    """The load balancers' counters."""

    async def requests(self) -> Mapping[str, int]:
        """Return the requests to each target group's targets so far, by ARN."""


@dataclass(frozen=True)
class ServiceUsage:
    """What the running tasks of a service used in a minute, in percent of what they reserve."""

    minute: int
    cpu: tuple[float, ...]
    """Of each task that ran the whole minute."""

    memory: tuple[float, ...]
    """Of each running task."""

    cpu_seconds: Mapping[str, float]
    """Of each running task so far, by its id."""


@dataclass
class Metrics:
    """The last minutes of each service's metrics."""

    account: Account
    tasks: Tasks
    load_balancers: Requests
    points: dict[tuple[str, Metric], tuple[Point, ...]] = field(default_factory=dict)
    """By the service's ARN and metric; the newest last."""

    _usage: dict[str, ServiceUsage] = field(default_factory=dict)
    """What was measured last, by service."""

    _requests: dict[str, int] = field(default_factory=dict)
    """Requests to each target group so far, by ARN."""

    _new_requests: dict[str, int] = field(default_factory=dict)
    """Those of the last minute."""

    async def usage(self, service: str, minute: Minute) -> ServiceUsage:
        """Return what a service's tasks used in the minute that has just passed.

        It is measured once a minute, for alarms and the scaler alike.

        Args:
            service: The service's ARN.
            minute: The minute.
        """
        last = self._usage.get(service)
        if last is not None and last.minute == minute.number:
            return last
        used = await self.tasks.usage(service)
        before = last.cpu_seconds if last and last.minute == minute.number - 1 else {}
        cpu_units, memory_mib = self._reserved(service)
        cpu: list[float] = []
        memory: list[float] = []
        totals: dict[str, float] = {}
        for id_, each in used.items():
            memory.append(100 * each.memory / _MIB / memory_mib)
            if id_ in before:
                seconds = max(each.cpu_seconds - before[id_], 0)
                cpu.append(100 * seconds / minute.seconds / (cpu_units / _VCPU))
            totals[id_] = each.cpu_seconds
        found = ServiceUsage(minute.number, tuple(cpu), tuple(memory), totals)
        self._usage[service] = found
        return found

    async def measure(self, target: Target, minute: Minute) -> None:
        """Measure what a target's policies follow, for the minute that has just passed.

        Without a running task there is nothing to measure.
        """
        used = await self.usage(target.service, minute)
        values: dict[Metric, float] = {}
        if used.cpu:
            values[Metric(Kind.CPU)] = sum(used.cpu) / len(used.cpu)
        if used.memory:
            values[Metric(Kind.MEMORY)] = sum(used.memory) / len(used.memory)
        for policy in target.policies:
            group = policy.metric.target_group
            if group and used.memory:
                values[policy.metric] = self._new_requests.get(group, 0) / len(used.memory)
        for metric, value in values.items():
            kept = self.points.get((target.service, metric), ())
            self.points[target.service, metric] = (*kept, Point(minute.number, value))[-IN_POINTS:]

    async def count_requests(self) -> None:
        """Count the requests since the last call, once for all targets of a minute."""
        now = await self.load_balancers.requests()
        self._new_requests = {}
        for group, total in now.items():
            # A proxy that was started again counts from zero.
            self._new_requests[group] = max(total - self._requests.get(group, total), 0)
        self._requests = dict(now)

    def of(self, target: Target) -> dict[Metric, tuple[Point, ...]]:
        """Return the points of a target's service, by metric."""
        found: dict[Metric, tuple[Point, ...]] = {}
        for (service, metric), points in self.points.items():
            if service == target.service:
                found[metric] = points
        return found

    def _reserved(self, service_arn: str) -> tuple[int, int]:
        """Return the CPU units and the MiB that a task of the service reserves."""
        cpu = memory = 0
        service = self.account.find(SERVICE, service_arn)
        if service is not None:
            name = service.outputs.get("taskDefinition")
            definition = task_definition_of(self.account, name)
            if definition is not None:
                cpu, memory = reserved_by_task(definition.outputs)
        return cpu or _VCPU, memory or _GIB
