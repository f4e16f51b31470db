"""CloudWatch: alarms, which `localaws.alarms` evaluates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType
from localaws.catalog.values import (
    Allowed,
    Limit,
    exactly_one,
    given,
    length,
    number,
    one_of,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def _period(*short: int) -> Allowed:
    """Allow multiples of a minute, and some shorter periods."""

    def holds(value: object) -> bool:
        seconds = number(value)
        return seconds is not None and (seconds in short or (seconds > 0 and seconds % 60 == 0))

    return Allowed(f"{', '.join(map(str, short))} or a multiple of 60 seconds", holds)


_PERIOD = _period(10, 20, 30)
_QUERY_PERIOD = _period(1, 5, 10, 20, 30)
"""Only an alarm on metric queries can have the shortest periods. Source: the provider."""


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(
        inputs, ("metricName", "metricQueries", "evaluationCriteria"), "cloudwatch.alarm.metric"
    )
    if given(inputs, "statistic", "extendedStatistic") == ["statistic", "extendedStatistic"]:
        message = "statistic and extendedStatistic exclude each other"
        yield Refusal("InvalidArgument", message, "cloudwatch.alarm.statistic", "statistic")
    if given(inputs, "metricName"):
        if not given(inputs, "statistic", "extendedStatistic"):
            message = "metricName needs statistic or extendedStatistic"
            yield Refusal("InvalidArgument", message, "cloudwatch.alarm.statistic", "statistic")
        for name in ("namespace", "period", "comparisonOperator", "evaluationPeriods"):
            if not given(inputs, name):
                message = f"metricName needs {name}"
                yield Refusal("ValidationError", message, "cloudwatch.alarm.metric-needs", name)
        if not given(inputs, "threshold", "thresholdMetricId"):
            message = "metricName needs a threshold"
            yield Refusal("ValidationError", message, "cloudwatch.alarm.threshold", "threshold")
    points, periods = (
        number(inputs.get("datapointsToAlarm")),
        number(inputs.get("evaluationPeriods")),
    )
    if points is not None and periods is not None and points > periods:
        message = (
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods, got "
            f"{points:g} and {periods:g}"
        )
        yield Refusal(
            "ValidationError", message, "cloudwatch.alarm.datapoints", "datapointsToAlarm"
        )


def _computed(mint: Mint, inputs: Properties) -> Properties:
    return {"id": inputs.get("name"), "arn": mint.arn("cloudwatch", f"alarm:{inputs.get('name')}")}


TYPES = (
    ResourceType(
        token=ALARM,
        autoname=AutoName(),
        replaces=frozenset({"name", "region"}),
        unordered=frozenset(
            {"alarmActions", "insufficientDataActions", "okActions", "metricQueries"}
        ),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        limits=(
            Limit("name", length(1, 255), "cloudwatch.alarm.name"),
            Limit("period", _PERIOD, "cloudwatch.alarm.period"),
            Limit("metricQueries[].period", _QUERY_PERIOD, "cloudwatch.alarm.period"),
            Limit("metricQueries[].metric.period", _QUERY_PERIOD, "cloudwatch.alarm.period"),
            Limit("evaluationPeriods", within(1, 2**31 - 1), "cloudwatch.alarm.evaluation-periods"),
            Limit(
                "treatMissingData",
                one_of("missing", "ignore", "breaching", "notBreaching"),
                "cloudwatch.alarm.missing-data",
            ),
        ),
        rules=_rules,
        computed=_computed,
        import_ids=lambda alarm: (alarm.id,),
    ),
)
