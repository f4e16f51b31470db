"""Settings of scaling: bounds, targets and schedules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra import recorder
from tests.infra.settings.loading import load, only_service, refusal_of

ON: dict[str, Any] = {"maxCount": 4, "targetCpuPercent": 60}
NIGHT = {"schedule": "cron(0 22 * * ? *)", "maxCount": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxCount": 4}, "maxCount: 4; allowed: 0, or with it targetCpuPercent"),
        (
            {"targetCpuPercent": 60},
            "targetCpuPercent: 60, which has no effect; allowed: only with maxCount",
        ),
        (
            {"schedules": {"night": NIGHT}},
            "schedules: night, which has no effect; allowed: only with maxCount",
        ),
        ({"minCount": 3}, "minCount: 3, which has no effect; allowed: only with maxCount"),
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
            {
                **ON,
                "schedules": {
                    "often": {"schedule": "rate(1 day)", "minCount": 2, "timezone": "Asia/Tokyo"}
                },
            },
            "schedules.often.timezone: Asia/Tokyo, which has no effect; allowed: only with cron",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "minCount": 2}}},
            "schedules.night.maxCount: 1; allowed: at least minCount of the same, 2",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "maximum": 2}}},
            "schedules.night.maximum: an unknown key",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "minCount": -1}}},
            "schedules.night.minCount: -1; allowed: a whole number from 0 to 5000; empty where",
        ),
        (
            {**ON, "schedules": {"night": {**NIGHT, "timezone": "Mars/Olympus"}}},
            "schedules.night.timezone: Mars/Olympus; allowed: a time zone's name, like Asia/Tokyo",
        ),
        (
            {**ON, "schedules": {"at/night": NIGHT}},
            "schedules.at/night: at/night; allowed: at most",
        ),
        ({**ON, "schedules": {"": NIGHT}}, 'schedules[""]: empty; allowed: at most 100 letters'),
    ],
)
def test_bounds_and_targets_that_cannot_work_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    assert message in str(refusal_of(**changes))


@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0 20 * * *)",
        "cron(0 20 * * * *)",
        "cron(0 20 ? * ? *)",
        "cron(60 20 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 20 32 * ? *)",
        "cron(0 20 ? * MUN *)",
        "cron(0 20 * * ? 1969)",
        "rate(0 minutes)",
        "rate(5 weeks)",
        "at(tomorrow)",
        "at(2027-13-01T08:00:00)",
        "at(2027-01-01 08:00:00)",
    ],
)
def test_a_schedule_that_aws_cannot_read_is_refused(schedule: str) -> None:
    refusal = refusal_of(**ON, schedules={"night": {**NIGHT, "schedule": schedule}})
    assert f"schedules.night.schedule: {schedule}; allowed: cron(" in str(refusal)


@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0 20 * * ? *)",
        "cron(0/15 8-18,20 ? JAN-MAR MON-FRI 2027-2030)",
        "cron(0 9 L * ? *)",
        "cron(0 9 15W * ? *)",
        "cron(0 9 ? * 6#3 *)",
        "cron(0 9 ? * FRIL *)",
        "rate(1 day)",
        "rate(12 hours)",
        "at(2027-01-01T08:00:00)",
    ],
)
def test_a_schedule_that_aws_can_read_is_accepted(schedule: str) -> None:
    night = {**NIGHT, "schedule": schedule}
    scaling = only_service(load(**ON, schedules={"night": night})).scaling
    assert scaling.actions["night"].schedule == schedule


def test_the_first_count_is_within_the_bounds_and_later_runs_ignore_the_count() -> None:
    run = recorder.run("dev", desiredCount=2, minCount=3, **ON)
    service = run.one("Service")
    assert service.inputs["desiredCount"] == 3
    assert service.ignore_changes == ("desiredCount",)
    target = run.one("Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (3, 4)
    assert target["resourceId"] == "service/ecs-cluster-dev/dev-web"
