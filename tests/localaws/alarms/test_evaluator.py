"""Alarms by the minute: what they measure, how their states change, and what survives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alarms.model import State
from localaws.scaling.metrics import ServiceUsage
from tests.localaws.alarms.conftest import ALARM, Harness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.catalog.conftest import Account


async def test_an_alarm_goes_off_with_errors_and_back_without_and_has_a_reason(
    harness: Harness,
) -> None:
    await harness.alarm()
    assert harness.alarms.state("errors") == "INSUFFICIENT_DATA"
    assert harness.alarms.reason("errors") == "Unchecked: Initial alarm creation"
    assert harness.alarms.state("other") == ""
    seen: list[str] = []
    harness.answer(200, 5)
    await harness.pass_()
    seen.append(harness.alarms.state("errors"))
    harness.answer(500, 3)
    await harness.pass_()
    seen.extend([harness.alarms.state("errors"), harness.alarms.reason("errors")])
    await harness.pass_(2)
    seen.append(harness.alarms.state("errors"))
    await harness.pass_()
    seen.append(harness.alarms.state("errors"))
    reason = (
        "Threshold Crossed: 1 datapoint [3.0 (09/10/25 08:53:22)] was greater than the threshold "
        "(0.0)."
    )
    # CloudWatch looks at two more points than it needs, while some are missing.
    assert seen == ["OK", "ALARM", reason, "ALARM", "OK"]


async def test_the_minute_in_which_an_alarm_is_made_does_not_decide_its_state(
    harness: Harness,
) -> None:
    harness.used = ServiceUsage(0, (), (30, 40), {})
    await harness.alarm(
        namespace="AWS/ECS",
        metricName="CPUUtilization",
        statistic="SampleCount",
        dimensions={"ClusterName": "main", "ServiceName": "web"},
        comparisonOperator="LessThanThreshold",
        threshold=2,
        evaluationPeriods=2,
        treatMissingData="breaching",
    )
    assert harness.alarms.state("errors") == "INSUFFICIENT_DATA", "CPU is measured from then on"
    harness.used = ServiceUsage(0, (20, 80), (30, 40), {})
    await harness.pass_()
    assert harness.alarms.state("errors") == "OK"


async def test_a_state_that_is_set_acts_and_holds_until_the_next_evaluation(
    harness: Harness,
) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    await harness.alarm(alarmActions=[topic])
    await harness.pass_()
    harness.alarms.set_state("errors", State.ALARM)
    assert harness.alarms.state("errors") == "ALARM"
    assert [each["topic"] for each in harness.notifications.status()] == [topic]
    again = Harness(harness.account, harness.directory)
    again.alarms.start()
    assert again.alarms.state("errors") == "ALARM"
    await harness.pass_()
    assert harness.alarms.state("errors") == "OK"
    harness.alarms.set_state("other", State.OK)
    assert harness.alarms.state("other") == ""


async def test_without_alarms_nothing_is_measured(harness: Harness) -> None:
    await harness.pass_(3)
    assert harness.reads == 0


async def test_a_longer_period_adds_its_minutes_and_slides_by_one(harness: Harness) -> None:
    await harness.alarm(period=180, threshold=5)
    states: list[str] = []
    for errors in (2, 2, 2, 0, 0):
        harness.answer(500, errors)
        await harness.pass_()
        states.append(harness.alarms.state("errors"))
    assert states == ["OK", "OK", "ALARM", "OK", "OK"]


async def test_a_state_survives_a_restart_and_what_was_before_it_is_not_missing(
    harness: Harness, account: Account, tmp_path: Path
) -> None:
    await harness.alarm(
        metricName="HealthyHostCount",
        statistic="Minimum",
        comparisonOperator="LessThanThreshold",
        threshold=1,
        evaluationPeriods=3,
        treatMissingData="breaching",
    )
    await harness.pass_(4)
    assert harness.alarms.state("errors") == "OK"
    since = harness.alarms.status()[0]["since"]
    again = Harness(account, tmp_path, healthy=(0, 0), now=harness.now)
    again.alarms.start()
    assert again.alarms.state("errors") == "OK"
    await again.pass_(2)
    assert again.alarms.state("errors") == "OK", "the tasks are still starting"
    assert again.alarms.status()[0]["since"] == since
    await again.pass_()
    assert again.alarms.state("errors") == "ALARM"


async def test_an_alarm_that_is_deleted_is_forgotten_and_its_namesake_begins_anew(
    harness: Harness, account: Account
) -> None:
    await harness.alarm()
    await harness.pass_()
    account.delete(ALARM, "errors")
    assert harness.alarms.state("errors") == ""
    await harness.pass_()
    await harness.alarm()
    assert harness.alarms.state("errors") == "INSUFFICIENT_DATA"


async def test_an_update_of_an_alarm_keeps_its_state(harness: Harness, account: Account) -> None:
    await harness.alarm()
    harness.answer(500)
    await harness.pass_()
    inputs = account.made["alarm-errors"].inputs
    account.update(ALARM, "errors", {**inputs, "threshold": 100})
    assert harness.alarms.state("errors") == "ALARM"
    await harness.pass_()
    assert harness.alarms.state("errors") == "OK"


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
    harness: Harness, metric: str, dimensions: str, statistic: str, value: float | None
) -> None:
    named = harness.dimensions
    if dimensions == "LB":
        del named["TargetGroup"]
    percentile = statistic.startswith("p")
    await harness.alarm(
        metricName=metric,
        dimensions=named,
        statistic=None if percentile else statistic,
        extendedStatistic=statistic if percentile else None,
    )
    for code, count in ((200, 4), (404, 3), (500, 2)):
        harness.answer(code, count)
    harness.answer(503, 6, by_target=False)
    harness.answer(460, 1, by_target=False)
    harness.take(0.1, 0.2, 0.9)
    harness.healthy = (2, 1)
    await harness.pass_()
    assert harness.alarms.status()[0]["last"] == value


async def test_requests_are_reported_without_any_too(harness: Harness) -> None:
    await harness.alarm(metricName="RequestCount")
    await harness.pass_()
    assert harness.alarms.status()[0]["last"] == 0


async def test_a_group_without_targets_has_no_data_of_their_health(harness: Harness) -> None:
    harness.healthy = (0, 0)
    await harness.alarm(metricName="HealthyHostCount", statistic="Minimum")
    await harness.pass_()
    assert harness.alarms.status()[0]["last"] is None


async def test_a_percentile_of_few_samples_sets_off_an_alarm_and_ends_it(harness: Harness) -> None:
    await harness.alarm(
        metricName="TargetResponseTime",
        statistic=None,
        extendedStatistic="p95",
        threshold=0.5,
        evaluateLowSampleCountPercentiles="evaluate",
    )
    states: list[str] = []
    for slowest in (0.6, 0.4):
        harness.take(0.1, 0.1, slowest)
        await harness.pass_()
        states.append(harness.alarms.state("errors"))
    assert states == ["ALARM", "OK"]


async def test_a_percentile_of_too_few_samples_changes_nothing_where_that_is_configured(
    harness: Harness,
) -> None:
    slow = {"metricName": "TargetResponseTime", "statistic": None, "extendedStatistic": "p90"}
    await harness.alarm("one", **slow)
    await harness.alarm("two", **slow, evaluateLowSampleCountPercentiles="ignore")
    states: list[tuple[str, str]] = []
    for count in (99, 1, 100):
        harness.take(*[1.0] * count)
        await harness.pass_()
        states.append((harness.alarms.state("one"), harness.alarms.state("two")))
    assert states == [
        ("ALARM", "INSUFFICIENT_DATA"),
        ("ALARM", "INSUFFICIENT_DATA"),
        ("ALARM", "ALARM"),
    ]


async def test_each_change_of_state_is_published_to_the_topics_of_that_state(
    harness: Harness,
) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    await harness.alarm("two", alarmActions=[topic], actionsEnabled=False)
    await harness.alarm("one", alarmActions=[topic], okActions=[topic])
    harness.answer(500)
    await harness.pass_(4)
    messages = harness.notifications.status()
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
    harness: Harness, metric: str, statistic: str, value: float
) -> None:
    harness.used = ServiceUsage(1, (20, 80), (30, 40), {})
    await harness.alarm(
        namespace="AWS/ECS", metricName=metric, statistic=statistic, dimensions=OF_THE_SERVICE
    )
    await harness.pass_()
    assert harness.alarms.status()[0]["last"] == value


async def test_tasks_are_counted_only_with_container_insights(
    harness: Harness, account: Account
) -> None:
    harness.counts = {"runningCount": 1, "desiredCount": 2}
    for name in ("RunningTaskCount", "DesiredTaskCount"):
        await harness.alarm(
            name,
            namespace="ECS/ContainerInsights",
            metricName=name,
            statistic="Average",
            dimensions=OF_THE_SERVICE,
        )
    await harness.pass_()
    for each in harness.alarms.status():
        assert each["last"] is None
        assert each["withoutData"] == "cluster main has no Container Insights"
    cluster = account.made["cluster"]
    insights = [{"name": "containerInsights", "value": "enabled"}]
    account.update(cluster.token, cluster.id, {**cluster.inputs, "settings": insights})
    await harness.pass_()
    assert [each["last"] for each in harness.alarms.status()] == [1, 2]


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
async def test_an_alarm_without_local_data_is_reported_and_treats_it_as_missing(
    harness: Harness, more: dict[str, Any], words: str
) -> None:
    await harness.alarm("one", treatMissingData="missing", **more)
    await harness.alarm("two", treatMissingData="breaching", **more)
    await harness.pass_()
    one, two = harness.alarms.status()
    assert (one["state"], two["state"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert re.search(words, one["withoutData"])


async def test_an_alarm_on_a_share_of_errors_needs_some_requests(harness: Harness) -> None:
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
    await harness.alarm(
        **no_metric,
        metricQueries=[
            query("errors", "HTTPCode_Target_5XX_Count", **harness.dimensions),
            query("requests", "RequestCount", **harness.dimensions),
            share,
        ],
        threshold=1,
    )
    seen: list[tuple[str, float | None]] = []
    for fine, errors in ((100, 0), (3, 6), (90, 10), (100, 0)):
        harness.answer(200, fine)
        harness.answer(500, errors)
        await harness.pass_()
        (status,) = harness.alarms.status()
        seen.append((status["state"], status["last"]))
    assert seen == [("OK", 0), ("OK", 0), ("ALARM", 10), ("OK", 0)]
