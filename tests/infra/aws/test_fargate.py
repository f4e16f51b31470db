"""The table of task sizes, compared with the local AWS's."""

from __future__ import annotations

import json
from itertools import product

import pytest

from infra.aws import fargate
from localaws.catalog import CATALOG

TASK_DEFINITION = CATALOG["aws:ecs/taskDefinition:TaskDefinition"]


CPU_UNITS = [128 * 2**power for power in range(11)]
"""Sizes that Fargate offers, and others below, between and above them."""

MEMORIES = sorted({512, 1536, 17408, 65536, *range(1024, 32769, 1024), *range(32768, 262145, 4096)})


@pytest.mark.parametrize("cpu", CPU_UNITS)
def test_the_table_agrees_with_the_local_awss_catalog(cpu: int) -> None:
    for memory in MEMORIES:
        inputs = {
            "family": "any",
            "cpu": str(cpu),
            "memory": str(memory),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": json.dumps([{"name": "a", "image": "b", "essential": True}]),
        }
        refused = any(
            "Fargate configuration" in each.message for each in TASK_DEFINITION.check(inputs)
        )
        assert refused == (memory not in fargate.MEMORY_MIB.get(cpu, ())), (cpu, memory)


def test_the_comparison_covers_every_size_of_the_table() -> None:
    assert fargate.MEMORY_MIB.keys() < set(CPU_UNITS)
    for sizes in fargate.MEMORY_MIB.values():
        assert set(sizes) <= set(MEMORIES)


def test_a_larger_cpu_allows_more_memory() -> None:
    for (small, few), (big, many) in product(fargate.MEMORY_MIB.items(), repeat=2):
        if small < big:
            assert max(few) < max(many)
            assert min(few) < min(many)
