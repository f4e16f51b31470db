"""When the load balancers are synchronized with the cloud, and which of its changes they apply."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.ecs.services.passes import Passes
    from localaws.ecs.tasks.running_tasks import TargetGroups

_PAUSE = 0.05
"""Seconds at least between the beginnings of two synchronizations that only the cloud's changes
cause: changes in the meantime are applied together. One that takes longer, as the first one does,
which starts Envoy, is followed by the next at once: an operation may wait for that.
"""


class LoadBalancerSync:
    """Counts the cloud's changes, and those of them that the load balancers have applied."""

    def __init__(self, target_groups: TargetGroups, passes: Passes) -> None:
        """Start with one change that isn't applied: the cloud as it is.

        Args:
            target_groups: The load balancers.
            passes: Notes what goes wrong.
        """
        self._target_groups = target_groups
        self._passes = passes
        self._changes = 1
        self._tried_changes = 0
        """How many of them the load balancers have applied, or failed to apply."""

        self._applied_changes = 0
        self._next_at = 0.0
        """When the next synchronization may begin, by the event loop's clock."""

    @property
    def changes(self) -> int:
        """How often the cloud has changed."""
        return self._changes

    def note_change(self) -> None:
        """Count a change of the cloud."""
        self._changes += 1

    def has_tried(self, changes: int) -> bool:
        """Return whether the load balancers have applied so many changes, or failed to.

        A failure is a problem of the pass: nothing waits until it is solved.
        """
        return self._tried_changes >= changes

    @property
    def is_due(self) -> bool:
        """Whether the load balancers may be synchronized again."""
        return asyncio.get_running_loop().time() >= self._next_at

    def pause(self) -> float:
        """Return the seconds until changes can be applied; infinite if there are none."""
        if self.has_tried(self._changes):
            return math.inf
        return max(0.0, self._next_at - asyncio.get_running_loop().time())

    async def sync(self) -> None:
        """Have the load balancers apply the cloud's records and the registered targets now."""
        # Counted before, as the cloud may change while the load balancers read it.
        changes = self._changes
        with self._passes.noting_problems():
            self._next_at = 0.0  # a synchronization that fails is repeated at once
            began = asyncio.get_running_loop().time()
            await self._target_groups.sync()
            self._next_at = began + _PAUSE
            self._applied_changes = changes
        self._tried_changes = changes

    async def apply_changes(self) -> None:
        """Have the load balancers apply the cloud's changes so far, if they haven't."""
        if self._applied_changes < self._changes:
            await self.sync()
