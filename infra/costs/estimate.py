"""Estimate the monthly cost of a stack from its settings. Pure.

The fixed part is what AWS bills by the hour or month for what the stack deploys, whether requests
come or not. The rest is billed by usage, which settings don't say, so that it is a list of prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.edge.waf import MANAGED_RULES
from infra.network import endpoints

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

_VCPU: Final = 1024
_GIB: Final = 1024


@dataclass(frozen=True)
class Part:
    """A part of the fixed cost."""

    name: str
    count: int
    """How many there are at least."""

    usd_each: float
    """USD a month for one."""

    added: int = 0
    """How many scaling may add."""

    @property
    def usd(self) -> float:
        """USD a month for the least, in whole cents, so that parts add up to the total shown."""
        return round(self.count * self.usd_each, 2)

    @property
    def most_usd(self) -> float:
        """USD a month for the most."""
        return round((self.count + self.added) * self.usd_each, 2)


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
    """What else the stack is billed for by the hour, at prices that the table doesn't have."""

    read_on: tuple[date, date]
    """When the oldest and the newest of the region's prices were read."""

    @property
    def usd(self) -> float:
        """USD a month of the fixed part, with the fewest tasks."""
        return round(sum(part.usd for part in self.parts), 2)

    @property
    def most_usd(self) -> float:
        """USD a month of the fixed part, with the most tasks."""
        return round(sum(part.most_usd for part in self.parts), 2)

    def by_part(self) -> dict[str, float]:
        """Return USD a month by part, and the total; with scaling also that of the most tasks."""
        amounts = {part.name: part.usd for part in self.parts}
        amounts["total"] = self.usd
        if self.most_usd != self.usd:
            amounts["total at most"] = self.most_usd
        return amounts


def estimate(settings: Settings, prices: Mapping[str, Price]) -> Estimate:
    """Estimate the cost of a stack.

    Args:
        settings: The stack's settings.
        prices: Prices of its region by name.
    """
    usd = {name: price.usd for name, price in prices.items()}
    dates = [price.read_on for price in prices.values()]
    return Estimate(
        parts=tuple(part for part in _parts(settings, usd) if part.count),
        usage=tuple(_usage(settings, usd)),
        unpriced=tuple(unpriced(settings)),
        read_on=(min(dates), max(dates)),
    )


def unpriced(settings: Settings) -> Iterator[str]:
    """Yield what a stack is billed for by the hour without a price in the table."""
    if settings.services_on_instances:
        instances = settings.instances
        yield (
            f"{instances.min_instances} to {instances.max_instances} instances of type "
            f"{instances.instance_type}, each with a volume of {instances.instance_volume_gib} GiB"
        )
    for service in settings.services:
        if service.capacity.spot:
            yield f"the discount of Spot for tasks of {service.name}, which changes all the time"


def _parts(settings: Settings, usd: Mapping[str, float]) -> Iterator[Part]:
    tasks = added_tasks = 0
    for service in settings.services:
        if service.capacity.on_instances:
            continue
        count, added = service.deployment.desired_count, 0
        if service.scaling.on:
            count = service.scaling.min_count
            added = service.scaling.max_count - count
        tasks, added_tasks = tasks + count, added_tasks + added
        yield Part(f"tasks of {service.name}", count, _task(service, usd) * HOURS, added)
    yield Part("load balancer", 1, usd["alb-hour"] * HOURS)
    network, edge = settings.network, settings.edge
    nat_gateways = 0 if network.existing_vpc else network.nat_gateways
    addresses = nat_gateways
    if not edge.internal:
        addresses += _balancer_subnets(settings)
    if not network.private_tasks:
        addresses += tasks
    else:
        added_tasks = 0
    yield Part("public IPv4 addresses", addresses, usd["public-ipv4-hour"] * HOURS, added_tasks)
    yield Part("NAT gateways", nat_gateways, usd["nat-hour"] * HOURS)
    yield Part("VPC endpoints", _endpoint_interfaces(settings), usd["endpoint-hour"] * HOURS)
    if edge.waf:
        yield Part("web ACL", 1, usd["waf-acl-month"])
        yield Part("rules of the web ACL", len(MANAGED_RULES), usd["waf-rule-month"])


def _task(service: ServiceSettings, usd: Mapping[str, float]) -> float:
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
    services = endpoints.needed(
        secret_services=settings.secret_services,
        ecs_exec=settings.operation.ecs_exec,
        session_key=settings.keys.exec_key_arn is not None,
        instances=bool(settings.services_on_instances),
    )
    return len(services) * settings.network.availability_zone_count


def _usage(settings: Settings, usd: Mapping[str, float]) -> Iterator[Usage]:
    lcu_hours = 1_000_000 / CONNECTIONS_PER_LCU_HOUR
    yield Usage(
        "a million requests, each on a connection of its own", lcu_hours * usd["alb-lcu-hour"]
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
