"""CloudWatch: alarms, which `localaws.alarms` evaluates."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from localaws.catalog.metric_math import BadExpressionError, ids, parse
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType
from localaws.catalog.values import (
    Allowed,
    Limit,
    block,
    blocks,
    exactly_one,
    given,
    length,
    number,
    one_of,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def period(*short: int) -> Allowed:
    """Allow multiples of a minute, and some shorter periods."""

    def contains(value: object) -> bool:
        seconds = number(value)
        if seconds is None:
            return False
        return seconds in short or (seconds > 0 and seconds % 60 == 0)

    return Allowed(f"{', '.join(map(str, short))} or a multiple of 60 seconds", contains)


_QUERIES = "metricQueries"
_PERIOD = period(10, 20, 30)
_QUERY_PERIOD = period(1, 5, 10, 20, 30)
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
    if len(given(inputs, "threshold", "thresholdMetricId")) > 1:
        message = "threshold and thresholdMetricId exclude each other: remove one of them"
        yield Refusal("InvalidArgument", message, "cloudwatch.alarm.threshold", "threshold")
    yield from _evaluation_rules(inputs)
    queries = inputs.get(_QUERIES)
    yield from _query_rules(inputs)
    yield from _return_data_rules(queries)
    yield from _expression_rules(queries)


_HOUR, _DAY, _WEEK = 3600, 86_400, 604_800
"""The longest range that an alarm evaluates is a week, with periods below an hour a day.

Source: `Period` of PutMetricAlarm in CloudWatch's API reference.
"""


def _evaluation_rules(inputs: Properties) -> Refusals:
    points, periods = (
        number(inputs.get("datapointsToAlarm")),
        number(inputs.get("evaluationPeriods")),
    )
    if periods is None:
        return
    if points is not None and points > periods:
        message = (
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods, got "
            f"{points:g} and {periods:g}"
        )
        yield Refusal(
            "ValidationError", message, "cloudwatch.alarm.datapoints", "datapointsToAlarm"
        )
    seconds = [
        number(inputs.get("period")),
        *map(number, values_at(inputs, f"{_QUERIES}[].period")),
        *map(number, values_at(inputs, f"{_QUERIES}[].metric.period")),
    ]
    longest = max(filter(None, seconds), default=0.0)
    limit = _DAY if longest < _HOUR else _WEEK
    if periods * longest > limit:
        message = (
            f"EvaluationPeriods * Period must be at most {limit} seconds with a period of "
            f"{longest:g}, got {periods * longest:.0f}"
        )
        yield Refusal(
            "ValidationError", message, "cloudwatch.alarm.evaluation-range", "evaluationPeriods"
        )


_OF_A_METRIC = ("dimensions", "extendedStatistic", "namespace", "period", "statistic")
"""Inputs of an alarm on a metric, which queries have by themselves.

Source: the schema of metric_alarm.go in the Terraform provider, as for queries with two sources.
"""


def _query_rules(inputs: Properties) -> Refusals:
    """Refuse inputs that queries exclude, and a query of both a metric and an expression."""
    if not given(inputs, _QUERIES):
        return
    for name in given(inputs, *_OF_A_METRIC):
        message = f"{name} conflicts with {_QUERIES}: set it in a query's metric instead"
        yield Refusal("InvalidArgument", message, "cloudwatch.alarm.queries", name)
    for index, query in enumerate(blocks(inputs.get(_QUERIES))):
        if block(query.get("metric")) and text(query.get("expression")):
            message = f"{_QUERIES}[{index}] has both metric and expression: remove one of them"
            yield Refusal("InvalidArgument", message, "cloudwatch.alarm.queries", _QUERIES)


def _is_whole(queries: object) -> bool:
    """Return whether all of an alarm's queries are known, though not all that is in them."""
    return isinstance(queries, list) and UNKNOWN not in queries


def _return_data_rules(queries: object) -> Refusals:
    # A query that isn't known yet may be the one that returns data.
    returned = [query.get("returnData") for query in blocks(queries)]
    if not returned or not _is_whole(queries) or UNKNOWN in returned:
        return
    if returned.count(True) != 1:
        message = (
            "Exactly one element of the metrics list should return data, got "
            f"{returned.count(True)} with returnData"
        )
        yield Refusal("ValidationError", message, "cloudwatch.alarm.return-data", _QUERIES)


def _expression_rules(queries: object) -> Refusals:
    """Refuse expressions that can't be evaluated, or use an id that no query has, or themselves."""
    found = blocks(queries)
    all_ids = [query.get("id") for query in found]
    all_known = _is_whole(queries) and UNKNOWN not in all_ids
    uses: dict[str, list[str]] = {each: [] for each in texts(all_ids)}
    for index, query in enumerate(found):
        expression = query.get("expression")
        path = f"{_QUERIES}[{index}].expression"
        if not isinstance(expression, str) or not expression:
            continue
        try:
            used = list(ids(parse(expression)))
        except BadExpressionError as error:
            yield _bad_expression(path, str(error))
            continue
        unknown = sorted(set(used) - uses.keys())
        if unknown and all_known:
            yield _bad_expression(path, f"no query has the id {', '.join(unknown)}")
        uses[str(query.get("id"))] = [each for each in used if each in uses]
    circle = _circle(uses)
    if circle:
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
