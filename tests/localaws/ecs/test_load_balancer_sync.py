"""How soon the load balancers are synchronized again; the load balancers are a fake."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from localaws.ecs.services import load_balancer_sync
from localaws.ecs.services.load_balancer_sync import LoadBalancerSync
from localaws.ecs.services.passes import Passes
from tests.localaws.ecs.fakes import TargetGroups


class SlowTargetGroups(TargetGroups):
    """Load balancers that take some time, as those that start Envoy do."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def sync(self) -> None:
        await asyncio.sleep(self._seconds)


async def test_a_change_during_a_long_synchronization_is_applied_at_its_end() -> None:
    sync = LoadBalancerSync(SlowTargetGroups(seconds=0.02), Passes())
    with patch.object(load_balancer_sync, "_PAUSE", 0.01):
        synchronization = asyncio.create_task(sync.sync())
        await asyncio.sleep(0)
        sync.note_change()
        await synchronization
    assert not sync.has_tried(sync.changes)
    assert sync.is_due
    assert sync.pause() == 0


async def test_changes_soon_after_a_short_synchronization_are_applied_together() -> None:
    sync = LoadBalancerSync(TargetGroups(), Passes())
    with patch.object(load_balancer_sync, "_PAUSE", 1000.0):
        await sync.sync()
    sync.note_change()
    assert not sync.is_due
    assert 0 < sync.pause() <= 1000
