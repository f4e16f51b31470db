"""The account of the catalog's tests, and alarms on made-up traffic, targets and tasks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alarms.evaluator import Alarms
from localaws.alarms.metrics import Metrics
from localaws.alarms.notifications import Notifications
from localaws.alb.parts import cluster_name
from localaws.alb.traffic import Answer, Traffic
from localaws.scaling.metrics import ServiceUsage
from localaws.scaling.minutes import Minutes
from tests.localaws.catalog.conftest import account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localaws.scaling.minutes import Minute
    from tests.localaws.catalog.conftest import Account

__all__ = ["account"]

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@dataclass
class Harness:
    """Alarms of an account, the minutes that they see, and a clock."""

    account: Account
    directory: Path
    now: float = 1_760_000_000
    seen: Traffic = field(default_factory=Traffic)
    reads: int = 0
    """How often the load balancers' counters were read."""

    healthy: tuple[int, int] = (2, 0)
    used: ServiceUsage = field(default_factory=lambda: ServiceUsage(0, (), (), {}))
    counts: Mapping[str, int] = field(default_factory=dict)
    """What ECS says of the service."""

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.account, self, self, self)
        self.notifications = Notifications(self.account, clock=lambda: self.now)
        self.alarms = Alarms(
            self.account,
            self.metrics,
            self.directory,
            self.notifications,
            clock=lambda: self.now,
        )
        self.minutes = Minutes({"alarms": self.alarms.tick}, clock=lambda: self.now)

    async def traffic(self) -> Traffic:
        self.reads += 1
        return Traffic(dict(self.seen.answers), {k: dict(v) for k, v in self.seen.times.items()})

    def count_targets(self, target_group: str) -> tuple[int, int]:
        return self.healthy

    async def usage(self, service: str, minute: Minute) -> ServiceUsage:
        return self.used

    def describe(self, service_arn: str) -> dict[str, Any]:
        return dict(self.counts)

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of the account's load balancer and target group."""
        return {
            "LoadBalancer": self.account.made["balancer"].outputs["arnSuffix"],
            "TargetGroup": self.account.made["target"].outputs["arnSuffix"],
        }

    def answer(self, code: int, count: int = 1, *, by_target: bool = True) -> None:
        """Have clients get answers: by the target, or by the load balancer without a target."""
        group = cluster_name(self.account.id("target")) if by_target else ""
        answer = Answer(self.dimensions["LoadBalancer"], group, code, by_target, by_target)
        counts = Counter(self.seen.answers)
        counts[answer] += count
        self.seen.answers = dict(counts)

    def take(self, *seconds: float) -> None:
        """Have the target need so long for answers."""
        key = self.dimensions["LoadBalancer"], cluster_name(self.account.id("target"))
        bins = self.seen.times.setdefault(key, {})
        for each in seconds:
            bins[each] = bins.get(each, 0) + 1

    async def pass_(self, minutes: int = 1) -> None:
        """Let minutes pass, each a second."""
        for _ in range(minutes):
            self.now += 1
            await self.minutes.tick(1)
        assert not self.minutes.problems

    async def alarm(self, name: str = "errors", **more: Any) -> None:
        """Make an alarm, and let the minute pass in which it is made.

        By default it is on answers 500 of the targets, above 0 in one minute.
        """
        inputs = {
            "name": name,
            "namespace": "AWS/ApplicationELB",
            "metricName": "HTTPCode_Target_5XX_Count",
            "dimensions": self.dimensions,
            "statistic": "Sum",
            "period": 60,
            "evaluationPeriods": 1,
            "threshold": 0,
            "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "notBreaching",
            **more,
        }
        present = {key: value for key, value in inputs.items() if value is not None}
        self.account.make(ALARM, f"alarm-{name}", **present)
        await self.pass_()


@pytest.fixture
def harness(account: Account, tmp_path: Path) -> Harness:
    """No alarm, no traffic, two healthy targets, no task."""
    return Harness(account, tmp_path)
