"""How a controller begins and ends; runtime and load balancers are fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.services.controller import Controller
from localaws.machine.journal import Journal
from tests.localaws.ecs.fakes import Runtime, TargetGroups

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.localaws.ecs.conftest import Web


def controller(web: Web, directory: Path) -> Controller:
    return Controller(
        web,
        directory,
        runtime=Runtime(),
        target_groups=TargetGroups(),
        parameters=lambda _: None,
    )


async def settle(running: Controller, service: str) -> None:
    await running.waits.settle(service, timeout=30, report=lambda _: None)


async def test_a_controller_can_be_closed_again_and_before_its_start(
    web: Web, tmp_path: Path
) -> None:
    running = controller(web, tmp_path)
    await running.close()
    await running.start()
    await settle(running, web.service)
    await running.close()
    await running.close()
    assert not web.on_change


async def test_a_saved_state_that_cannot_be_used_is_logged_and_the_service_begins_anew(
    web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Journal(tmp_path / "services.jsonl", version=1).write({web.service: {"tasks": []}})
    running = controller(web, tmp_path)
    await running.start()
    await settle(running, web.service)
    await running.close()
    assert f"the saved state of {web.service} can't be used: KeyError" in caplog.text
