"""Only the service that changes is stepped and saved; runtime and load balancers are fakes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.ecs.scheduler.rolling_update import step
from localaws.ecs.services import controller, stepper
from localaws.ecs.services.controller import Controller
from tests.localaws.ecs.conftest import ARN, SERVICE, Web
from tests.localaws.ecs.fakes import Runtime, TargetGroups
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COUNT = 20


class Harness:
    """Steady services of one task each, and the names of those that the scheduler steps."""

    def __init__(self, directory: Path) -> None:
        self.web = Web(desiredCount=1)
        template = self.web.get(SERVICE, self.web.service)
        assert template is not None
        self.arns = [f"{ARN}:service/cluster/web{number}" for number in range(COUNT)]
        for number, arn in enumerate(self.arns):
            self.web.put(SERVICE, arn, **{**template.outputs, "name": f"web{number}"})
        self.web.remove(SERVICE, self.web.service)
        self.directory = directory
        self.runtime = Runtime()
        self.groups = TargetGroups()
        self.controller = Controller(
            self.web,
            directory,
            runtime=self.runtime,
            target_groups=self.groups,
            parameters=lambda _: None,
        )
        self.stepped: set[str] = set()

    async def settle(self, arn: str) -> None:
        await self.controller.waits.settle(arn, timeout=30, report=lambda _: None)

    def position(self, name: str) -> int:
        """Return the position of a service's task in `groups.notify` and `runtime.running`."""
        notifications: list[Any] = list(self.groups.notify)  # partial functions of a service
        names = [each.args[0].spec.name for each in notifications]
        return names.index(name)

    def written(self) -> list[set[str]]:
        """Return the services in each line of the file."""
        _version, *lines = (self.directory / "services.jsonl").read_text().splitlines()
        return [set(map(service_name, json.loads(line))) for line in lines]


def service_name(arn: str) -> str:
    return arn.rpartition("/")[2]


@pytest.fixture
async def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Harness]:
    """Steady services, which the controller steps only for an event."""
    harness = Harness(tmp_path)

    def step_and_record(spec: Any, *arguments: Any, **options: Any) -> Any:
        harness.stepped.add(spec.name)
        return step(spec, *arguments, **options)

    monkeypatch.setattr(controller, "_CALM_PAUSE", 1000.0)
    monkeypatch.setattr(stepper, "step", step_and_record)
    await harness.controller.start()
    try:
        await asyncio.gather(*map(harness.settle, harness.arns))
        harness.stepped.clear()
        yield harness
    finally:
        await harness.controller.close()


async def test_only_the_service_that_changes_is_stepped_and_saved(harness: Harness) -> None:
    before = len(harness.written())
    harness.web.put(SERVICE, harness.arns[7], desiredCount=2)
    await harness.settle(harness.arns[7])
    assert harness.stepped == {"web7"}
    assert set().union(*harness.written()[before:]) == {"web7"}


async def test_a_change_of_another_resource_steps_no_service(harness: Harness) -> None:
    harness.web.put("aws:cloudwatch/logGroup:LogGroup", "/other")
    await harness.settle(harness.arns[0])
    assert harness.stepped == {"web0"}, "the one that is waited for"


@pytest.mark.parametrize(
    "event", ["a task ends", "a target's health changes", "its deletion begins", "it is deleted"]
)
async def test_an_event_steps_its_service_at_once(harness: Harness, event: str) -> None:
    arn = harness.arns[7]
    if event == "a task ends":
        harness.runtime.running[harness.position("web7")].ended.set_result({"web": 1})
    elif event == "a target's health changes":
        harness.groups.notify[harness.position("web7")]()
    elif event == "its deletion begins":
        harness.web.draining.add(arn)
        harness.web.put("aws:cloudwatch/logGroup:LogGroup", "/a-change-that-is-noticed")
    else:
        harness.web.remove(SERVICE, arn)
    await eventually(lambda: harness.stepped, "a step")
    assert harness.stepped == {"web7"}
