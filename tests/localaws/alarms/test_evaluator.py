"""Alarms by the minute: what they measure, how their states change, and what survives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alarms.model import State
from localaws.scaling.metrics import ServiceUsage
from tests.localaws.alarms.conftest import ALARM, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.catalog.conftest import Account


async def test_an_alarm_goes_off_with_errors_and_back_without_and_says_why(stage: Stage) -> None:
    await stage.alarm()
    assert stage.alarms.state("errors") == "INSUFFICIENT_DATA"
    assert stage.alarms.reason("errors") == "Unchecked: Initial alarm creation"
    assert stage.alarms.state("other") == ""
    seen: list[str] = []
    stage.answer(200, 5)
    await stage.pass_()
    seen.append(stage.alarms.state("errors"))
    stage.answer(500, 3)
    await stage.pass_()
    seen.extend([stage.alarms.state("errors"), stage.alarms.reason("errors")])
    await stage.pass_(2)
    seen.append(stage.alarms.state("errors"))
    await stage.pass_()
    seen.append(stage.alarms.state("errors"))
    reason = (
        "Threshold Crossed: 1 datapoint [3.0 (09/10/25 08:53:22)] was greater than the threshold "
        "(0.0)."
    )
    # CloudWatch looks at two more points than it needs, while some are missing.
    assert seen == ["OK", "ALARM", reason, "ALARM", "OK"]


async def test_the_minute_in_which_an_alarm_is_made_does_not_decide_its_state(stage: Stage) -> None:
    stage.used = ServiceUsage(0, (), (30, 40), {})
    await stage.alarm(
        namespace="AWS/ECS",
        metricName="CPUUtilization",
        statistic="SampleCount",
        dimensions={"ClusterName": "main", "ServiceName": "web"},
        comparisonOperator="LessThanThreshold",
        threshold=2,
        evaluationPeriods=2,
        treatMissingData="breaching",
    )
    assert stage.alarms.state("errors") == "INSUFFICIENT_DATA", "CPU is measured from then on"
    stage.used = ServiceUsage(0, (20, 80), (30, 40), {})
    await stage.pass_()
    assert stage.alarms.state("errors") == "OK"


async def test_a_state_that_is_set_acts_and_holds_until_the_next_evaluation(stage: Stage) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    await stage.alarm(alarmActions=[topic])
    await stage.pass_()
    stage.alarms.set_state("errors", State.ALARM)
    assert stage.alarms.state("errors") == "ALARM"
    assert [each["topic"] for each in stage.notifications.status()] == [topic]
    again = Stage(stage.account, stage.directory)
    again.alarms.start()
    assert again.alarms.state("errors") == "ALARM"
    await stage.pass_()
    assert stage.alarms.state("errors") == "OK"
    stage.alarms.set_state("other", State.OK)
    assert stage.alarms.state("other") == ""


async def test_without_alarms_nothing_is_measured(stage: Stage) -> None:
    await stage.pass_(3)
    assert stage.reads == 0


async def test_a_longer_period_adds_its_minutes_and_slides_by_one(stage: Stage) -> None:
    await stage.alarm(period=180, threshold=5)
    states: list[str] = []
    for errors in (2, 2, 2, 0, 0):
        stage.answer(500, errors)
        await stage.pass_()
        states.append(stage.alarms.state("errors"))
    assert states == ["OK", "OK", "ALARM", "OK", "OK"]


async def test_a_state_survives_a_restart_and_what_was_before_it_is_not_missing(
    stage: Stage, account: Account, tmp_path: Path
) -> None:
    await stage.alarm(
        metricName="HealthyHostCount",
        statistic="Minimum",
        comparisonOperator="LessThanThreshold",
        threshold=1,
        evaluationPeriods=3,
        treatMissingData="breaching",
    )
    await stage.pass_(4)
    assert stage.alarms.state("errors") == "OK"
    since = stage.alarms.status()[0]["since"]
    again = Stage(account, tmp_path, healthy=(0, 0), now=stage.now)
    again.alarms.start()
    assert again.alarms.state("errors") == "OK"
    await again.pass_(2)
    assert again.alarms.state("errors") == "OK", "the tasks are still starting"
    assert again.alarms.status()[0]["since"] == since
    await again.pass_()
    assert again.alarms.state("errors") == "ALARM"


async def test_an_alarm_that_is_deleted_is_forgotten_and_its_namesake_begins_anew(
    stage: Stage, account: Account
) -> None:
    await stage.alarm()
    await stage.pass_()
    account.delete(ALARM, "errors")
    assert stage.alarms.state("errors") == ""
    await stage.pass_()
    await stage.alarm()
    assert stage.alarms.state("errors") == "INSUFFICIENT_DATA"


async def test_an_update_of_an_alarm_keeps_its_state(stage: Stage, account: Account) -> None:
    await stage.alarm()
    stage.answer(500)
    await stage.pass_()
    inputs = account.made["alarm-errors"].inputs
    account.update(ALARM, "errors", {**inputs, "threshold": 100})
    assert stage.alarms.state("errors") == "ALARM"
    await stage.pass_()
    assert stage.alarms.state("errors") == "OK"


VALUES: list[tuple[str, str, str, float | None]] = [
    ("RequestCount", "LB", "Sum", 9),
    ("RequestCount", "LB+TG", "Sum", 9),
    ("HTTPCode_Target_2XX_Count", "LB", "Sum", 4),
    ("HTTPCode_Target_3XX_Count", "LB", "Sum", None),
    ("HTTPCode_Target_4XX_Count", "LB", "Sum", 3),
    ("HTTPCode_Target_5XX_Count", "LB+TG", "Sum", 2),
    ("HTTPCode_ELB_4XX_Count", "LB", "Sum", 1),
    ("HTTPCode_ELB_5XX_Count", "LB", "Sum", 6),
    ("HTTPCode_ELB_502_Count", "LB", "Sum", None),
    ("HTTPCode_ELB_503_Count", "LB", "Sum", 6),
    ("HTTPCode_ELB_504_Count", "LB", "Sum", None),
    ("TargetResponseTime", "LB+TG", "p50", 0.2),
    ("TargetResponseTime", "LB", "Average", 0.4),
    ("HealthyHostCount", "LB+TG", "Minimum", 2),
    ("UnHealthyHostCount", "LB+TG", "Maximum", 1),
]


@pytest.mark.parametrize(("metric", "dimensions", "statistic", "value"), VALUES)
async def test_metrics_of_load_balancers_count_what_happened(
    stage: Stage, metric: str, dimensions: str, statistic: str, value: float | None
) -> None:
    named = stage.dimensions
    if dimensions == "LB":
        del named["TargetGroup"]
    percentile = statistic.startswith("p")
    await stage.alarm(
        metricName=metric,
        dimensions=named,
        statistic=None if percentile else statistic,
        extendedStatistic=statistic if percentile else None,
    )
    for code, count in ((200, 4), (404, 3), (500, 2)):
        stage.answer(code, count)
    stage.answer(503, 6, by_target=False)
    stage.answer(460, 1, by_target=False)
    stage.take(0.1, 0.2, 0.9)
    stage.healthy = (2, 1)
    await stage.pass_()
    assert stage.alarms.status()[0]["last"] == value


async def test_requests_are_reported_without_any_too(stage: Stage) -> None:
    await stage.alarm(metricName="RequestCount")
    await stage.pass_()
    assert stage.alarms.status()[0]["last"] == 0


async def test_a_group_without_targets_has_no_data_of_their_health(stage: Stage) -> None:
    stage.healthy = (0, 0)
    await stage.alarm(metricName="HealthyHostCount", statistic="Minimum")
    await stage.pass_()
    assert stage.alarms.status()[0]["last"] is None


async def test_a_percentile_of_few_samples_sets_off_an_alarm_and_ends_it(stage: Stage) -> None:
    await stage.alarm(
        metricName="TargetResponseTime",
        statistic=None,
        extendedStatistic="p95",
        threshold=0.5,
        evaluateLowSampleCountPercentiles="evaluate",
    )
    states: list[str] = []
    for slowest in (0.6, 0.4):
        stage.take(0.1, 0.1, slowest)
        await stage.pass_()
        states.append(stage.alarms.state("errors"))
    assert states == ["ALARM", "OK"]


async def test_a_percentile_of_too_few_samples_changes_nothing_where_that_is_configured(
    stage: Stage,
) -> None:
    slow = {"metricName": "TargetResponseTime", "statistic": None, "extendedStatistic": "p90"}
    await stage.alarm("one", **slow)
    await stage.alarm("two", **slow, evaluateLowSampleCountPercentiles="ignore")
    states: list[tuple[str, str]] = []
    for count in (99, 1, 100):
        stage.take(*[1.0] * count)
        await stage.pass_()
        states.append((stage.alarms.state("one"), stage.alarms.state("two")))
    assert states == [
        ("ALARM", "INSUFFICIENT_DATA"),
        ("ALARM", "INSUFFICIENT_DATA"),
        ("ALARM", "ALARM"),
    ]


async def test_each_change_of_state_is_published_to_the_topics_of_that_state(stage: Stage) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    await stage.alarm("two", alarmActions=[topic], actionsEnabled=False)
    await stage.alarm("one", alarmActions=[topic], okActions=[topic])
    stage.answer(500)
    await stage.pass_(4)
    messages = stage.notifications.status()
    assert [each["subject"] for each in messages] == [
        'OK: "one" in eu-west-1',
        'ALARM: "one" in eu-west-1',
    ]
    assert {each["topic"] for each in messages} == {topic}
    assert "1 datapoint [1.0 " in messages[1]["text"]


OF_THE_SERVICE = {"ClusterName": "main", "ServiceName": "web"}


@pytest.mark.parametrize(
    ("metric", "statistic", "value"),
    [
        ("CPUUtilization", "Average", 50),
        ("CPUUtilization", "Maximum", 80),
        ("MemoryUtilization", "Minimum", 30),
    ],
)
async def test_metrics_of_a_service_are_those_of_its_tasks(
    stage: Stage, metric: str, statistic: str, value: float
) -> None:
    stage.used = ServiceUsage(1, (20, 80), (30, 40), {})
    await stage.alarm(
        namespace="AWS/ECS", metricName=metric, statistic=statistic, dimensions=OF_THE_SERVICE
    )
    await stage.pass_()
    assert stage.alarms.status()[0]["last"] == value


async def test_tasks_are_counted_only_with_container_insights(
    stage: Stage, account: Account
) -> None:
    stage.counts = {"runningCount": 1, "desiredCount": 2}
    for name in ("RunningTaskCount", "DesiredTaskCount"):
        await stage.alarm(
            name,
            namespace="ECS/ContainerInsights",
            metricName=name,
            statistic="Average",
            dimensions=OF_THE_SERVICE,
        )
    await stage.pass_()
    for each in stage.alarms.status():
        assert each["last"] is None
        assert each["withoutData"] == "cluster main has no Container Insights"
    cluster = account.made["cluster"]
    insights = [{"name": "containerInsights", "value": "enabled"}]
    account.update(cluster.token, cluster.id, {**cluster.inputs, "settings": insights})
    await stage.pass_()
    assert [each["last"] for each in stage.alarms.status()] == [1, 2]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"namespace": "AWS/SQS", "metricName": "Age"}, "doesn't measure Age of AWS/SQS"),
        (
            {"metricName": "HTTPCode_ELB_5XX_Count"},
            r"HTTPCode_ELB_5XX_Count has the dimensions \{LoadBalancer\}, not",
        ),
        ({"period": 30}, "measures by the minute"),
        ({"statistic": None, "extendedStatistic": "tm90"}, "the statistic tm90"),
    ],
)
async def test_an_alarm_without_local_data_says_so_and_is_treated_as_its_missing_data_says(
    stage: Stage, more: dict[str, Any], words: str
) -> None:
    await stage.alarm("one", treatMissingData="missing", **more)
    await stage.alarm("two", treatMissingData="breaching", **more)
    await stage.pass_()
    one, two = stage.alarms.status()
    assert (one["state"], two["state"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert re.search(words, one["withoutData"])


async def test_an_alarm_on_a_share_of_errors_needs_some_requests(stage: Stage) -> None:
    def query(name: str, metric: str, **dimensions: str) -> dict[str, Any]:
        named = {
            "namespace": "AWS/ApplicationELB",
            "metricName": metric,
            "dimensions": dimensions,
            "period": 60,
            "stat": "Sum",
        }
        return {"id": name, "metric": named}

    share = {
        "id": "share",
        "expression": "IF(requests >= 10, 100 * FILL(errors, 0) / requests, 0)",
        "returnData": True,
    }
    no_metric: dict[str, Any] = dict.fromkeys(
        ("namespace", "metricName", "dimensions", "statistic", "period")
    )
    await stage.alarm(
        **no_metric,
        metricQueries=[
            query("errors", "HTTPCode_Target_5XX_Count", **stage.dimensions),
            query("requests", "RequestCount", **stage.dimensions),
            share,
        ],
        threshold=1,
    )
    seen: list[tuple[str, float | None]] = []
    for fine, errors in ((100, 0), (3, 6), (90, 10), (100, 0)):
        stage.answer(200, fine)
        stage.answer(500, errors)
        await stage.pass_()
        (status,) = stage.alarms.status()
        seen.append((status["state"], status["last"]))
    assert seen == [("OK", 0), ("OK", 0), ("ALARM", 10), ("OK", 0)]
