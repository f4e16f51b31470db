"""Settings of scaling: what goes together, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import SettingsError
from tests.infra import recorder

ON: dict[str, Any] = {"maxCount": 4, "targetCpuPercent": 60}
NIGHT = {"schedule": "cron(0 22 * * ? *)", "maxCount": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maxCount": 4}, "maxCount: 4; allowed: 0, or with it targetCpuPercent"),
        ({"targetCpuPercent": 60}, "targetCpuPercent: 60; allowed: none without maxCount"),
        ({"schedules": {"night": NIGHT}}, "schedules: night; allowed: none without maxCount"),
        ({**ON, "minCount": 5}, "maxCount: 4; allowed: at least minCount, 5"),
        ({**ON, "minCount": 0}, "minCount: 0; allowed: a whole number from 1"),
        ({**ON, "schedules": {"night": {"maxCount": 1}}}, "schedules.night.schedule: not set"),
        (
            {**ON, "schedules": {"night": {**NIGHT, "schedule": "every night"}}},
            "schedules.night.schedule: every night; allowed: cron(",
        ),
        (
            {**ON, "schedules": {"night": {"schedule": "rate(1 day)"}}},
            "schedules.night: no bounds; allowed: minCount, maxCount, or both",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "minCount": 2}}},
            "schedules.night.maxCount: 1; allowed: at least minCount of the same, 2",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "maximum": 2}}},
            "schedules.night.maximum: an unknown key",
        ),
    ],
)
def test_bounds_and_targets_that_cannot_work_are_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        recorder.run("dev", file="dev", **changes)
    assert words in str(refused.value)


def test_the_count_begins_within_the_bounds_and_the_program_ignores_it_afterwards() -> None:
    run = recorder.run("dev", file="dev", desiredCount=2, minCount=3, **ON)
    service = run.one("Service")
    assert service.inputs["desiredCount"] == 3
    assert service.ignore_changes == ("desiredCount",)
    target = run.one("Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (3, 4)
    assert target["resourceId"] == "service/ecs-cluster-dev/dev-web"
