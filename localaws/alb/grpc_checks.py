"""Health checks of gRPC targets, which Envoy can't do: it can't call any method or compare codes.

An ALB calls the method that the group names, and compares the status with the group's codes. Like
Envoy's, the first check of a target decides at once; then the thresholds hold.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localaws.alb.envoy import CheckResult
    from localaws.alb.targets import Endpoint


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to check a target."""

    interval: float
    """Seconds between two checks."""

    passes: int
    """Passed checks in a row that make an unhealthy target healthy."""

    failures: int
    """Failed checks in a row that make a healthy target unhealthy."""

    # Both are made anew at each look at the groups, so they don't count in a comparison: else each
    # look would begin all checks again.
    check: Callable[[], Awaitable[CheckResult]] = field(compare=False)
    """Checks it once."""

    notify: Callable[[], None] = field(compare=False)
    """What to call when its health changes."""


@dataclass
class CheckHistory:
    """What the checks of a target have shown up to now."""

    health: CheckResult | None = None
    """The result that counts; None before the first check."""

    contrary: int = 0
    """Results in a row that differ from it."""

    def add(self, result: CheckResult, plan: Plan) -> bool:
        """Add the result of a check; return whether it changes the target's health."""
        if self.health is None:
            self.health = result
            return True
        if result.healthy == self.health.healthy:
            self.contrary = 0
            return False
        self.contrary += 1
        threshold = plan.passes if result.healthy else plan.failures
        if self.contrary < threshold:
            return False
        self.health, self.contrary = result, 0
        return True


class GrpcChecks:
    """Checks targets at their intervals, by the cluster that they are in."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, Endpoint], Plan] = {}
        self._histories: dict[tuple[str, Endpoint], CheckHistory] = {}
        self._tasks: dict[tuple[str, Endpoint], asyncio.Task[None]] = {}

    def follow(self, plans: Mapping[tuple[str, Endpoint], Plan]) -> None:
        """Check these targets, and no others."""
        for key in self._tasks.keys() - plans.keys():
            self._tasks.pop(key).cancel()
            del self._histories[key], self._plans[key]
        for key, plan in plans.items():
            if key in self._tasks and self._plans[key] == plan:
                continue
            if key in self._tasks:
                self._tasks[key].cancel()
            self._plans[key] = plan
            history = self._histories.setdefault(key, CheckHistory())
            self._tasks[key] = asyncio.create_task(_check_repeatedly(plan, history))

    def health(self) -> dict[tuple[str, Endpoint], CheckResult]:
        """Return the checks' results, by cluster and endpoint."""
        found = {}
        for key, history in self._histories.items():
            if history.health is not None:
                found[key] = history.health
        return found

    async def close(self) -> None:
        """Stop checking."""
        tasks = list(self._tasks.values())
        self.follow({})
        await asyncio.gather(*tasks, return_exceptions=True)


async def _check_repeatedly(plan: Plan, history: CheckHistory) -> None:
    while True:
        if history.add(await plan.check(), plan):
            plan.notify()
        await asyncio.sleep(plan.interval)
