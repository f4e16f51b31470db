"""The task sizes that Fargate offers. Pure."""

from __future__ import annotations

from typing import Final

MEMORY_MIB: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
"""CPU units (1024 are one vCPU) to the memory sizes, in MiB, that go with them.

Source: ECS, RegisterTaskDefinition; of 32 vCPUs, the schemas of AWS's cfn-lint.
"""

STOP_TIMEOUT_SECONDS: Final = (2, 120)
"""Shortest and longest time between a task's stop signal and its end. Source: ECS,
ContainerDefinition.stopTimeout.
"""
