"""Operations on a service: what they wait for, their errors, and the result of `getService`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.daemon.lifecycle import GET_SERVICE, Running
from localaws.daemon.state_directory import StateDirectory
from localaws.ecs.scheduler.model import Task, Zone
from localaws.ecs.scheduler.waiter import failed_containers
from localaws.not_settled import NotSettled
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.localaws.ecs.conftest import Web

pytestmark = pytest.mark.slow  # real processes and their durations


@pytest.fixture
async def running(
    web: Web, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    """A daemon that runs the service's tasks as processes."""
    monkeypatch.delenv("LOCALAWS_IMAGES", raising=False)
    monkeypatch.setenv("LOCALAWS_RUNTIME", "process")
    web.completions = {}
    daemon = Running(web, StateDirectory(project=tmp_path, path=directory))
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.close()


async def test_without_wait_for_steady_state_an_operation_ends_although_the_image_is_unknown(
    web: Web, running: Running
) -> None:
    reports: list[str] = []
    for requested in ({}, {"waitForSteadyState": False}):
        web.change(taskDefinition=web.define(2, image="unknown/image:1"), **requested)
        await running.settle(web.record, seconds=30, report=reports.append)
    assert not reports, "no operation waited"
    web.change(waitForSteadyState=True)
    await eventually(
        lambda: "unknown/image:1" in str(running._controller.descriptions.describe(web.service)),
        "the reason",
    )
    with pytest.raises(NotSettled, match="unknown/image:1"):
        await running.settle(web.record, seconds=0.5, report=reports.append)


async def test_a_timeout_is_not_explained_by_a_task_of_an_earlier_deployment(
    web: Web, running: Running
) -> None:
    web.change(deploymentCircuitBreaker={"enable": True, "rollback": False})

    async def failure(running: Running, revision: int, *command: str, seconds: float) -> str:
        image = {"image": "python:3", "command": list(command)}
        web.change(
            taskDefinition=web.define(revision, **image),
            healthCheckGracePeriodSeconds=60,
            waitForSteadyState=True,
        )
        now = web.record.outputs["taskDefinition"]
        await eventually(
            lambda: (
                running._controller.descriptions.describe(web.service).get("taskDefinition") == now
            ),
            "the deployment",
        )
        with pytest.raises(NotSettled) as failed:
            await running.settle(web.record, seconds=seconds, report=lambda _: None)
        return str(failed.value)

    assert "no configuration" in await failure(
        running, 2, "sh", "-c", "echo no configuration; exit 3", seconds=30
    )
    second = await failure(running, 3, "sleep", "60", seconds=1)
    assert "did not reach a steady state within 1 s" in second
    assert "no configuration" not in second
    assert "exited" not in second


async def test_a_sidecar_that_fails_soon_fails_the_deployment(web: Web, running: Running) -> None:
    """On AWS it does before the load balancer finds the task's own target healthy."""
    beside = {"name": "beside", "image": "python:3", "command": ["sh", "-c", "sleep 1; exit 3"]}
    web.change(
        deploymentCircuitBreaker={"enable": True, "rollback": False},
        taskDefinition=web.define(2, sidecars=[beside]),
        waitForSteadyState=True,
    )
    with pytest.raises(NotSettled, match="circuit breaker"):
        await running.settle(web.record, seconds=30, report=lambda _: None)


async def test_a_failed_task_is_explained_by_the_log_of_the_container_that_failed(
    web: Web, running: Running
) -> None:
    beside = {"name": "beside", "image": "python:3"}
    web.change(
        deploymentCircuitBreaker={"enable": True, "rollback": False},
        taskDefinition=web.define(
            2,
            sidecars=[{**beside, "command": ["sh", "-c", "echo the cause; exit 3"]}],
            image="python:3",
            command=["sh", "-c", "echo nothing wrong here; exec sleep 60"],
        ),
        waitForSteadyState=True,
    )
    with pytest.raises(NotSettled) as failed:
        await running.settle(web.record, seconds=30, report=lambda _: None)
    reason = str(failed.value)
    assert re.search(r"\n *task \w{8} wrote last in beside:\n *\S+ the cause", reason)
    assert "nothing wrong here" not in reason


@pytest.mark.parametrize(
    ("codes", "reasons", "failed"),
    [
        ({"web": 143, "beside": 3}, {}, {"beside"}),
        ({"web": 1, "beside": 137}, {}, {"web"}),
        ({"web": 137, "beside": 0}, {"web": "OutOfMemoryError: Container killed"}, {"web"}),
        ({"web": 0, "beside": 137}, {}, set()),
    ],
)
def test_containers_that_ecs_stopped_with_their_task_are_not_the_cause(
    codes: dict[str, int], reasons: dict[str, str], failed: set[str]
) -> None:
    task = Task(
        id="1",
        deployment="2",
        task_definition="web:1",
        zone=Zone(subnet="subnet", name="a"),
        created_at=0,
        exit_codes=codes,
        exit_reasons=reasons,
    )
    assert failed_containers(task) == failed


class Firing:
    """Alarms that are all in ALARM."""

    def state(self, _name: str) -> str:
        return "ALARM"

    def reason(self, name: str) -> str:
        return f"{name} crossed its threshold"


async def test_only_an_update_whose_alarms_are_ignored_ends_with_a_remark(
    web: Web, running: Running
) -> None:
    alarms = {"alarmNames": ["web-errors"], "enable": True, "rollback": True}
    running._controller.stepper.alarms = Firing()

    async def remarks(**changes: Any) -> str:
        web.change(waitForSteadyState=True, **changes)
        resource = web.record
        await running.settle(resource, seconds=30, report=lambda _: None)
        return " ".join(running.remarks(resource))

    assert "in ALARM" not in await remarks()
    assert "in ALARM when the deployment began: web-errors." in await remarks(
        alarms=alarms, taskDefinition=web.define(2)
    )
    assert "in ALARM" not in await remarks(desiredCount=1)


async def test_get_service_formats_times_as_the_provider_does(
    web: Web, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "find", lambda token, _: web.get(token, web.service))
    cluster, name = web.service.partition(":service/")[2].split("/")
    web.change(waitForSteadyState=True, arn=web.service)
    await running.settle(web.record, seconds=20, report=lambda _: None)
    found = running.functions[GET_SERVICE]({"clusterArn": cluster, "serviceName": name})
    (deployment,), events = found["deployments"], found["events"]
    assert found["clusterArn"].endswith(f":cluster/{cluster}")
    assert found["taskSets"] == []
    assert {frozenset(event) for event in events} == {frozenset({"id", "createdAt", "message"})}
    times = {
        deployment["createdAt"],
        deployment["updatedAt"],
        *(event["createdAt"] for event in events),
    }
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each) for each in times)
