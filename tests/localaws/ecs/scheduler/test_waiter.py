"""What an operation on a service waits for and reports, and what `getService` returns."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.daemon.lifecycle import GET_SERVICE, Running
from localaws.daemon.state_directory import StateDirectory
from localaws.protocol.aws import NotSettled
from tests.localaws.ecs.conftest import SERVICE
from tests.localaws.ecs.plane import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # real processes and their durations


def test_without_wait_for_steady_state_a_service_whose_image_has_no_row_is_done_at_once(
    web: Any, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALAWS_IMAGES", raising=False)
    monkeypatch.setenv("LOCALAWS_RUNTIME", "process")
    web.completions = {}
    reports: list[str] = []

    async def play() -> None:
        running = Running(web, StateDirectory(project=tmp_path, path=directory))
        await running.start()
        try:
            for requested in ({}, {"waitForSteadyState": False}):
                web.change(taskDefinition=web.define(2, image="nobody/knows:1"), **requested)
                await running.settle(
                    web.get(SERVICE, web.service), seconds=0.5, report=reports.append
                )
            assert not reports, "no operation waited"
            web.change(waitForSteadyState=True)
            await eventually(
                lambda: "nobody/knows:1" in str(running._controller.describe(web.service)),
                "the reason",
            )
            with pytest.raises(NotSettled, match="nobody/knows:1"):
                await running.settle(
                    web.get(SERVICE, web.service), seconds=0.5, report=reports.append
                )
        finally:
            await running.close()

    asyncio.run(play())


def test_a_deployment_that_is_not_done_in_time_is_not_blamed_on_an_earlier_ones_task(
    web: Any, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALAWS_IMAGES", raising=False)
    monkeypatch.setenv("LOCALAWS_RUNTIME", "process")
    web.completions = {}
    web.change(deploymentCircuitBreaker={"enable": True, "rollback": False})

    async def failure(running: Running, revision: int, *command: str, seconds: float) -> str:
        image = {"image": "python:3", "command": list(command)}
        web.change(
            taskDefinition=web.define(revision, **image),
            healthCheckGracePeriodSeconds=60,
            waitForSteadyState=True,
        )
        now = web.get(SERVICE, web.service).outputs["taskDefinition"]
        await eventually(
            lambda: running._controller.describe(web.service).get("taskDefinition") == now,
            "the deployment",
        )
        with pytest.raises(NotSettled) as failed:
            await running.settle(
                web.get(SERVICE, web.service), seconds=seconds, report=lambda _: None
            )
        return str(failed.value)

    async def play() -> None:
        running = Running(web, StateDirectory(project=tmp_path, path=directory))
        await running.start()
        try:
            assert "no configuration" in await failure(
                running, 2, "sh", "-c", "echo no configuration; exit 3", seconds=30
            )
            second = await failure(running, 3, "sleep", "60", seconds=1)
            assert "did not reach a steady state within 1 s" in second
            assert "no configuration" not in second
            assert "exited" not in second
        finally:
            await running.close()

    asyncio.run(play())


def test_get_service_formats_times_as_the_provider_does(
    web: Any, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAWS_RUNTIME", "process")
    web.completions = {}
    web.find = lambda token, _: web.get(token, web.service)
    cluster, name = web.service.partition(":service/")[2].split("/")

    async def play() -> None:
        running = Running(web, StateDirectory(project=tmp_path, path=directory))
        await running.start()
        try:
            web.change(waitForSteadyState=True, arn=web.service)
            await running.settle(web.get(SERVICE, web.service), seconds=20, report=lambda _: None)
            found = running.functions[GET_SERVICE]({"clusterArn": cluster, "serviceName": name})
        finally:
            await running.close()
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

    asyncio.run(play())
