"""The effects of one type's inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Effects:
    """The effects of one type's inputs, each of which is in exactly one of three tables, by path.

    In `without_effect` and `unmentioned`, a path covers everything inside it. The inputs inside an
    effective one are each in a table themselves.
    """

    effective: tuple[str, ...]
    """The inputs that the data plane uses, perhaps only with containers in VPCs."""

    without_effect: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """The inputs that change something on AWS, but nothing here, each with the values that mean the
    same as leaving it out. A run that sets another value prints a warning, because a test that
    passes with it hasn't tested it.
    """

    unmentioned: Mapping[str, str] = field(default_factory=dict)
    """The inputs that have no effect here either, and why a warning is unnecessary."""


def inside(block: str, names: str) -> tuple[str, ...]:
    """Return the paths of a block's members, whose names are separated by spaces."""
    return tuple(f"{block}.{name}" for name in names.split())
