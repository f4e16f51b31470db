"""Estimate the monthly cost of a stack from its settings. Pure.

The fixed part is what AWS bills by the hour or month for what the stack deploys, whether requests
come or not. The rest is billed by usage, which settings don't say, so that it is a list of prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws import endpoint_services
from infra.aws.managed_rules import MANAGED_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from infra.costs.prices import Price
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings

HOURS: Final = 730
"""Hours of a month, as AWS's calculator counts them: 8760 a year."""

CONNECTIONS_PER_LCU_HOUR: Final = 25 * 3600
"""New connections that one load balancer capacity unit includes in an hour. Source: Elastic Load
Balancing pricing, 25 a second.
"""

MIN_SPOT_SHARE: Final = 0.3
"""Lowest share of Fargate's price that its spare capacity costs; AWS changes the price with supply
and demand, and promises no discount. Source: AWS Fargate pricing, "up to 70 %".
"""

TOTAL: Final = "total"
TOTAL_AT_MOST: Final = "total at most"

_VCPU: Final = 1024
_GIB: Final = 1024

_ALARMS_OF_A_TARGET: Final = 2
"""Target tracking makes one alarm to scale out and one to scale in. Source: Application Auto
Scaling, target tracking scaling policies.
"""


@dataclass(frozen=True)
class Part:
    """A part of the fixed cost: a range where scaling or AWS changes it."""

    name: str
    min_count: int
    max_usd_each: float
    """USD a month for one, at the highest price."""

    added_by_scaling: int = 0
    min_price_share: float = 1
    """Lowest share of the highest price that AWS may bill; 1 for a price that is fixed."""

    @property
    def max_count(self) -> int:
        """How many there may be."""
        return self.min_count + self.added_by_scaling

    @property
    def min_usd_each(self) -> float:
        """USD a month for one, at the lowest price."""
        return self.max_usd_each * self.min_price_share

    @property
    def min_usd(self) -> float:
        """USD a month for the fewest at the lowest price.

        In whole cents, so that the parts add up to the total shown.
        """
        return round(self.min_count * self.min_usd_each, 2)

    @property
    def max_usd(self) -> float:
        """USD a month for the most at the highest price, in whole cents."""
        return round(self.max_count * self.max_usd_each, 2)


@dataclass(frozen=True)
class Usage:
    """A price of what is billed by usage."""

    name: str
    """What it is for, with its unit."""

    usd: float


@dataclass(frozen=True)
class Estimate:
    """What a stack costs a month by list prices."""

    parts: tuple[Part, ...]
    usage: tuple[Usage, ...]
    unpriced: tuple[str, ...]
    """What else AWS bills by the hour, at prices that the table doesn't have."""

    read_on: tuple[date, date]
    """When the oldest and the newest of the region's prices were read."""

    @property
    def min_usd(self) -> float:
        """USD a month of the fixed part, with the fewest tasks and instances at lowest prices."""
        return round(sum(part.min_usd for part in self.parts), 2)

    @property
    def max_usd(self) -> float:
        """USD a month of the fixed part, with the most tasks and instances at highest prices."""
        return round(sum(part.max_usd for part in self.parts), 2)

    def by_part(self) -> dict[str, float]:
        """Return the lowest USD a month by part and in all, and the highest if it differs."""
        amounts = {part.name: part.min_usd for part in self.parts}
        amounts[TOTAL] = self.min_usd
        if self.max_usd != self.min_usd:
            amounts[TOTAL_AT_MOST] = self.max_usd
        return amounts


def estimate(settings: Settings, prices: Mapping[str, Price]) -> Estimate:
    """Estimate the cost of a stack.

    Args:
        settings: The stack's settings.
        prices: Prices of its region by name.
    """
    instance_type = settings.instances.instance_type if settings.services_on_instances else ""
    usd: dict[str, float] = {}
    dates: list[date] = []
    for name, price in prices.items():
        # The prices of other types of instances don't count, and neither do their dates.
        if not name.startswith("ec2-") or name == _price_of(instance_type):
            usd[name] = price.usd
            dates.append(price.read_on)
    return Estimate(
        parts=tuple(part for part in _parts(settings, usd) if part.max_count),
        usage=tuple(_usage(settings, usd)),
        unpriced=tuple(_unpriced(settings, usd)),
        read_on=(min(dates), max(dates)),
    )


def _price_of(instance_type: str) -> str:
    return f"ec2-{instance_type}-hour"


def _unpriced(settings: Settings, usd: Mapping[str, float]) -> Iterator[str]:
    """Yield what a stack is billed for by the hour without a price in the table."""
    instances = settings.instances
    if settings.services_on_instances and _price_of(instances.instance_type) not in usd:
        yield (
            f"{instances.min_instances} to {instances.max_instances} instances of type "
            f"{instances.instance_type}, whose price in this region isn't known"
        )


def _parts(settings: Settings, usd: Mapping[str, float]) -> Iterator[Part]:
    """Yield the parts of the fixed cost, also those that the stack has none of."""
    tasks_on_fargate = added_tasks = 0
    for service in settings.services:
        if service.capacity.on_instances:
            continue  # its tasks cost nothing beside the instances
        count, added = _number_of_tasks(service)
        tasks_on_fargate += count
        added_tasks += added
        yield from _tasks(service, count, added, _usd_an_hour(service, usd) * HOURS)
    yield from _instances(settings, usd)
    yield Part("load balancer", 1, usd["alb-hour"] * HOURS)
    network, edge = settings.network, settings.edge
    nat_gateways = 0 if network.existing_vpc else network.nat_gateways
    addresses, added_addresses = nat_gateways, 0
    if not edge.internal:
        addresses += _balancer_subnets(settings)
    if not network.private_tasks:
        addresses += tasks_on_fargate
        added_addresses = added_tasks
    yield Part("public IPv4 addresses", addresses, usd["public-ipv4-hour"] * HOURS, added_addresses)
    yield Part("NAT gateways", nat_gateways, usd["nat-hour"] * HOURS)
    yield Part("VPC endpoints", _endpoint_interfaces(settings), usd["endpoint-hour"] * HOURS)
    if edge.waf:
        yield Part("web ACL", 1, usd["waf-acl-month"])
        yield Part("rules of the web ACL", len(MANAGED_RULES), usd["waf-rule-month"])
    yield Part("metrics of alarms", _metrics_of_alarms(settings), usd["alarm-metric-month"])
    if settings.notifications.dashboard:
        yield Part("dashboard", 1, usd["dashboard-month"])


def _number_of_tasks(service: ServiceSettings) -> tuple[int, int]:
    """Return the fewest tasks of a service, and how many scaling may add."""
    scaling = service.scaling
    if not scaling.on:
        return service.deployment.desired_count, 0
    return scaling.min_count, scaling.max_count - scaling.min_count


def _tasks(service: ServiceSettings, count: int, added: int, usd_each: float) -> Iterator[Part]:
    """Yield the tasks of a service on Fargate, and those on its spare capacity.

    Args:
        service: The service.
        count: Its fewest tasks.
        added: How many scaling may add.
        usd_each: USD a month for a task on Fargate.
    """
    name = f"tasks of {service.name}"
    if not service.capacity.spot:
        yield Part(name, count, usd_each, added)
        return
    # The first tasks run on Fargate itself, up to the base, and all others on Spot.
    base = service.capacity.on_demand_base
    on_demand = min(count, base)
    added_on_demand = min(count + added, base) - on_demand
    yield Part(name, on_demand, usd_each, added_on_demand)
    yield Part(
        f"{name} on Spot",
        count - on_demand,
        usd_each,
        added - added_on_demand,
        min_price_share=MIN_SPOT_SHARE,
    )


def _instances(settings: Settings, usd: Mapping[str, float]) -> Iterator[Part]:
    """Yield the EC2 instances that run tasks, and their volumes."""
    if not settings.services_on_instances:
        return
    instances = settings.instances
    count = instances.min_instances
    added = instances.max_instances - count
    price = usd.get(_price_of(instances.instance_type))
    if price is not None:
        yield Part("instances", count, price * HOURS, added)
    volume = instances.instance_volume_gib * usd["ebs-gp3-gb-month"]
    yield Part("volumes of instances", count, volume, added)


def _metrics_of_alarms(settings: Settings) -> int:
    """Return the number of metrics of all alarms together: AWS bills alarms by metric."""
    metrics = 0
    for service in settings.services:
        if service.scaling.on:
            metrics += _ALARMS_OF_A_TARGET * len(service.scaling.targets)
    if settings.services_on_instances:
        # ECS scales the instances by a target too.
        metrics += _ALARMS_OF_A_TARGET
    one_service = not settings.service_map.services
    for service in settings.services_with_alarms:
        # The alarm on errors: the requests and the errors of the tasks. Those of the load balancer
        # are the service's only if it has no other.
        metrics += 3 if one_service else 2
        if service.alarms.latency_limit:
            metrics += 1
        if service.min_tasks:
            metrics += 2  # healthy targets and running tasks
    if settings.services_with_alarms and not one_service:
        metrics += 2  # the errors of the load balancer that the services share, and its requests
    return metrics


def _usd_an_hour(service: ServiceSettings, usd: Mapping[str, float]) -> float:
    """Return USD an hour for a task."""
    arm = "arm-" if service.container.cpu_architecture == "ARM64" else ""
    cpu = service.container.cpu_units / _VCPU * usd[f"fargate-{arm}vcpu-hour"]
    return cpu + service.container.memory_mib / _GIB * usd[f"fargate-{arm}gb-hour"]


def _balancer_subnets(settings: Settings) -> int:
    """Return how many subnets the load balancer is in, each of which costs an address.

    Of subnets that are found by tags the number isn't known here; there are at least two.
    """
    if settings.network.existing_vpc:
        return len(settings.network.subnet_ids) or 2
    return settings.network.availability_zone_count


def _endpoint_interfaces(settings: Settings) -> int:
    """Return how many interfaces all VPC endpoints have together: one for each zone."""
    if not settings.network.endpoints:
        return 0
    services = endpoint_services.needed(
        secret_services=settings.secret_services,
        ecs_exec=settings.operation.ecs_exec,
        session_key=settings.keys.exec_key_arn is not None,
        instances=bool(settings.services_on_instances),
    )
    return len(services) * settings.network.availability_zone_count


def _usage(settings: Settings, usd: Mapping[str, float]) -> Iterator[Usage]:
    lcu_hours = 1_000_000 / CONNECTIONS_PER_LCU_HOUR
    yield Usage(
        "a million requests, each on a separate connection", lcu_hours * usd["alb-lcu-hour"]
    )
    if settings.edge.waf:
        yield Usage("a million requests through the web ACL", usd["waf-million-requests"])
    # A capacity unit includes 1 GB an hour. Source: Elastic Load Balancing pricing.
    yield Usage("a GB through the load balancer", usd["alb-lcu-hour"])
    yield Usage("a GB sent to the internet", usd["transfer-out-gb"])
    if settings.network.nat_gateways:
        yield Usage("a GB through a NAT gateway", usd["nat-gb"])
    if settings.network.endpoints:
        yield Usage("a GB through a VPC endpoint", usd["endpoint-gb"])
    yield Usage("a GB of logs", usd["logs-gb"])
    if settings.notifications.alarm_emails:
        yield Usage("a thousand notifications by e-mail", usd["sns-thousand-emails"])
