"""Which Fargate size awsx chooses for the containers of a task that names none.

Source: pulumi-awsx at e60adf3c, awsx/ecs/fargateMemoryAndCpu.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.reservations import reserved_by_containers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_UNITS = 1024
_GIB_BY_VCPU: Mapping[float, Iterable[float]] = {
    0.25: (0.5, 1, 2),
    0.5: range(1, 5),
    1: range(2, 9),
    2: range(4, 17),
    4: range(8, 31),
    8: range(16, 61),
    16: range(32, 121),
    32: (60, 120, 244),
}
"""The sizes in awsx's table; AWS has a few more."""


def _sizes() -> Iterator[tuple[float, float]]:
    """Yield each size's GiB and vCPUs."""
    for vcpu, sizes in _GIB_BY_VCPU.items():
        for gib in sizes:
            yield gib, vcpu


_SIZES = sorted(_sizes())
"""Sorted by memory, then CPU. awsx intends to sort them by price, but then sorts the result again.
"""


def task_size(containers: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the CPU units and MiB of the smallest size that is enough for all containers.

    Raises:
        ValueError: No size is enough.
    """
    cpu_units, mib = reserved_by_containers(containers)
    vcpu, gib = cpu_units / _UNITS, mib / _UNITS
    most_vcpu = max(_GIB_BY_VCPU)
    most_gib, _ = _SIZES[-1]
    if vcpu > most_vcpu or gib > most_gib:
        raise ValueError(
            "Requested resources exceed the maximum allowed for Fargate. Requested: "
            f"{vcpu:g} vCPU and {gib:g}GB. "
            f"Max: {most_vcpu:g} vCPU and {most_gib:g}GB."
        )
    for memory, cpu in _SIZES:
        if cpu >= vcpu and memory >= gib:
            return f"{cpu * _UNITS:g}", f"{memory * _UNITS:g}"
    raise ValueError(
        f"Could not find fargate config that could satisfy: {vcpu:g} vCPU and {gib:g}GB."
    )
