"""How much CPU and memory a task reserves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.fargate_sizes import GB, VCPU, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def of_containers(containers: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the CPU units and MiB of all containers, of each its reservation before its limit."""
    cpu = memory = 0
    for each in containers:
        cpu += int(each.get("cpu") or 0)
        memory += int(each.get("memoryReservation") or each.get("memory") or 0)
    return cpu, memory


def of_task(definition: Mapping[str, Any]) -> tuple[int, int]:
    """Return the CPU units and MiB of a task of a task definition: its size, else its containers'.

    Source: `ToHostResources` of amazon-ecs-agent.
    """
    cpu, memory = units(definition.get("cpu"), VCPU), units(definition.get("memory"), GB)
    if cpu is not None and memory is not None:
        return cpu, memory
    together = of_containers(json.loads(definition["containerDefinitions"]))
    return (
        together[0] if cpu is None else cpu,
        together[1] if memory is None else memory,
    )
