"""The dashboard of a stack: one row for each service, beneath the state of all alarms.

`body` is pure, and the tests compare it with CloudWatch's rules for the body of a dashboard.
Source: "Dashboard body structure and syntax", CloudWatch API Reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.alarms import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.alarms.metrics import Targets

_COLUMNS: Final = 24
_TITLE_HEIGHT, _ALARMS_HEIGHT, _CHART_HEIGHT = 1, 3, 6
_IN_A_ROW: Final = 3
_WIDTH: Final = _COLUMNS // _IN_A_ROW

_BLUE, _ORANGE, _RED = "#1f77b4", "#ff7f0e", "#d62728"


@dataclass(kw_only=True)
class ServiceOnDashboard:
    """A service on a dashboard."""

    name: str
    targets: Targets
    cluster_name: str
    ecs_service: str
    min_tasks: int
    """Number of tasks that always run."""

    max_latency_seconds: float | None = None
    """The limit of the alarm on latency."""

    tasks_in_insights: bool = False
    """Whether Container Insights counts running and wanted tasks."""


@dataclass
class _Rows:
    """Widgets, each below the ones before or beside them."""

    widgets: list[dict[str, Any]] = field(default_factory=list)
    y: int = 0

    def add(self, height: int, *widgets: tuple[str, Mapping[str, Any]]) -> None:
        """Add a row of widgets of the same width."""
        width = _COLUMNS // len(widgets)
        for column, (kind, properties) in enumerate(widgets):
            self.widgets.append(
                {
                    "type": kind,
                    "x": column * width,
                    "y": self.y,
                    "width": width,
                    "height": height,
                    "properties": dict(properties),
                }
            )
        self.y += height


def body(
    title: str, region: str, services: Sequence[ServiceOnDashboard], alarm_arns: Sequence[str]
) -> dict[str, Any]:
    """Return the body of a dashboard.

    Args:
        title: What the dashboard is about.
        region: Region of the metrics.
        services: The services, in the order of their rows.
        alarm_arns: Alarms whose states it shows; none leaves that widget out.
    """
    rows = _Rows()
    rows.add(_TITLE_HEIGHT, ("text", {"markdown": f"# {title}", "background": "transparent"}))
    if alarm_arns:
        rows.add(_ALARMS_HEIGHT, ("alarm", {"title": "Alarms", "alarms": list(alarm_arns)}))
    for service in services:
        rows.add(
            _TITLE_HEIGHT,
            ("text", {"markdown": f"## {service.name}", "background": "transparent"}),
        )
        rows.add(
            _CHART_HEIGHT,
            _chart("Requests a minute", region, _requests(service), stat="Sum"),
            _chart("Errors a minute", region, _errors(service), stat="Sum"),
            _chart(
                "Seconds to answer",
                region,
                _latency(service),
                limit=service.max_latency_seconds,
            ),
        )
        rows.add(
            _CHART_HEIGHT,
            _chart(
                "Healthy targets",
                region,
                [_metric(metrics.BALANCER, metrics.HEALTHY_HOSTS, service.targets.dimensions)],
                stat="Minimum",
            ),
            _chart("CPU and memory in percent", region, _usage(service), stat="Average", most=100),
            _chart(
                "Tasks", region, _tasks(service), stat="Average", limit=service.min_tasks or None
            ),
        )
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": rows.widgets}


def _metric(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Any]:
    found: list[Any] = [namespace, name]
    for dimension, value in dimensions.items():
        found += [dimension, value]
    return found


def _requests(service: ServiceOnDashboard) -> list[list[Any]]:
    metric = _metric(metrics.BALANCER, metrics.REQUESTS, service.targets.dimensions)
    return [[*metric, {"label": "requests", "color": _BLUE}]]


def _errors(service: ServiceOnDashboard) -> list[list[Any]]:
    """Return the errors of the tasks, and those of the load balancer, which all services share."""
    targets = service.targets
    own = _metric(metrics.BALANCER, metrics.TARGET_ERRORS, targets.dimensions)
    balancer = _metric(metrics.BALANCER, metrics.BALANCER_ERRORS, targets.balancer_dimensions)
    return [
        [*own, {"label": "5xx of the tasks", "color": _RED}],
        [*balancer, {"label": "5xx of the load balancer", "color": _ORANGE}],
    ]


def _latency(service: ServiceOnDashboard) -> list[list[Any]]:
    metric = _metric(metrics.BALANCER, metrics.LATENCY, service.targets.dimensions)
    return [
        [*metric, {"label": "p50", "stat": "p50", "color": _BLUE}],
        [*metric, {"label": "p95", "stat": "p95", "color": _RED}],
    ]


def _ecs_dimensions(service: ServiceOnDashboard) -> dict[str, str]:
    return {"ClusterName": service.cluster_name, "ServiceName": service.ecs_service}


def _usage(service: ServiceOnDashboard) -> list[list[Any]]:
    dimensions = _ecs_dimensions(service)
    return [
        [*_metric(metrics.ECS, metrics.CPU, dimensions), {"label": "CPU", "color": _BLUE}],
        [*_metric(metrics.ECS, metrics.MEMORY, dimensions), {"label": "memory", "color": _ORANGE}],
    ]


def _tasks(service: ServiceOnDashboard) -> list[list[Any]]:
    """Return the running tasks, each of which reports one sample of its CPU a minute."""
    dimensions = _ecs_dimensions(service)
    running = _metric(metrics.ECS, metrics.CPU, dimensions)
    found = [[*running, {"label": "running", "stat": "SampleCount", "color": _BLUE}]]
    if service.tasks_in_insights:
        wanted = _metric(metrics.INSIGHTS, "DesiredTaskCount", dimensions)
        found.append([*wanted, {"label": "wanted", "color": _ORANGE}])
    return found


def _chart(
    title: str,
    region: str,
    lines: Sequence[list[Any]],
    *,
    stat: str | None = None,
    limit: float | None = None,
    most: float | None = None,
) -> tuple[str, dict[str, Any]]:
    axis: dict[str, float] = {"min": 0}
    if most is not None:
        axis["max"] = most
    properties: dict[str, Any] = {
        "title": title,
        "region": region,
        "view": "timeSeries",
        "stacked": False,
        "period": metrics.MINUTE,
        "metrics": list(lines),
        "yAxis": {"left": axis},
    }
    if stat is not None:
        properties["stat"] = stat
    if limit is not None:
        line = {"label": "limit of the alarm", "value": limit, "color": _RED}
        properties["annotations"] = {"horizontal": [line]}
    return "metric", properties
