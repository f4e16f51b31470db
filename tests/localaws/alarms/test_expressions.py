"""Metric math: what it computes where values are missing, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.alarms.expressions import value_of
from localaws.alarms.model import Query
from localaws.catalog.metric_math import BadExpressionError, ids, parse

ERRORS = "IF(requests + e5 >= 10, 100 * (FILL(t5, 0) + FILL(e5, 0)) / requests, 0)"


def compute(expression: str, **measured: float | None) -> float | None:
    query = Query(id="result", expression=expression)
    queries = {name: Query(id=name) for name in measured}
    return value_of(query, queries, measured)


@pytest.mark.parametrize(
    ("expression", "measured", "value"),
    [
        ("1 + 2 * 3", {}, 7),
        ("-(a - 1) / 4", {"a": 3}, -0.5),
        ("a + b", {"a": 1, "b": None}, None),
        ("a / b", {"a": 1, "b": 0}, None),
        ("a > b", {"a": 2, "b": 1}, 1),
        ("a == b", {"a": 2, "b": 1}, 0),
        ("FILL(a, 0)", {"a": None}, 0),
        ("FILL(a, -1)", {"a": 5}, 5),
        ("IF(a, 1, b)", {"a": 1, "b": None}, 1),
        ("IF(a, b, 0)", {"a": 0, "b": None}, 0),
        ("IF(a, 1, 0)", {"a": None}, None),
        ("IF(a, 1)", {"a": 0}, None),
        ("SUM([a, b])", {"a": 1, "b": None}, 1),
        ("AVG([a, b])", {"a": 1, "b": 2}, 1.5),
        ("MAX([a, b])", {"a": None, "b": None}, None),
        ("ABS(MIN([a, b])) + CEIL(b) + FLOOR(b)", {"a": -2, "b": 0.5}, 3),
        (ERRORS, {"requests": 20, "e5": 0, "t5": None}, 0),
        (ERRORS, {"requests": 20, "e5": 0, "t5": 5}, 25),
        (ERRORS, {"requests": 4, "e5": 5, "t5": 4}, 0),
    ],
)
def test_an_expression_has_cloudwatchs_value(
    expression: str, measured: dict[str, float | None], value: float | None
) -> None:
    assert compute(expression, **measured) == value


def test_an_expression_may_use_another() -> None:
    queries = {
        "m": Query(id="m"),
        "twice": Query(id="twice", expression="2 * m"),
        "more": Query(id="more", expression="twice + 1"),
    }
    assert value_of(queries["more"], queries, {"m": 5}) == 11


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "a ** 2",
        "a ^ 2",
        "a % 2",
        "a and b",
        "a AND b",
        "1 < a < 3",
        "not a",
        "True",
        "'text'",
        "a.b",
        "a[0]",
        "[a, b]",
        "__import__('os')",
        "(lambda: 1)()",
        "FILL(a, REPEAT)",
        "FILL(a)",
        "SUM(a)",
        "SUM([])",
        "SUM([1])",
        "SUM(METRICS())",
        "ABS(a, b)",
        "IF(a)",
        "IF(a, b, c, d)",
        "IF(a, b, else_=c)",
        "SEARCH('{AWS/EC2}', 'Sum')",
        "ANOMALY_DETECTION_BAND(a)",
        "SELECT AVG(x) FROM y",
        "A + 1",
        "(" * 500 + "a" + ")" * 500,
    ],
)
def test_other_expressions_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadExpressionError, match="the local AWS evaluates numbers, ids"):
        parse(text)


def test_the_ids_of_an_expression_are_not_its_functions() -> None:
    assert set(ids(parse(ERRORS))) == {"requests", "e5", "t5"}


NUMBERS = st.integers(-5, 5).map(float) | st.none()
TEXTS = st.recursive(
    st.sampled_from(["a", "b", "1", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/<>"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, inner, inner).map("IF({0[0]}, {0[1]}, {0[2]})".format),
        inner.map("FILL({0}, 0)".format),
        inner.map("-{0}".format),
    ),
    max_leaves=8,
)


@given(TEXTS, NUMBERS, NUMBERS)
def test_every_accepted_expression_has_a_finite_value_or_none(
    text: str, a: float | None, b: float | None
) -> None:
    found = compute(text, a=a, b=b)
    assert found is None or math.isfinite(found)


@given(TEXTS, NUMBERS, NUMBERS)
def test_fill_never_leaves_a_value_missing(text: str, a: float | None, b: float | None) -> None:
    assert compute(f"FILL({text}, 7)", a=a, b=b) is not None
