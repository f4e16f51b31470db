"""How much CPU and memory a task reserves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.fargate_sizes import GB, VCPU, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def reserved_by_containers(containers: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the CPU units and MiB that containers reserve together.

    A container without `memoryReservation` reserves its limit, `memory`.
    """
    cpu = memory = 0
    for each in containers:
        cpu += int(each.get("cpu") or 0)
        memory += int(each.get("memoryReservation") or each.get("memory") or 0)
    return cpu, memory


def reserved_by_task(definition: Mapping[str, Any]) -> tuple[int, int]:
    """Return the CPU units and MiB that a task reserves: its size, or else what its containers do.

    Source: `ToHostResources` of amazon-ecs-agent.
    """
    cpu, memory = units(definition.get("cpu"), VCPU), units(definition.get("memory"), GB)
    if cpu is not None and memory is not None:
        return cpu, memory
    containers = json.loads(definition["containerDefinitions"])
    cpu_of_containers, memory_of_containers = reserved_by_containers(containers)
    return (
        cpu_of_containers if cpu is None else cpu,
        memory_of_containers if memory is None else memory,
    )
