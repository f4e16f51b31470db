"""The combinations of CPU and memory that Fargate has for a task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.catalog.refusals import Refusal
from localaws.catalog.values import known, number, show, text, texts

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
    32768: (61440, 122880, 249856),
}
"""Memory sizes in MiB, by CPU units (1024 are one vCPU).

Source: RegisterTaskDefinition in the API reference; for 32 vCPUs, which it doesn't have yet, the
schemas of AWS's cfn-lint.
"""

VCPU = re.compile(r"(\d+|\d*\.\d+)\s*vcpu", re.IGNORECASE)
GB = re.compile(r"(\d+|\d*\.\d+)\s*gb", re.IGNORECASE)


def units(value: object, with_unit: re.Pattern[str]) -> int | None:
    """Return the CPU units or MiB of a size: plain (`256`) or with a unit (`.25 vCPU`)."""
    size = text(value) or ""
    if number(value) is not None:
        size = show(value)
    match = with_unit.fullmatch(size.strip())
    if match:
        return round(float(match.group(1)) * 1024)
    return int(size) if size.isdecimal() else None


INSTANCE_UNITS = (128, 196608)
"""Least and most CPU units of a task on an instance. Source: ECS, RegisterTaskDefinition."""


def size_rules(inputs: Properties) -> Refusals:
    """Refuse a task definition with a size that Fargate, or ECS on instances, doesn't have."""
    launches = inputs.get("requiresCompatibilities")
    if not known(launches):
        return
    if "FARGATE" in texts(launches):
        yield from _fargate_size_rules(inputs)
        return
    cpu = inputs.get("cpu")
    if cpu is None or not known(cpu):
        return
    fewest, most = INSTANCE_UNITS
    if not fewest <= (units(cpu, VCPU) or 0) <= most:
        message = (
            f"Invalid setting for cpu: outside of Fargate it must be {fewest} to {most}, got {cpu}"
        )
        yield Refusal("ClientException", message, "ecs.task-definition.ec2-cpu", "cpu")


def _fargate_size_rules(inputs: Properties) -> Refusals:
    for name in ("cpu", "memory"):
        if inputs.get(name) is None:
            message = (
                f"Fargate requires that '{name}' be defined at the task level: set the task "
                f"definition's {name}"
            )
            yield Refusal(
                "ClientException", message, "ecs.task-definition.fargate-size-required", name
            )
    cpu, memory = inputs.get("cpu"), inputs.get("memory")
    if cpu is None or memory is None or not known(cpu, memory):
        return
    allowed = SIZES.get(units(cpu, VCPU) or 0)
    if allowed is not None and units(memory, GB) in allowed:
        return
    if allowed is None:
        choices = f"cpu must be one of {', '.join(map(str, SIZES))}"
    else:
        choices = f"with cpu {cpu}, memory must be one of {', '.join(map(str, allowed))}"
    message = (
        f"No Fargate configuration exists for given values: cpu {cpu}, memory {memory}; {choices}"
    )
    yield Refusal("ClientException", message, "ecs.task-definition.fargate-size")
