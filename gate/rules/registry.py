"""The table of rules, which each topic's module fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from gate.graph import Graph, Node

Rule: TypeAlias = Callable[[Graph], Iterator[Node]]
"""Yields the resources that break it."""

RULES: Final[dict[str, Rule]] = {}
"""Every rule by its id, as docs/exceptions.yaml names it."""


def rule(function: Rule) -> Rule:
    """Add a rule to the table; its id is the function's name with hyphens."""
    RULES[function.__name__.replace("_", "-")] = function
    return function
