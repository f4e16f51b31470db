"""Whether an operation on a service waits for what runs: only where the program asks for a steady state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from localaws.home import Home
from localaws.lifecycle import Running
from localaws.provider import NotSettled
from tests.localaws.ecs.conftest import SERVICE

if TYPE_CHECKING:
    from pathlib import Path


def test_without_wait_for_steady_state_a_service_whose_image_has_no_row_is_done_at_once(
    web: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALAWS_IMAGES", raising=False)
    web.completions = {}
    reports: list[str] = []

    async def play() -> None:
        running = Running(web, Home(project=tmp_path, path=home))
        await running.start()
        try:
            for asked in ({}, {"waitForSteadyState": False}):
                web.change(taskDefinition=web.define(2, image="nobody/knows:1"), **asked)
                await running.settle(web.get(SERVICE, web.service), seconds=0.5, report=reports.append)
            assert not reports, "nobody waited"
            web.change(waitForSteadyState=True)
            with pytest.raises(NotSettled, match="nobody/knows:1"):
                await running.settle(web.get(SERVICE, web.service), seconds=0.5, report=reports.append)
        finally:
            await running.close()

    asyncio.run(play())
