"""The dashboard: the charts in its body, and that CloudWatch accepts them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.alarms.dashboard import ServiceOnDashboard, body
from infra.alarms.metrics import Targets, failed_share
from localaws.catalog.dashboards import body_flaws
from tests.infra import recorder

REGION = "eu-west-1"
ALARM = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:prod-web-errors"


def service(name: str, **more: Any) -> ServiceOnDashboard:
    return ServiceOnDashboard(
        name=name,
        targets=Targets.of(f"app/alb/1/targetgroup/{name}/2"),
        cluster_name="main",
        ecs_service=f"prod-{name}",
        min_tasks=2,
        **more,
    )


def metrics_of(found: dict[str, Any], title: str) -> list[list[Any]]:
    """Return the metrics of the first chart with a title."""
    for widget in found["widgets"]:
        if widget["properties"].get("title") == title:
            metrics: list[list[Any]] = widget["properties"]["metrics"]
            return metrics
    raise KeyError(title)


@pytest.mark.parametrize("services", [["web"], ["api", "web"], [f"s{n}" for n in range(40)]])
@pytest.mark.parametrize("alarms", [[], [ALARM]])
def test_cloudwatch_accepts_the_body_and_no_widgets_overlap(
    services: list[str], alarms: list[str]
) -> None:
    found = body(
        "prod", REGION, [service(each, max_latency_seconds=0.5) for each in services], alarms
    )
    assert not list(body_flaws(found))
    cells: set[tuple[int, int]] = set()
    for widget in found["widgets"]:
        for x in range(widget["x"], widget["x"] + widget["width"]):
            for y in range(widget["y"], widget["y"] + widget["height"]):
                assert (x, y) not in cells
                cells.add((x, y))


def test_each_service_has_its_requests_errors_latency_targets_usage_and_tasks() -> None:
    found = body("prod", REGION, [service("web")], [ALARM])
    targets = ["LoadBalancer", "app/alb/1", "TargetGroup", "targetgroup/web/2"]
    ecs_service = ["ClusterName", "main", "ServiceName", "prod-web"]
    assert metrics_of(found, "Requests a minute")[0][:-1] == [
        "AWS/ApplicationELB",
        "RequestCount",
        *targets,
    ]
    own, balancer = metrics_of(found, "Errors a minute")
    assert own[:-1] == ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", *targets]
    assert balancer[:-1] == ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", *targets[:2]]
    assert [each[-1]["stat"] for each in metrics_of(found, "Seconds to answer")] == ["p50", "p95"]
    (hosts,) = metrics_of(found, "Healthy targets")
    assert hosts == ["AWS/ApplicationELB", "HealthyHostCount", *targets]
    usage = metrics_of(found, "CPU and memory in percent")
    assert [each[:-1] for each in usage] == [
        ["AWS/ECS", "CPUUtilization", *ecs_service],
        ["AWS/ECS", "MemoryUtilization", *ecs_service],
    ]
    (running,) = metrics_of(found, "Tasks")
    assert running[:2] == ["AWS/ECS", "CPUUtilization"]
    assert running[-1]["stat"] == "SampleCount"
    (alarms,) = [each["properties"] for each in found["widgets"] if each["type"] == "alarm"]
    assert alarms["alarms"] == [ALARM]


def test_with_container_insights_the_desired_count_is_shown_beside_the_running_tasks() -> None:
    found = body("prod", REGION, [service("web", tasks_in_insights=True)], [])
    assert [each[1] for each in metrics_of(found, "Tasks")] == [
        "CPUUtilization",
        "DesiredTaskCount",
    ]
    assert not list(body_flaws(found))


def test_limits_of_alarms_are_horizontal_lines() -> None:
    found = body("prod", REGION, [service("web", max_latency_seconds=0.5)], [])
    limits = {}
    for widget in found["widgets"]:
        for line in widget["properties"].get("annotations", {}).get("horizontal", []):
            limits[widget["properties"]["title"]] = line["value"]
    assert limits == {"Seconds to answer": 0.5, "Tasks": 2}


def test_a_stack_has_one_dashboard_for_all_its_services() -> None:
    recording = recorder.run(
        "dev", dashboard=True, services={"api": {"paths": ["/api/*"]}, "web": {"alarms": True}}
    )
    dashboard = recording.one("Dashboard").inputs
    assert dashboard["dashboardName"] == "ecs-cluster-dev-ap-northeast-1"
    found = json.loads(dashboard["dashboardBody"])
    texts = [each["properties"].get("markdown") for each in found["widgets"]]
    assert [text for text in texts if text] == ["# fargate-web, stack dev", "## api", "## web"]
    (alarms,) = [each["properties"] for each in found["widgets"] if each["type"] == "alarm"]
    names = [arn.rpartition(":")[2] for arn in alarms["alarms"]]
    assert names == [
        "dev-load-balancer-5xx",
        "dev-web-errors",
        "dev-web-healthy-hosts",
        "dev-web-running-tasks",
    ]


def test_a_dashboard_works_without_alarms() -> None:
    recording = recorder.run("dev", dashboard=True)
    found = json.loads(recording.one("Dashboard").inputs["dashboardBody"])
    assert not [each for each in found["widgets"] if each["type"] == "alarm"]
    assert not recording.all("MetricAlarm")


@pytest.mark.parametrize(
    ("refused", "expression"),
    [
        (None, "IF(FILL(r, 0) > 0, 100 * (FILL(f, 0)) / (FILL(r, 0)), 0)"),
        (
            "e",
            (
                "IF(FILL(r, 0) + FILL(e, 0) > 0, "
                "100 * (FILL(f, 0) + FILL(e, 0)) / (FILL(r, 0) + FILL(e, 0)), 0)"
            ),
        ),
    ],
)
def test_the_share_of_failed_requests_is_0_without_any(
    refused: str | None, expression: str
) -> None:
    assert failed_share(requests="r", failed=["f"], refused=refused) == expression
