"""Container instances as capacity for the scheduler, and what a task takes of one. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.reservations import reserved_by_task
from localaws.ec2.placement import (
    Constraint,
    ContainerInstance,
    Need,
    PlacedTask,
    Unplaced,
    place,
)
from localaws.ecs.scheduler.capacity import NotPlaced, Placed
from localaws.ecs.scheduler.model import Zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.ecs.scheduler.capacity import Occupant
    from localaws.ecs.scheduler.model import CapacityChoice, Deployment, StrategyItem, Task


@dataclass(frozen=True)
class Instances:
    """The container instances of a service's cluster, with the other services' tasks on them."""

    service: str
    """The service's ARN."""

    choice: CapacityChoice
    instances: tuple[ContainerInstance, ...]

    @property
    def strategy(self) -> tuple[StrategyItem, ...]:
        """The service's capacity provider strategy."""
        return self.choice.strategy

    def place(
        self, deployment: Deployment, provider: str, occupants: Sequence[Occupant]
    ) -> Placed | NotPlaced:
        """Find an instance with room for a task."""
        definition = deployment.revision.launch["taskDefinition"]
        candidates = self._occupied_by(occupants)
        if provider:
            candidates = [each for each in candidates if each.provider == provider]
        constraints = (*self.choice.rules.constraints, *constraints_of(definition))
        rules = replace(self.choice.rules, constraints=constraints)
        found = place(need_of(definition), self.service, candidates, rules)
        if isinstance(found, Unplaced):
            return NotPlaced(found.reason)
        return Placed(Zone(subnet="", name=found.zone), found.id)

    def drains(self, task: Task) -> bool:
        """Return whether a task's instance drains."""
        for each in self.instances:
            if each.id == task.instance:
                return each.draining
        return False

    def _occupied_by(self, occupants: Sequence[Occupant]) -> list[ContainerInstance]:
        """Return the instances with the service's own tasks on them too."""
        found = {each.id: each for each in self.instances}
        for task, revision in occupants:
            if task.instance in found:
                instance = found[task.instance]
                need = need_of(revision.launch["taskDefinition"])
                placed = PlacedTask(id=task.id, service=self.service, need=need)
                found[task.instance] = replace(instance, tasks=(*instance.tasks, placed))
        return list(found.values())


def need_of(definition: Mapping[str, Any]) -> Need:
    """Return what a task of a task definition takes of an instance."""
    platform = definition.get("runtimePlatform") or {}
    return _need(
        definition["containerDefinitions"],
        definition.get("cpu"),
        definition.get("memory"),
        platform.get("cpuArchitecture") or "X86_64",
    )


def constraints_of(described: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """Return the placement constraints of a service or a task definition."""
    return tuple(map(_constraint, described.get("placementConstraints") or ()))


def _constraint(described: Mapping[str, Any]) -> Constraint:
    return Constraint(str(described.get("type")), str(described.get("expression") or ""))


@lru_cache(maxsize=256)
def _need(containers: str, cpu: str | None, memory: str | None, architecture: str) -> Need:
    size = {"containerDefinitions": containers, "cpu": cpu, "memory": memory}
    cpu_units, mib = reserved_by_task(size)
    ports = set()
    for each in json.loads(containers):
        for mapping in each.get("portMappings") or ():
            if mapping.get("hostPort"):
                ports.add(int(mapping["hostPort"]))
    return Need(cpu=cpu_units, memory=mib, ports=frozenset(ports), architecture=architecture)
