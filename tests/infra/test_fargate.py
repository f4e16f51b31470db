"""The table of task sizes, against the local AWS's own."""

from __future__ import annotations

import json
from itertools import product

import pytest

from infra import fargate
from localaws.catalog import CATALOG

TASK_DEFINITION = CATALOG["aws:ecs/taskDefinition:TaskDefinition"]


@pytest.mark.parametrize("cpu", fargate.MEMORY_MIB)
def test_the_table_says_what_the_catalog_says(cpu: int) -> None:
    for memory in (512, 1024, 1536, 2048, 4096, 5120, 8192, 16384, 17408, 20480, 30720, 61440, 65536, 122880):
        inputs = {
            "family": "any",
            "cpu": str(cpu),
            "memory": str(memory),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": json.dumps([{"name": "a", "image": "b", "essential": True}]),
        }
        refused = any("Fargate configuration" in each.message for each in TASK_DEFINITION.check(inputs))
        assert refused == (memory not in fargate.MEMORY_MIB[cpu]), (cpu, memory)


def test_more_cpu_never_means_less_memory() -> None:
    for (small, few), (big, many) in product(fargate.MEMORY_MIB.items(), repeat=2):
        if small < big:
            assert max(few) < max(many)
            assert min(few) < min(many)
