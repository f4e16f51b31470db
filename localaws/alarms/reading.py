"""Read alarms from the account's records. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from localaws.alarms.evaluation import COMPARISONS
from localaws.alarms.metrics import why_not_measured
from localaws.alarms.model import Alarm, Metric, Query, State
from localaws.catalog.cloudwatch import ALARM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.account import Account, Resource

_MINUTE: Final = 60
_ACTIONS: Final = {
    State.OK: "okActions",
    State.ALARM: "alarmActions",
    State.INSUFFICIENT_DATA: "insufficientDataActions",
}


def alarms_of(account: Account) -> list[Alarm]:
    """Return every metric alarm of the account."""
    return [_alarm(account, record) for record in account.all(ALARM)]


def _alarm(account: Account, record: Resource) -> Alarm:
    outputs = record.outputs
    queries = tuple(_queries(outputs))
    seconds = _periods(outputs)
    periods = int(outputs.get("evaluationPeriods") or 1)
    to_alarm = outputs.get("datapointsToAlarm")
    actions: dict[State, tuple[str, ...]] = {}
    if outputs.get("actionsEnabled") is not False:
        for state, name in _ACTIONS.items():
            actions[state] = tuple(outputs.get(name) or ())
    return Alarm(
        name=record.id,
        arn=str(outputs["arn"]),
        queries=queries,
        watched=_watched(outputs),
        comparison=str(outputs.get("comparisonOperator")),
        threshold=float(outputs.get("threshold") or 0),
        period=max(seconds, default=_MINUTE) // _MINUTE or 1,
        evaluation_periods=periods,
        datapoints_to_alarm=periods if to_alarm is None else int(to_alarm),
        is_m_out_of_n=to_alarm is not None,
        missing_data=str(outputs.get("treatMissingData") or "missing"),
        ignores_few_samples=outputs.get("evaluateLowSampleCountPercentiles") == "ignore",
        actions=actions,
        description=str(outputs.get("alarmDescription") or ""),
        # Two metrics may have the same obstacle; it is reported once.
        no_data_reason="; ".join(dict.fromkeys(_obstacles(account, outputs, queries, seconds))),
    )


def _queries(outputs: Mapping[str, Any]) -> Iterator[Query]:
    """Yield what an alarm watches; a single metric gets an id that no expression can have."""
    if outputs.get("metricName"):
        yield Query(
            id="",
            metric=_metric(outputs),
            statistic=str(outputs.get("extendedStatistic") or outputs.get("statistic")),
        )
    for each in outputs.get("metricQueries") or ():
        metric = each.get("metric")
        yield Query(
            id=str(each["id"]),
            metric=_metric(metric) if metric else None,
            statistic=str(metric["stat"]) if metric else "",
            expression=str(each.get("expression") or ""),
        )


def _metric(named: Mapping[str, Any]) -> Metric:
    dimensions = named.get("dimensions") or {}
    pairs = frozenset((name, str(value)) for name, value in dimensions.items())
    return Metric(str(named.get("namespace")), str(named["metricName"]), pairs)


def _watched(outputs: Mapping[str, Any]) -> str:
    """Return the id of the query with `returnData`; a single metric has none."""
    for each in outputs.get("metricQueries") or ():
        if each.get("returnData") is True:
            return str(each["id"])
    return ""


def _periods(outputs: Mapping[str, Any]) -> frozenset[int]:
    """Return the periods of all metrics and expressions that have one, in seconds."""
    found: list[Any] = [outputs.get("period")]
    for each in outputs.get("metricQueries") or ():
        found += [each.get("period"), (each.get("metric") or {}).get("period")]
    return frozenset(int(each) for each in found if each)


def _obstacles(
    account: Account,
    outputs: Mapping[str, Any],
    queries: tuple[Query, ...],
    seconds: frozenset[int],
) -> Iterator[str]:
    """Yield why the local AWS can't evaluate an alarm."""
    if outputs.get("evaluationCriteria"):
        yield "the local AWS answers no PromQL queries"
        return
    if outputs.get("comparisonOperator") not in COMPARISONS:
        yield f"the local AWS doesn't compare by {outputs.get('comparisonOperator')}"
    if any(each % _MINUTE for each in seconds):
        yield "the local AWS measures by the minute"
    if len(seconds) > 1:
        yield "its metrics have several periods"
    for query in queries:
        if query.metric is None:
            continue
        why_not = why_not_measured(account, query.metric)
        if why_not:
            yield why_not
        if not _is_computed(query.statistic):
            yield f"the local AWS doesn't compute the statistic {query.statistic}"


def _is_computed(statistic: str) -> bool:
    """Return whether `Samples.statistic` knows a statistic: a percentile is p0 to p100."""
    if statistic in {"Sum", "Average", "Minimum", "Maximum", "SampleCount"}:
        return True
    try:
        return statistic.startswith("p") and 0 <= float(statistic[1:]) <= 100  # noqa: PLR2004
    except ValueError:
        return False
