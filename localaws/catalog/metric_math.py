"""The part of CloudWatch's metric math that the local AWS evaluates.

CloudWatch has many more functions. An expression with one of them is refused, so that no alarm is
silently without data.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

POINTWISE: Final = ("ABS", "CEIL", "FLOOR")
"""Functions of one series."""

OF_LISTS: Final = ("AVG", "MAX", "MIN", "SUM")
"""Functions of a list of series, such as `[m1, m2]`."""

FILL: Final = "FILL"
IF: Final = "IF"

_WORDS: Final = (
    "the local AWS evaluates numbers, ids, + - * /, comparisons, IF, FILL with a number, "
    f"{', '.join(POINTWISE)}, and {', '.join(OF_LISTS)} of a list of ids"
)
_ID: Final = re.compile(r"[a-z][A-Za-z0-9_]*")
"""Source: PutMetricAlarm, `Id` of MetricDataQuery."""

_OPERATORS: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class BadExpressionError(Exception):
    """An expression that can't be evaluated; the message says why."""


@lru_cache(maxsize=256)
def parse(text: str) -> ast.expr:
    """Return the tree of an expression that the local AWS can evaluate.

    Python's own parser reads it: what is allowed has the same form and precedence there.

    Raises:
        BadExpressionError: It has another form, or something in it can't be evaluated.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise BadExpressionError(f"{text!r} is no expression of that form: {_WORDS}") from None
    _check(tree)
    return tree


def ids(tree: ast.expr) -> Iterator[str]:
    """Yield the ids that an expression has, other than names of functions."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in functions:
            yield node.id


def _check(node: ast.expr) -> None:
    """Check an expression and all expressions inside it.

    Raises:
        BadExpressionError: The local AWS can't evaluate one of them.
    """
    for each in _inner(node):
        _check(each)


def _inner(node: ast.expr) -> Sequence[ast.expr]:
    """Return the expressions directly inside an expression, which aren't checked yet.

    Raises:
        BadExpressionError: The local AWS can't evaluate an expression of this form.
    """
    match node:
        case ast.Constant(value=bool()):
            pass  # True and False are numbers to Python, and the next case would match them.
        case ast.Constant(value=int() | float()):
            return ()
        case ast.Name(id=name) if _ID.fullmatch(name):
            return ()
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return (operand,)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            return (left, right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
            return (left, right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _arguments(name, arguments)
    raise _bad(node)


def _arguments(name: str, arguments: Sequence[ast.expr]) -> Sequence[ast.expr]:
    """Return the arguments of a function, for a list its elements."""
    match arguments:
        case [ast.List(elts=[_, *_] as elements)] if name in OF_LISTS:
            if all(isinstance(each, ast.Name) for each in elements):
                return elements
        case [_] if name in POINTWISE:
            return arguments
        case [_, _] | [_, _, _] if name == IF:
            return arguments
        case [_, number] if name == FILL and not any(ids(number)):
            return arguments
    raise _bad(ast.Call(ast.Name(name), list(arguments), []))


def _bad(node: ast.expr) -> BadExpressionError:
    return BadExpressionError(f"{ast.unparse(node)} can't be evaluated: {_WORDS}")
