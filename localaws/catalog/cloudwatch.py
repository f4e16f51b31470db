"""CloudWatch: alarms, which `localaws.alarms` evaluates."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from localaws.catalog.metric_math import BadExpressionError, ids, parse
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType
from localaws.catalog.values import (
    Allowed,
    Limit,
    blocks,
    exactly_one,
    given,
    length,
    number,
    one_of,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


_QUERIES = "metricQueries"
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
    yield from _query_rules(inputs)
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


def _query_rules(inputs: Properties) -> Refusals:
    queries = blocks(inputs.get(_QUERIES))
    # A query that isn't known yet may be the one that is missing.
    given_queries = inputs.get(_QUERIES)
    is_whole = isinstance(given_queries, list) and UNKNOWN not in given_queries
    returned = [each.get("returnData") for each in queries]
    count = returned.count(True)
    if queries and is_whole and UNKNOWN not in returned and count != 1:
        message = (
            f"Exactly one element of the metrics list should return data, got {count} with "
            "returnData"
        )
        yield Refusal("ValidationError", message, "cloudwatch.alarm.return-data", _QUERIES)
    all_known = is_whole and UNKNOWN not in [query.get("id") for query in queries]
    uses: dict[str, list[str]] = {}
    for query in queries:
        name = query.get("id")
        if isinstance(name, str):
            uses[name] = []
    for index, query in enumerate(queries):
        text, path = query.get("expression"), f"{_QUERIES}[{index}].expression"
        if not isinstance(text, str) or not text:
            continue
        try:
            names = list(ids(parse(text)))
        except BadExpressionError as error:
            yield _bad_expression(path, str(error))
            continue
        unknown = sorted(set(names) - uses.keys())
        if unknown and all_known:
            yield _bad_expression(path, f"no query has the id {', '.join(unknown)}")
        uses[str(query.get("id"))] = [each for each in names if each in uses]
    if circle := _circle(uses):
        yield _bad_expression(_QUERIES, f"an expression uses itself: {' -> '.join(circle)}")


def _bad_expression(path: str, why: str) -> Refusal:
    return Refusal("ValidationError", f"{path}: {why}", "cloudwatch.alarm.expression", _QUERIES)


def _circle(uses: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the ids of a circle of expressions, or nothing."""
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        return list(map(str, error.args[1]))
    return []


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
