"""EC2 instance types for tasks, and what runs on them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOST_PORTS: Final = (32768, 60999)
"""First and last host port that the ECS agent gives to tasks: the kernel's range for outgoing
connections on the ECS-optimised AMI, which also holds if an agent ignores its setting.

Source: amazon-ecs-agent, README (ECS_DYNAMIC_HOST_PORT_RANGE) and issue 2331.
"""

_FAMILIES: Final = {
    "X86_64": ("t3", "t3a", "c5", "c6i", "c7i", "m5", "m6i", "m7i", "r5", "r6i", "r7i"),
    "ARM64": ("t4g", "c6g", "c7g", "m6g", "m7g", "r6g", "r7g"),
}
"""Families by processor, as a task definition names it."""

_BURSTABLE: Final = {
    "nano": (2, 512),
    "micro": (2, 1024),
    "small": (2, 2048),
    "medium": (2, 4096),
    "large": (2, 8192),
    "xlarge": (4, 16384),
    "2xlarge": (8, 32768),
}
"""vCPUs and MiB by size, of the families that begin with t. Source: EC2, instance types."""

_VCPUS: Final = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
_MIB_PER_VCPU: Final = {"c": 2048, "m": 4096, "r": 8192}
"""Of the other families, by size and by the family's first letter."""

_REGISTERED: Final = {
    "t3.small": 1901,
    "t3.medium": 3828,
    "m5.large": 7680,
    "m5.xlarge": 15576,
    "c5.large": 3704,
}
"""MiB that instances registered with ECS, from public outputs of DescribeContainerInstances; AWS
publishes none.
"""

_REGISTERED_PERCENT: Final = 93
"""Share of the memory that other types register, where the kernel's part isn't known."""


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """What an instance of a type offers to tasks."""

    cpu_architecture: str
    """`X86_64` or `ARM64`."""

    cpu_units: int
    memory_mib: int
    """What it registers with ECS, without a reserve."""

    def tasks(self, *, cpu_units: int, memory_mib: int, reserved_mib: int) -> int:
        """Return how many tasks of a size fit on an instance beside the reserved memory."""
        by_memory = max(self.memory_mib - reserved_mib, 0) // memory_mib
        return min(self.cpu_units // cpu_units, by_memory)


def _registered(name: str, mib: int) -> int:
    return _REGISTERED.get(name, mib * _REGISTERED_PERCENT // 100)


def _sizes(family: str) -> dict[str, tuple[int, int]]:
    if family.startswith("t"):
        return dict(_BURSTABLE)
    per_vcpu = _MIB_PER_VCPU[family[0]]
    return {size: (vcpus, vcpus * per_vcpu) for size, vcpus in _VCPUS.items()}


def _types() -> dict[str, InstanceType]:
    found: dict[str, InstanceType] = {}
    for architecture, families in _FAMILIES.items():
        for family in families:
            for size, (vcpus, mib) in _sizes(family).items():
                name = f"{family}.{size}"
                found[name] = InstanceType(
                    cpu_architecture=architecture,
                    cpu_units=vcpus * 1024,
                    memory_mib=_registered(name, mib),
                )
    return found


TYPES: Final = _types()
"""By name. A type that isn't here is refused: without its size, nothing could tell before the
deployment that a task never fits on an instance.
"""


def families() -> str:
    """Return the types in words, as an error lists them."""
    burstable: list[str] = []
    other: list[str] = []
    for names in _FAMILIES.values():
        for family in names:
            if family.startswith("t"):
                burstable.append(family)
            else:
                other.append(family)
    return (
        f"nano to 2xlarge of {', '.join(burstable)}, or large to 4xlarge of "
        f"{', '.join(sorted(other))}"
    )


def agent_settings(*, cluster: str, reserved_mib: int) -> str:
    """Return the script with which an instance of a cluster starts.

    Without the cluster's name the agent would join the cluster `default`.
    """
    first, last = HOST_PORTS
    lines = (
        "#!/bin/bash",
        "cat <<'EOF' >>/etc/ecs/ecs.config",
        f"ECS_CLUSTER={cluster}",
        f"ECS_DYNAMIC_HOST_PORT_RANGE={first}-{last}",
        f"ECS_RESERVED_MEMORY={reserved_mib}",
        "EOF",
    )
    return "".join(f"{line}\n" for line in lines)


def image_parameter(cpu_architecture: str) -> str:
    """Return the public parameter that names the newest ECS-optimised image.

    Source: Amazon ECS, "Retrieving Amazon ECS-optimized Linux AMI metadata".
    """
    part = {"X86_64": "", "ARM64": "/arm64"}[cpu_architecture]
    return f"/aws/service/ecs/optimized-ami/amazon-linux-2023{part}/recommended/image_id"
