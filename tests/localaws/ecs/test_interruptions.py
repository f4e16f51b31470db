"""Interruptions of tasks on Fargate Spot: the task stops, and another replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.ecs.services.task_choice import NotInterruptedError
from tests.localaws.ecs.plane import plane, traffic
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.ecs.conftest import Web

pytestmark = pytest.mark.slow  # real tasks behind a real Envoy

SPOT = [
    {"capacityProvider": "FARGATE", "base": 1},
    {"capacityProvider": "FARGATE_SPOT", "weight": 1},
]


async def test_an_interrupted_task_is_replaced_by_another_on_spot(
    web: Web, directory: Path
) -> None:
    web.change(launchType=None, capacityProviderStrategies=SPOT)
    async with plane(web, directory) as running:
        await running.settle()
        by_provider = {each["capacityProviderName"]: each["taskId"] for each in running.tasks()}
        assert by_provider.keys() == {"FARGATE", "FARGATE_SPOT"}, "the base, and the rest"
        async with traffic(running.url) as statuses:
            interrupted = running.controller.interrupt(by_provider["FARGATE_SPOT"][:8])
            assert interrupted == by_provider["FARGATE_SPOT"]
            await eventually(lambda: running.tasks("STOPPED"), "the end of the task")
            await running.settle()
        (stopped,) = running.tasks("STOPPED")
        assert stopped["taskId"] == interrupted
        assert stopped["stopCode"] == "SpotInterruption"
        assert stopped["stoppedReason"] == "Your Spot Task was interrupted."
        names = sorted(each["capacityProviderName"] for each in running.tasks())
        assert names == ["FARGATE", "FARGATE_SPOT"]
        assert set(statuses) == {200}


async def test_only_tasks_on_spot_can_be_interrupted(web: Web, directory: Path) -> None:
    async with plane(web, directory) as running:
        await running.settle()
        task = running.tasks()[0]["taskId"]
        with pytest.raises(
            NotInterruptedError, match="runs on a launch type, which AWS"
        ) as refused:
            running.controller.interrupt(task)
        assert "FARGATE_SPOT only: see `capacity` in docs/config.md" in str(refused.value)
        for unknown in ("", "none"):
            with pytest.raises(NotInterruptedError, match="no running tasks begin with"):
                running.controller.interrupt(unknown)
