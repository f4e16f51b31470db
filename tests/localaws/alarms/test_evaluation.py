"""The states that an alarm's points result in, and the words of the reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.alarms.evaluation import evaluate
from localaws.alarms.model import Alarm, Metric, Point, Query, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY = Query(id="", metric=Metric("AWS/ApplicationELB", "RequestCount"), statistic="Sum")
AT = 1_760_000_000.0  # 09/10/25 08:53:20


def alarm(
    periods: int = 3, to_alarm: int | None = None, missing: str = "missing", threshold: float = 0
) -> Alarm:
    """An alarm that breaches above its threshold."""
    return Alarm(
        name="errors",
        arn="arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors",
        queries=(QUERY,),
        watched="",
        comparison="GreaterThanThreshold",
        threshold=float(threshold),
        period=1,
        evaluation_periods=periods,
        datapoints_to_alarm=periods if to_alarm is None else to_alarm,
        is_m_out_of_n=to_alarm is not None,
        missing_data=missing,
        actions={},
    )


def points(drawn: str) -> list[Point | None]:
    """Read points as CloudWatch's guide draws them: 0 is fine, X breaches, - is missing."""
    values = {"0": 0.0, "X": 1.0}
    found: list[Point | None] = []
    for number, each in enumerate(drawn.split()):
        found.append(None if each == "-" else Point(values[each], AT + 60 * number))
    return found


def result(each: Alarm, drawn: Sequence[Point | None]) -> str:
    """Return the next state, or `retained`."""
    decision = evaluate(each, drawn)
    return "retained" if decision is None else decision.state


TABLES = [
    (3, "0 - X - X", "OK", "OK", "OK", "OK"),
    (3, "0 - - - -", "OK", "OK", "OK", "OK"),
    (3, "- - - - -", "INSUFFICIENT_DATA", "retained", "ALARM", "OK"),
    (3, "0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (3, "- - X - -", "ALARM", "retained", "ALARM", "OK"),
    (2, "0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "0 - X - -", "OK", "OK", "ALARM", "OK"),
    (2, "- - - - 0", "OK", "OK", "ALARM", "OK"),
    (2, "- - - X -", "ALARM", "retained", "ALARM", "OK"),
]
"""Both tables of CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": of
3 points, how many must breach, what is seen, and the state by the way to treat missing data.
"""


@pytest.mark.parametrize(("to_alarm", "drawn", "missing", "ignore", "breaching", "not_b"), TABLES)
def test_missing_data_has_the_effect_of_cloudwatchs_tables(  # noqa: PLR0917 — a row of the tables
    to_alarm: int, drawn: str, missing: str, ignore: str, breaching: str, not_b: str
) -> None:
    ways = ("missing", "ignore", "breaching", "notBreaching")
    for way, wanted in zip(ways, (missing, ignore, breaching, not_b), strict=True):
        assert result(alarm(3, to_alarm, way), points(drawn)) == wanted, way


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -"])
def test_a_breach_after_missing_data_is_no_alarm_before_it_is_old_enough(drawn: str) -> None:
    assert result(alarm(3), points(drawn)) == "retained"


REASONS = [
    (
        alarm(1),
        "X",
        "1 datapoint [1.0 (09/10/25 08:53:20)] was greater than the threshold (0.0).",
    ),
    (
        alarm(1),
        "0",
        "1 datapoint [0.0 (09/10/25 08:53:20)] was not greater than the threshold (0.0).",
    ),
    (
        alarm(1, 1),
        "X",
        (
            "1 out of the last 1 datapoints [1.0 (09/10/25 08:53:20)] was greater than the "
            "threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition)."
        ),
    ),
    (
        alarm(3, 2),
        "0 0 X",
        (
            "2 out of the last 3 datapoints [0.0 (09/10/25 08:54:20), 0.0 (09/10/25 08:53:20)] "
            "were not greater than the threshold (0.0) (minimum 2 datapoints for ALARM -> OK "
            "transition)."
        ),
    ),
    (
        alarm(1, None, "breaching"),
        "-",
        (
            "no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[Breaching]."
        ),
    ),
    (
        alarm(2, None, "notBreaching"),
        "- -",
        (
            "no datapoints were received for 2 periods and 2 missing datapoints were treated as "
            "[NonBreaching]."
        ),
    ),
]
"""The words of `StateReason` that AWS's customers have published."""


@pytest.mark.parametrize(("each", "drawn", "words"), REASONS)
def test_reasons_have_the_words_of_cloudwatch(each: Alarm, drawn: str, words: str) -> None:
    decision = evaluate(each, points(drawn))
    assert decision is not None
    assert decision.reason == f"Threshold Crossed: {words}"


def test_the_reason_without_any_data_counts_the_unknown_points() -> None:
    decision = evaluate(alarm(3), points("- - - - -"))
    assert decision is not None
    assert decision.reason == "Insufficient Data: 3 datapoints were unknown."


DRAWN = st.lists(st.sampled_from("0X-"), min_size=5, max_size=5).map(" ".join)
WAYS = st.sampled_from(["missing", "ignore", "breaching", "notBreaching"])


@given(DRAWN, WAYS, st.integers(1, 3))
def test_a_better_point_never_raises_an_alarm(drawn: str, way: str, to_alarm: int) -> None:
    each = alarm(3, to_alarm, way)
    if result(each, points(drawn)) != "ALARM":
        assert result(each, points(drawn.replace("X", "0", 1))) != "ALARM"


@given(DRAWN, st.integers(1, 3))
def test_treating_missing_data_as_breaching_alarms_at_least_as_often(
    drawn: str, to_alarm: int
) -> None:
    strict, lenient = alarm(3, to_alarm, "breaching"), alarm(3, to_alarm, "notBreaching")
    if result(lenient, points(drawn)) == "ALARM":
        assert result(strict, points(drawn)) == "ALARM"


@given(st.permutations("XX0"), st.integers(1, 3))
def test_the_order_of_points_does_not_matter_if_none_is_missing(
    drawn: list[str], to_alarm: int
) -> None:
    wanted = "ALARM" if to_alarm <= 2 else "OK"
    assert result(alarm(3, to_alarm), points(" ".join(drawn))) == wanted


@given(DRAWN.filter(lambda drawn: "-" not in drawn), st.integers(1, 3))
def test_without_missing_data_all_ways_to_treat_it_are_the_same(drawn: str, to_alarm: int) -> None:
    found = set()
    for way in ("missing", "ignore", "breaching", "notBreaching"):
        found.add(result(alarm(3, to_alarm, way), points(drawn)))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        ("GreaterThanThreshold", 1.0, False),
        ("GreaterThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 1.0, False),
        ("LessThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 0.5, True),
    ],
)
def test_each_comparison_decides_at_the_threshold(
    comparison: str, value: float, *, breaches: bool
) -> None:
    each = replace(alarm(1, threshold=1), comparison=comparison)
    assert result(each, [Point(value, AT)]) == ("ALARM" if breaches else "OK")


SAMPLES = Samples.of(1, 2, 2, 3) + Samples.of(4, 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sum", 112),
        ("Average", 112 / 6),
        ("Minimum", 1),
        ("Maximum", 100),
        ("SampleCount", 6),
        ("p50", 2),
        ("p90", 100),
        ("p0", 1),
        ("p100", 100),
    ],
)
def test_statistics_are_those_of_all_samples(name: str, value: float) -> None:
    assert SAMPLES.statistic(name) == pytest.approx(value)


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(0, 100))
def test_a_percentile_is_a_sample_that_enough_others_do_not_exceed(
    values: list[int], percent: int
) -> None:
    found = Samples.of(*values).statistic(f"p{percent}")
    assert found in values
    assert sum(each <= found for each in values) >= len(values) * percent / 100
