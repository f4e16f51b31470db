"""Problems that don't depend on each other are reported in one run, wherever they are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.infra.settings.loading import refusal_of, refused_keys

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
"""Wrong values of a sidecar, by the key that the problem names; each is wrong beside any other."""

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


def test_an_entry_that_is_no_map_hides_no_problem_of_another_entry() -> None:
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


def test_a_service_that_is_no_map_hides_no_problem_of_another_service() -> None:
    services = {"api": "image", "web": {"cpuUnits": 300, "waf": "block"}}
    assert refused_keys(services=services) == [
        "services.api",
        "services.web.cpuUnits",
        "services.web.waf",
    ]


def test_a_null_is_reported_with_its_own_key_only() -> None:
    services = {"web": {"cpuUnits": None, "sidecars": {"a": {"image": None, "user": "root"}}}}
    problems = [str(problem) for problem in refusal_of(services=services).problems]
    assert [problem.partition("; allowed: ")[0] for problem in problems] == [
        "services.web.cpuUnits: null",
        "services.web.sidecars.a.image: null",
        "services.web.sidecars.a.user: root",
    ]


ENTRIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "environment": (
        {"environment": {"1A": "x", "A": "1"}, "secrets": {"A": "/a"}},
        "environment: the name 1A",
        "environment: A, which secrets has too",
    ),
    "secrets": (
        {"environment": {"A": "1"}, "secrets": {"A": "/a", "B": ""}},
        "secrets: B with an empty value",
        "environment: A, which secrets has too",
    ),
    "mounts": (
        {"mounts": {"a": "relative", "b": "/b"}},
        "mounts: a with a value of 8 characters, not shown",
        "mounts: b, which is no volume",
    ),
    "mounts of a sidecar": (
        {"sidecars": {"x": {"image": IMAGE, "mounts": {"a": "relative", "b": "/b"}}}},
        "sidecars.x.mounts: a with a value of 8 characters, not shown",
        "sidecars.x.mounts: b, which is no volume",
    ),
    "dependsOn": (
        {"dependsOn": {"a": "MAYBE", "b": "START"}},
        "dependsOn: a with a value of 5 characters, not shown",
        "dependsOn: b, which is no other container of the task",
    ),
    "logOptions": (
        {"logOptions": {"a b": "x", "exclude-pattern": "("}},
        "logOptions: the name a b",
        "logOptions: exclude-pattern (, in which a ( isn't closed",
    ),
    "logSecrets": (
        {"logSecrets": {"a": "", "b": "/b"}},
        "logSecrets: a with an empty value",
        "logSecrets: b without logTo",
    ),
    "writablePaths": (
        {"writablePaths": ["tmp", "/a", "/a/b"]},
        "writablePaths: [0] tmp",
        "writablePaths: /a/b",
    ),
    "hosts": ({"hosts": ["X", "a.test", "a.test"]}, "hosts: [0] X", "hosts: a.test twice"),
    "headers": (
        {"headers": {"Host": "a", "X": ["b", "b"]}},
        "headers: the name Host",
        "headers.x: b twice",
    ),
    "weights": (
        {"weights": {"web": 1000, "next": 1}},
        "weights: .web 1000, which isn't a whole number from 0 to 999",
        "weights: next, which is no service",
    ),
    "routes": (
        {"routes": [{"paths": ["a"]}, {"paths": ["/b", "/b"], "weights": {"next": 1}}]},
        "routes: [0].paths: [0] a, where it must be a list",
        "routes[1].paths: /b twice",
    ),
    "weights of a route": (
        {"routes": [{"paths": ["a"], "weights": {"web": -1, "next": 1}}]},
        "routes: [0].paths: [0] a, where it must be a list",
        "routes[0].weights: next, which is no service",
    ),
    "weights beside another service's": (
        {"services": {"web": {"weights": {"web": 1, "none": 1}}, "next": {"weights": {"x": -1}}}},
        "services.next.weights: .x -1",
        "services.web.weights: none, which is no service",
    ),
    "calls": ({"calls": ["A", "b", "b"]}, "calls: [0] A", "calls: b; allowed: each service once"),
    "alarmEmails": (
        {"alarmEmails": ["a", "a@b.cd", "a@b.cd"]},
        "alarmEmails: [0] a",
        "alarmEmails: a@b.cd; allowed: each address once",
    ),
}
"""Maps and lists with two wrong entries: the first by itself, the second beside another value."""


@pytest.mark.parametrize("key", ENTRIES)
def test_two_wrong_entries_of_a_map_or_list_are_reported_together(key: str) -> None:
    changes, *messages = ENTRIES[key]
    problems = [str(problem) for problem in refusal_of(**changes).problems]
    for message in messages:
        assert any(problem.startswith(message) for problem in problems), problems


def test_entries_of_an_encrypted_map_are_not_shown_in_problems_of_other_keys() -> None:
    refusal = refusal_of(secret={"mounts"}, mounts={"hidden": "/hidden"})
    assert [problem.key for problem in refusal.problems] == ["mounts"]
    assert "hidden" not in str(refusal)
