"""The form of the cases that `test_refusals.py` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Inputs: TypeAlias = "dict[str, Any]"

Case: TypeAlias = "tuple[str, str, str, Inputs, Inputs]"
"""A type, a rule, an error code, refused inputs and similar accepted inputs.

Both override the type's minimal inputs: None removes an input, and `$name` is the id of a resource
of the account.
"""


def cases(token: str, rule: str, code: str, *pairs: tuple[Inputs, Inputs]) -> Iterator[Case]:
    """Yield a case of one rule for each pair of refused and accepted inputs."""
    for refused, accepted in pairs:
        yield token, rule, code, refused, accepted
