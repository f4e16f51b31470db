"""Health checks of gRPC targets, which Envoy can't do: it knows one method, and no codes.

An ALB calls the method that the group names, and compares the status with the group's codes. Like
Envoy's, the first check of a target decides at once; then the thresholds hold.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localaws.alb.envoy import Verdict
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

    check: Callable[[], Awaitable[Verdict]]
    """Checks it once."""

    notify: Callable[[], None]
    """What to call when the verdict changes."""

    def __eq__(self, other: object) -> bool:
        """Whether it is the same but for what it calls."""
        if not isinstance(other, Plan):
            return NotImplemented
        mine, theirs = (self.interval, self.passes), (other.interval, other.passes)
        return (*mine, self.failures) == (*theirs, other.failures)

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Standing:
    """What the checks of a target say up to now."""

    verdict: Verdict | None = None
    others: int = 0
    """Results in a row that differ from the verdict."""

    def note(self, result: Verdict, plan: Plan) -> bool:
        """Take the result of a check; return whether it changes the verdict."""
        if self.verdict is None:
            self.verdict = result
            return True
        if result.healthy == self.verdict.healthy:
            self.others = 0
            return False
        self.others += 1
        if self.others < (plan.passes if result.healthy else plan.failures):
            return False
        self.verdict, self.others = result, 0
        return True


class GrpcChecks:
    """Checks targets at their intervals, by the cluster that they are in."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, Endpoint], Plan] = {}
        self._standings: dict[tuple[str, Endpoint], Standing] = {}
        self._tasks: dict[tuple[str, Endpoint], asyncio.Task[None]] = {}

    def follow(self, plans: Mapping[tuple[str, Endpoint], Plan]) -> None:
        """Check these targets, and no others."""
        for key in self._tasks.keys() - plans.keys():
            self._tasks.pop(key).cancel()
            del self._standings[key], self._plans[key]
        for key, plan in plans.items():
            if key in self._tasks and self._plans[key] == plan:
                continue
            if key in self._tasks:
                self._tasks[key].cancel()
            self._plans[key] = plan
            standing = self._standings.setdefault(key, Standing())
            self._tasks[key] = asyncio.create_task(_check(plan, standing))

    def verdicts(self) -> dict[tuple[str, Endpoint], Verdict]:
        """Return the checks' results, by cluster and endpoint."""
        found = {}
        for key, standing in self._standings.items():
            if standing.verdict is not None:
                found[key] = standing.verdict
        return found

    async def close(self) -> None:
        """Check nothing any more."""
        tasks = list(self._tasks.values())
        self.follow({})
        await asyncio.gather(*tasks, return_exceptions=True)


async def _check(plan: Plan, standing: Standing) -> None:
    while True:
        if standing.note(await plan.check(), plan):
            plan.notify()
        await asyncio.sleep(plan.interval)
