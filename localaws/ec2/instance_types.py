"""Instance types that the local AWS has: their vCPUs, and the memory that ECS registers of them."""

from __future__ import annotations

from dataclasses import dataclass

_MIB_PER_GIB = 1024
_REGISTERED_SHARE = 0.93
"""Of an instance's memory, where no number is known: the kernel and its tables take the rest."""

_REGISTERED = {
    "t3.small": 1901,
    "t3.medium": 3828,
    "m5.large": 7680,
    "m5.xlarge": 15576,
    "c5.large": 3704,
}
"""MiB that people's instances registered; AWS publishes none.

Sources: outputs of DescribeContainerInstances in public issues and tables.
"""

_SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
"""vCPUs by size, of all families."""

_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8}
_BURSTABLE = {
    "nano": (2, 0.5),
    "micro": (2, 1),
    "small": (2, 2),
    "medium": (2, 4),
    "large": (2, 8),
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
}
"""vCPUs and GiB by size, of families that begin with t."""

_FAMILIES = {
    "X86_64": ("t3", "t3a", "m5", "m6i", "m7i", "c5", "c6i", "c7i", "r5", "r6i", "r7i"),
    "ARM64": ("t4g", "m6g", "m7g", "c6g", "c7g", "r6g", "r7g"),
}
"""Families by processor.

Source: Amazon EC2 User Guide, "Amazon EC2 instance types".
"""


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """What an instance of a type has for tasks."""

    name: str
    vcpus: int
    memory_mib: int
    """What the ECS agent registers, without a reserve."""

    architecture: str
    """Its processor, as ECS names it: X86_64 or ARM64."""

    @property
    def cpu_units(self) -> int:
        """CPU units that it registers: 1024 for each vCPU."""
        return self.vcpus * 1024


class UnknownInstanceTypeError(Exception):
    """An instance type that the local AWS doesn't have."""


def _all_types() -> dict[str, InstanceType]:
    found = {}
    for architecture, families in _FAMILIES.items():
        for family in families:
            for size, (vcpus, gib) in _sizes(family).items():
                name = f"{family}.{size}"
                nominal = int(gib * _MIB_PER_GIB * _REGISTERED_SHARE)
                found[name] = InstanceType(
                    name=name,
                    vcpus=vcpus,
                    memory_mib=_REGISTERED.get(name, nominal),
                    architecture=architecture,
                )
    return found


def _sizes(family: str) -> dict[str, tuple[int, float]]:
    """Return the vCPUs and GiB of a family's sizes."""
    if family.startswith("t"):
        return dict(_BURSTABLE)
    ratio = _GIB_PER_VCPU[family[0]]
    return {size: (vcpus, vcpus * ratio) for size, vcpus in _SIZES.items()}


INSTANCE_TYPES = _all_types()
"""By name."""


def instance_type(name: str) -> InstanceType:
    """Return an instance type.

    Raises:
        UnknownInstanceTypeError: The local AWS doesn't have it; the message lists what it has.
    """
    if name not in INSTANCE_TYPES:
        families = sorted([*_FAMILIES["X86_64"], *_FAMILIES["ARM64"]])
        burstable = [each for each in families if each.startswith("t")]
        others = [each for each in families if not each.startswith("t")]
        raise UnknownInstanceTypeError(
            f"instance type {name}: the local AWS doesn't know its size; it has nano to 2xlarge of "
            f"{', '.join(burstable)}, and large to 4xlarge of {', '.join(others)}"
        )
    return INSTANCE_TYPES[name]
