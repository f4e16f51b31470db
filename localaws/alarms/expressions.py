"""Evaluate metric math at one point in time. Pure.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics": an operation with a
missing value has none, and neither has a division by zero; IF takes the value that its condition
chooses, whether the other is missing or not; FILL puts a number where a value is missing; SUM, AVG,
MIN and MAX of a list skip missing values.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING

from localaws.catalog.metric_math import FILL, IF, OF_LISTS, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.alarms.model import Query

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_POINTWISE: Mapping[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
}
_OF_LISTS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}


def value_of(
    query: Query, queries: Mapping[str, Query], measured: Mapping[str, float | None]
) -> float | None:
    """Return the value of a query at a point in time; None for a missing one.

    Args:
        query: A metric, or an expression without circles.
        queries: All queries of its alarm, by id.
        measured: The values of those that are metrics, by id.
    """
    if not query.expression:
        return measured.get(query.id)

    def value_by_id(id_: str) -> float | None:
        return value_of(queries[id_], queries, measured)

    return _value(parse(query.expression), value_by_id)


def _value(node: ast.expr, value_by_id: Callable[[str], float | None]) -> float | None:
    match node:
        case ast.Constant(value=value):
            assert isinstance(value, (int, float)), "others are refused"
            return float(value)
        case ast.Name(id=name):
            return value_by_id(name)
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, value_by_id)
            return -value if value is not None and isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return _apply(
                _OPERATORS[type(op)], _value(left, value_by_id), _value(right, value_by_id)
            )
        case ast.Compare(left=left, ops=[compare], comparators=[right]):
            found = _apply(
                _COMPARISONS[type(compare)], _value(left, value_by_id), _value(right, value_by_id)
            )
            return None if found is None else float(found)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _call(function, arguments, value_by_id)
    raise AssertionError(f"{ast.unparse(node)} was to be refused")


def _apply(
    function: Callable[[float, float], float], left: float | None, right: float | None
) -> float | None:
    if left is None or right is None:
        return None
    try:
        found = function(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _call(
    function: str, arguments: Sequence[ast.expr], value_by_id: Callable[[str], float | None]
) -> float | None:
    if function in OF_LISTS:
        (series,) = arguments
        assert isinstance(series, ast.List), "others are refused"
        values = list(_present(series.elts, value_by_id))
        return float(_OF_LISTS[function](values)) if values else None
    first = _value(arguments[0], value_by_id)
    if function == IF:
        if first is None:
            return None
        if first:
            return _value(arguments[1], value_by_id)
        return _value(arguments[2], value_by_id) if len(arguments) > 2 else None  # noqa: PLR2004 — the optional third
    if function == FILL:
        return _value(arguments[1], value_by_id) if first is None else first
    return None if first is None else float(_POINTWISE[function](first))


def _present(
    series: Sequence[ast.expr], value_by_id: Callable[[str], float | None]
) -> Iterator[float]:
    """Yield the values of a list's elements that have one."""
    for each in series:
        value = _value(each, value_by_id)
        if value is not None:
            yield value
