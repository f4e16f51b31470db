"""What a run looks up in AWS before it registers anything: a subject in each module."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.errors import Problem


class Lookup(NamedTuple):
    """A check of one thing in AWS, by read-only calls."""

    subject: str
    """What it checks, as the beginning of a warning that it wasn't possible."""

    problems: Callable[[], Iterator[Problem]]
    """Make the calls, and yield the problems with the subject."""
