"""Measure metrics by the minute: the load balancers' traffic, targets' health, tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from localaws.alarms.model import Samples
from localaws.alb.parts import cluster_name
from localaws.alb.traffic import Traffic
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from localaws.alarms.model import Metric
    from localaws.alb.traffic import Answer
    from localaws.catalog.account import Account, Resource
    from localaws.scaling.metrics import ServiceUsage
    from localaws.scaling.minutes import Minute

ELB: Final = "AWS/ApplicationELB"
ECS: Final = "AWS/ECS"
INSIGHTS: Final = "ECS/ContainerInsights"

_LB, _GROUP = "LoadBalancer", "TargetGroup"
_ONE_LB = frozenset({_LB})
_LB_AND_GROUP = frozenset({_LB, _GROUP})
_SERVICE = frozenset({"ClusterName", "ServiceName"})

_BY_TARGETS: Final[Mapping[str, int]] = {
    "HTTPCode_Target_2XX_Count": 2,
    "HTTPCode_Target_3XX_Count": 3,
    "HTTPCode_Target_4XX_Count": 4,
    "HTTPCode_Target_5XX_Count": 5,
}
"""First digits of the codes that targets' answers have, by metric."""

_BY_LOAD_BALANCER: Final[Mapping[str, range]] = {
    "HTTPCode_ELB_3XX_Count": range(300, 400),
    "HTTPCode_ELB_4XX_Count": range(400, 500),
    "HTTPCode_ELB_5XX_Count": range(500, 600),
    "HTTPCode_ELB_500_Count": range(500, 501),
    "HTTPCode_ELB_502_Count": range(502, 503),
    "HTTPCode_ELB_503_Count": range(503, 504),
    "HTTPCode_ELB_504_Count": range(504, 505),
}
"""Codes that the load balancer's own answers have, by metric."""

_TIME, _REQUESTS = "TargetResponseTime", "RequestCount"
_HEALTH: Final = ("HealthyHostCount", "UnHealthyHostCount")
_USAGE: Final = ("CPUUtilization", "MemoryUtilization")
_TASKS: Final = ("RunningTaskCount", "DesiredTaskCount")


def _dimensions() -> Mapping[tuple[str, str], tuple[frozenset[str], ...]]:
    found: dict[tuple[str, str], tuple[frozenset[str], ...]] = {}
    for name in (*_BY_TARGETS, _TIME, _REQUESTS):
        found[ELB, name] = (_ONE_LB, _LB_AND_GROUP)
    for name in _BY_LOAD_BALANCER:
        found[ELB, name] = (_ONE_LB,)
    for name in _HEALTH:
        found[ELB, name] = (_LB_AND_GROUP,)
    for name in _USAGE:
        found[ECS, name] = (_SERVICE,)
    for name in _TASKS:
        found[INSIGHTS, name] = (_SERVICE,)
    return found


DIMENSIONS: Final = _dimensions()
"""The sets of dimensions of each metric that is measured here, by namespace and name.

Source: ELB's guide, "CloudWatch
metrics for your Application Load Balancer"; ECS's guide, "Amazon ECS service utilization metrics";
CloudWatch User Guide, "Amazon ECS Container Insights metrics".
"""


class LoadBalancers(Protocol):
    """The load balancers' counters and targets."""

    async def traffic(self) -> Traffic:
        """Return what was counted of the load balancers that alarms read."""

    def count_targets(self, target_group: str) -> tuple[int, int]:
        """Return how many targets of a group are healthy, and how many unhealthy."""


class Usage(Protocol):
    """The CPU and memory that tasks use, measured once for alarms and scaling alike."""

    async def usage(self, service: str, minute: Minute) -> ServiceUsage:
        """Return what a service's tasks used in a minute."""


class Services(Protocol):
    """The services as ECS describes them."""

    def describe(self, service_arn: str) -> dict[str, Any]:
        """Return a service as DescribeServices shows it; empty for one that isn't known."""


def why_not_measured(account: Account, metric: Metric) -> str:
    """Return why the local AWS has no data of a metric; empty if it measures it."""
    allowed = DIMENSIONS.get((metric.namespace, metric.name))
    if allowed is None:
        return f"the local AWS doesn't measure {metric.name} of {metric.namespace}"
    names = metric.by_name
    if names.keys() not in allowed:
        sets: list[str] = []
        for each in allowed:
            listed = ", ".join(sorted(each))
            sets.append(f"{{{listed}}}")
        got = ", ".join(sorted(names)) or "none"
        return f"{metric.name} has the dimensions {' or '.join(sets)}, not {got}"
    if metric.namespace == INSIGHTS and not _has_insights(account, names["ClusterName"]):
        return f"cluster {names['ClusterName']} has no Container Insights"
    return ""


@dataclass
class Metrics:
    """The last minutes of the metrics that alarms watch."""

    account: Account
    load_balancers: LoadBalancers
    tasks: Usage
    services: Services
    kept: dict[Metric, dict[int, Samples]] = field(default_factory=dict)
    """By metric and number of the minute; minutes without data are missing."""

    _before: Traffic = field(default_factory=Traffic)
    """What the load balancers had counted at the last measurement."""

    async def measure(self, wanted: Mapping[Metric, int], minute: Minute) -> None:
        """Measure metrics for the minute that has just passed.

        Args:
            wanted: The metrics, each with how many minutes of it are needed.
            minute: The minute.
        """
        traffic = Traffic()
        if any(metric.namespace == ELB for metric in wanted):
            now = await self.load_balancers.traffic()
            traffic = now.since(self._before)
            self._before = now
        for metric in self.kept.keys() - wanted.keys():
            del self.kept[metric]
        for metric, minutes in wanted.items():
            kept = self.kept.setdefault(metric, {})
            samples = await self._samples(metric, traffic, minute)
            if samples is not None:
                kept[minute.number] = samples
            forget_until(kept, minute.number - minutes)

    async def _samples(self, metric: Metric, traffic: Traffic, minute: Minute) -> Samples | None:
        if why_not_measured(self.account, metric):
            return None
        if metric.namespace != ELB:
            return await self._of_service(metric, minute)
        names = metric.by_name
        if _find(self.account, LOAD_BALANCER, names[_LB]) is None:
            return None
        group = None
        if _GROUP in names:
            group = _find(self.account, TARGET_GROUP, names[_GROUP])
            if group is None:
                return None
        if metric.name in _HEALTH:
            assert group is not None, "its dimensions were checked"
            return self._health(metric.name, group)
        return _of_traffic(metric.name, traffic, names[_LB], group.id if group else None)

    def _health(self, name: str, group: Resource) -> Samples | None:
        healthy, unhealthy = self.load_balancers.count_targets(group.id)
        if not healthy + unhealthy:
            return None
        return Samples.of(healthy if name == _HEALTH[0] else unhealthy)

    async def _of_service(self, metric: Metric, minute: Minute) -> Samples | None:
        names = metric.by_name
        service = self.account.find(SERVICE, f"{names['ClusterName']}/{names['ServiceName']}")
        if service is None:
            return None
        if metric.name in _TASKS:
            described = self.services.describe(service.id)
            if not described:
                return None
            count = "runningCount" if metric.name == _TASKS[0] else "desiredCount"
            return Samples.of(described[count])
        used = await self.tasks.usage(service.id, minute)
        values = used.cpu if metric.name == _USAGE[0] else used.memory
        return Samples.of(*values) if values else None


def forget_until(by_minute: dict[int, Any], last: int) -> None:
    """Delete what is kept of minutes up to *last*, a minute's number."""
    for number in list(by_minute):
        if number <= last:
            del by_minute[number]


def _of_traffic(
    name: str, traffic: Traffic, load_balancer: str, group: str | None
) -> Samples | None:
    """Return a metric's samples of a minute's traffic.

    All but RequestCount are reported only if there is a value that isn't zero. Source: the
    reporting criteria in ELB's guide.
    """
    cluster = None if group is None else cluster_name(group)
    if name == _TIME:
        return _times(traffic, load_balancer, cluster)
    if name == _REQUESTS:
        return _total(_count(traffic, load_balancer, cluster, lambda answer: answer.chosen))
    if name in _BY_TARGETS:
        digit = _BY_TARGETS[name]
        count = _count(
            traffic,
            load_balancer,
            cluster,
            lambda answer: answer.from_target and answer.code // 100 == digit,
        )
    else:
        codes = _BY_LOAD_BALANCER[name]
        count = _count(
            traffic,
            load_balancer,
            cluster,
            lambda answer: not answer.from_target and answer.code in codes,
        )
    return _total(count) if count else None


def _times(traffic: Traffic, load_balancer: str, cluster: str | None) -> Samples | None:
    found = Samples({})
    for (name, group), bins in traffic.times.items():
        if name == load_balancer and cluster in {None, group}:
            found += Samples(bins)
    return found if found.counts else None


def _count(
    traffic: Traffic,
    load_balancer: str,
    cluster: str | None,
    counts: Callable[[Answer], bool],
) -> int:
    found = 0
    for answer, count in traffic.answers.items():
        of_it = answer.load_balancer == load_balancer and cluster in {None, answer.group}
        if of_it and counts(answer):
            found += count
    return found


def _total(count: int) -> Samples:
    """Return the samples of so many requests: each is one of 1.

    Source: ELB's guide, "Statistics for Application Load Balancer metrics": the sum is what is
    useful of counts, as a sample is of one node.
    """
    return Samples({1.0: count}) if count else Samples.of(0.0)


def _find(account: Account, token: str, suffix: str) -> Resource | None:
    """Return the load balancer or target group with this name in CloudWatch, or None."""
    found = account.where(token, "arnSuffix", suffix)
    return found[0] if found else None


def _has_insights(account: Account, name: str) -> bool:
    cluster = account.find(CLUSTER, name)
    settings: Iterable[Mapping[str, Any]] = cluster.outputs.get("settings") or () if cluster else ()
    for each in settings:
        if each.get("name") == "containerInsights":
            return each.get("value") in {"enabled", "enhanced"}
    return False
