"""Outputs of resources that may not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def of_created(value: pulumi.Input[Any], function: Callable[[Any], _T]) -> pulumi.Output[_T]:
    """Apply a function to an output, or to several in a list, of resources that exist.

    In a run with --target, the outputs of a resource that is left out before it was created are
    None, and so is the result. Only resources that are left out as well can have it as an input.
    """

    def apply(found: Any) -> Any:
        missing = found is None or (isinstance(found, list) and None in found)
        return None if missing else function(found)

    # `from_input` would make plain dictionaries of the values' types.
    output = value if isinstance(value, pulumi.Output) else pulumi.Output.from_input(value)
    return output.apply(apply)
