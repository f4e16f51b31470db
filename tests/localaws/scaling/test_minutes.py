"""The loop of compressed minutes, and that tasks are measured once in each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from localaws.catalog.ecs.services import SERVICE
from localaws.machine.processes import Usage
from localaws.scaling.metrics import Metrics
from localaws.scaling.minutes import Minute, Minutes

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


async def test_a_part_that_fails_stops_no_other_and_is_a_problem_until_it_works_again() -> None:
    seen: list[Minute] = []

    async def fails_first(minute: Minute) -> None:
        if minute.number == 1:
            raise ValueError("no data")

    async def notes(minute: Minute) -> None:
        seen.append(minute)

    minutes = Minutes({"scaling": fails_first, "alarms": notes}, clock=lambda: 100.0)
    await minutes.tick(1.5)
    assert minutes.problems == ["scaling: no data"]
    await minutes.tick(1)
    assert minutes.problems == []
    assert seen == [Minute(1, 1.5, 98.5), Minute(2, 1, 99.0)]


async def test_a_minute_is_a_second_at_a_speed_of_1() -> None:
    passed = asyncio.Event()
    lengths: list[float] = []

    async def note(minute: Minute) -> None:
        lengths.append(minute.seconds)
        passed.set()

    minutes = Minutes({"alarms": note}, speed=20)
    minutes.start()
    async with asyncio.timeout(30):
        await passed.wait()
    await minutes.close()
    assert lengths[0] >= 1 / 20


class CountedTasks:
    """One task that uses a tenth of its quarter of a vCPU, and counts how often it is measured."""

    def __init__(self) -> None:
        self.seconds, self.reads = 0.0, 0

    async def usage(self, service_arn: str) -> dict[str, Usage]:
        self.reads += 1
        return {"task": Usage(self.seconds, 0)}

    async def requests(self) -> dict[str, int]:
        return {}


async def test_scaling_and_alarms_share_what_is_measured_in_a_minute(account: Account) -> None:
    tasks = CountedTasks()
    metrics = Metrics(account, tasks, tasks)
    service = account.all(SERVICE)[0].id
    found = []
    for number in (1, 2, 4):
        tasks.seconds += 0.025
        minute = Minute(number, 1, 0)
        usage = await metrics.usage(service, minute)
        assert await metrics.usage(service, minute) is usage
        found.append(usage.cpu)
    first, second, after_a_gap = found
    assert tasks.reads == 3
    assert first == after_a_gap == (), "CPU needs the minute before"
    assert second == pytest.approx((10,))
