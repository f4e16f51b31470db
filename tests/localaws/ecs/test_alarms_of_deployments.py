"""The controller with alarms that a test sets off; runtime and load balancers are fakes."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from localaws.ecs.scheduler.model import Timing
from localaws.ecs.services.controller import Controller
from localaws.not_settled import NotSettled
from tests.localaws.ecs.conftest import ARN, SERVICE, Web
from tests.localaws.ecs.fakes import Runtime, TargetGroups
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REASON = "Threshold Crossed: 3 datapoints were greater than the threshold (1.0)."
TIMING = Timing(shortest_drain=0.05, bake=1000)
"""With a bake time that ends only when a test skips it."""

OTHER = f"{ARN}:service/cluster/other"


class Alarms:
    """Alarms of which the named ones are in ALARM."""

    def __init__(self) -> None:
        self.firing: set[str] = set()

    def state(self, name: str) -> str:
        return "ALARM" if name in self.firing else "OK"

    def reason(self, name: str) -> str:
        return REASON if name in self.firing else "nothing"


class Harness:
    """Two services in one cluster, each with an alarm that is named like it."""

    def __init__(self, directory: Path, skipped: float = 0) -> None:
        self.skipped = skipped
        self.web = Web(desiredCount=1, alarms=alarms("web"))
        template = self.web.get(SERVICE, self.web.service)
        assert template is not None
        self.web.put(
            SERVICE, OTHER, **{**template.outputs, "name": "other", "alarms": alarms("other")}
        )
        self.alarms = Alarms()
        self.events: list[dict[str, Any]] = []
        self.controller = Controller(
            self.web,
            directory,
            runtime=Runtime(),
            target_groups=TargetGroups(),
            parameters=lambda _: None,
            clock=lambda: time.time() + self.skipped,
            timing=TIMING,
        )
        self.controller.stepper.alarms = self.alarms
        self.controller.stepper.publish = self.events.append

    async def settle(self, arn: str) -> None:
        await self.controller.waits.settle(arn, timeout=30, report=lambda _: None)

    def deploy(self, arn: str, revision: int) -> None:
        self.web.put(SERVICE, arn, taskDefinition=self.web.define(revision))

    async def wait_for_bake_time(self, *services: str) -> None:
        """Wait until the services have new tasks only, and their alarms are still watched."""

        def baking(arn: str) -> bool:
            service = self.controller._services.get(arn)
            deployments = service.state.deployments if service else ()
            return bool(deployments) and deployments[0].baking_since is not None

        await eventually(lambda: all(map(baking, services)), "the bake time")

    def skip_bake_time(self) -> None:
        self.skipped += TIMING.bake

    def running(self, arn: str) -> str:
        """Return the family and revision that a service runs."""
        return str(self.controller.descriptions.describe(arn)["taskDefinition"]).rpartition("/")[2]


def alarms(name: str) -> dict[str, Any]:
    return {"alarmNames": [name], "enable": True, "rollback": True}


@asynccontextmanager
async def steady(directory: Path) -> AsyncIterator[Harness]:
    """Yield both services in a steady state, before any alarm went off."""
    harness = Harness(directory)
    await harness.controller.start()
    try:
        await harness.wait_for_bake_time(harness.web.service, OTHER)
        harness.skip_bake_time()
        await asyncio.gather(harness.settle(harness.web.service), harness.settle(OTHER))
        harness.events.clear()
        yield harness
    finally:
        await harness.controller.close()


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    async with steady(tmp_path) as harness:
        yield harness


async def test_only_the_service_whose_alarm_goes_off_is_rolled_back(harness: Harness) -> None:
    harness.deploy(harness.web.service, 2)
    harness.deploy(OTHER, 2)
    await harness.wait_for_bake_time(harness.web.service, OTHER)
    harness.alarms.firing.add("web")
    with pytest.raises(NotSettled, match=re.escape(f"\n      alarm web: {REASON}")):
        await harness.settle(harness.web.service)
    harness.skip_bake_time()
    await harness.settle(OTHER)
    assert (harness.running(harness.web.service), harness.running(OTHER)) == ("web:1", "web:2")


async def test_an_alarm_that_is_in_alarm_before_a_deployment_is_ignored_and_reported(
    harness: Harness,
) -> None:
    harness.alarms.firing.add("web")
    harness.deploy(harness.web.service, 2)
    await harness.settle(harness.web.service)
    assert harness.running(harness.web.service) == "web:2"
    assert harness.controller.descriptions.ignored_alarms(harness.web.service) == ("web",)
    harness.web.change(desiredCount=2)
    await harness.settle(harness.web.service)
    assert harness.controller.descriptions.ignored_alarms(harness.web.service) == (), (
        "nothing was deployed"
    )


async def test_each_change_of_a_deployment_is_published_in_order(harness: Harness) -> None:
    harness.deploy(harness.web.service, 2)
    await harness.wait_for_bake_time(harness.web.service)
    harness.alarms.firing.add("web")
    with pytest.raises(NotSettled):
        await harness.settle(harness.web.service)
    details = [each["detail"] for each in harness.events]
    assert [(each["eventName"], each["eventType"]) for each in details] == [
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO"),
        ("SERVICE_DEPLOYMENT_FAILED", "ERROR"),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO"),
        ("SERVICE_DEPLOYMENT_COMPLETED", "INFO"),
    ]
    first, failed, rollback, completed = details
    assert first["deploymentId"] == failed["deploymentId"] != rollback["deploymentId"]
    assert rollback["deploymentId"] == completed["deploymentId"]
    assert failed["reason"] == "ECS deployment alarms: alarm detected."
    assert rollback["reason"] == (
        f"ECS deployment alarms: rolling back to deploymentId {rollback['deploymentId']}."
    )


async def test_an_event_has_the_form_of_eventbridge(harness: Harness) -> None:
    harness.deploy(harness.web.service, 2)
    await harness.wait_for_bake_time(harness.web.service)
    harness.skip_bake_time()
    await harness.settle(harness.web.service)
    event = harness.events[-1]
    deployment = harness.controller.descriptions.describe(harness.web.service)["deployments"][0][
        "id"
    ]
    assert re.fullmatch(r"[0-9a-f-]{36}", event.pop("id"))
    at = event.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
    assert event == {
        "version": "0",
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "region": "eu-west-1",
        "resources": [harness.web.service],
        "detail": {
            "eventType": "INFO",
            "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
            "deploymentId": deployment,
            "updatedAt": at,
            "reason": f"ECS deployment {deployment} completed.",
        },
    }


async def test_a_restarted_daemon_publishes_no_event_again(tmp_path: Path) -> None:
    async with steady(tmp_path) as before:
        pass
    again = Harness(tmp_path, before.skipped)
    await again.controller.start()
    try:
        await again.settle(again.web.service)
        assert again.events == []
    finally:
        await again.controller.close()
