"""Problems that don't depend on each other are reported in one run, wherever they are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from infra.errors import SettingsError
from tests.infra.settings.test_settings import load

IMAGE = "public.ecr.aws/docker/library/busybox:stable"
NIGHT = {"schedule": "cron(0 22 * * ? *)", "maxCount": 1}

SIDECAR: dict[str, dict[str, Any]] = {
    "image": {"image": "My image"},
    "command": {"command": [""]},
    "user": {"user": "root"},
    "cpuUnits": {"cpuUnits": -1},
    "memoryMib": {"memoryMib": 5},
    "essential": {"essential": "maybe"},
    "environment": {"environment": {"A": "1"}, "secrets": {"A": "/a"}},
    "port": {"port": 99999},
    "writablePaths": {"writablePaths": ["/a", "/a/b"]},
    "mounts": {"mounts": {"none": "/none"}},
    "dependsOn": {"dependsOn": {"none": "START"}},
    "healthCheckCommand": {"healthCheckCommand": ["curl", "-f"]},
    "healthCheckRetries": {"healthCheckRetries": 0},
    "healthCheckStartSeconds": {"healthCheckStartSeconds": None},
    "logRouterFile": {"logRouterFile": "/extra.conf"},
    "logTo": {"logTo": "none"},
    "logOptions": {"logOptions": {"Name": "null", "exclude-pattern": "("}},
    "logSecrets": {"logSecrets": {"key": ""}},
    "imag": {"imag": IMAGE},
}
"""Wrong values of a sidecar by the key that has them; no one makes another one right."""

SCHEDULE: dict[str, dict[str, Any]] = {
    "schedule": {"schedule": "every night"},
    "timezone": {"timezone": "Mars/Olympus"},
    "maxCount": {"minCount": 2},
    "maximum": {"maximum": 2},
}

VOLUME: dict[str, dict[str, Any]] = {
    "efsFileSystemId": {"efsFileSystemId": "fs"},
    "efsAccessPointId": {"efsAccessPointId": None},
    "path": {"path": "/"},
}


def refused_keys(**changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load(**changes)
    return [problem.key for problem in refusal.value.problems]


@pytest.mark.parametrize(("one", "other"), list(combinations(SIDECAR, 2)))
def test_two_problems_of_a_sidecar_are_reported_together(one: str, other: str) -> None:
    sidecar = {"image": IMAGE, **SIDECAR[one], **SIDECAR[other]}
    found = refused_keys(sidecars={"proxy": sidecar})
    assert {f"sidecars.proxy.{one}", f"sidecars.proxy.{other}"} <= set(found)


@pytest.mark.parametrize(("one", "other"), list(combinations(SCHEDULE, 2)))
def test_two_problems_of_a_schedule_are_reported_together(one: str, other: str) -> None:
    night = {**NIGHT, **SCHEDULE[one], **SCHEDULE[other]}
    found = refused_keys(maxCount=4, schedules={"night": night})
    assert sorted(found) == sorted([f"schedules.night.{one}", f"schedules.night.{other}"])


@pytest.mark.parametrize(("one", "other"), list(combinations(VOLUME, 2)))
def test_two_problems_of_a_volume_are_reported_together(one: str, other: str) -> None:
    volume = {**VOLUME[one], **VOLUME[other]}
    found = refused_keys(volumes={"a": volume}, mounts={"a": "/a"})
    assert {f"volumes.a.{one}", f"volumes.a.{other}"} <= set(found)


def test_an_entry_that_is_no_map_hides_no_problem_with_another_one() -> None:
    assert refused_keys(
        maxCount=4,
        sidecars={"a": "image", "b": {"image": IMAGE, "user": "root"}},
        schedules={"a": [], "b": {**NIGHT, "minCount": 2}},
        volumes={"a": 1, "b": {"path": "/"}},
        mounts={"a": "/a", "b": "/b"},
    ) == [
        "sidecars.a",
        "sidecars.b.user",
        "volumes.a",
        "volumes.b.path",
        "schedules.a",
        "schedules.b.maxCount",
    ]


def test_a_service_that_is_no_map_hides_no_problem_with_another_one() -> None:
    services = {"api": "image", "web": {"cpuUnits": 300, "waf": "block"}}
    assert refused_keys(services=services) == [
        "services.api",
        "services.web.cpuUnits",
        "services.web.waf",
    ]


def test_a_null_is_a_problem_of_its_key_only() -> None:
    services = {"web": {"cpuUnits": None, "sidecars": {"a": {"image": None, "user": "root"}}}}
    with pytest.raises(SettingsError) as refusal:
        load(services=services)
    problems = [str(problem) for problem in refusal.value.problems]
    assert [problem.partition("; allowed: ")[0] for problem in problems] == [
        "services.web.cpuUnits: null",
        "services.web.sidecars.a.image: null",
        "services.web.sidecars.a.user: root",
    ]
