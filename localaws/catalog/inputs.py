"""The inputs that each type has and must be given, as pulumi-aws's SDK defines them.

A test holds the table equal to the installed SDK. The statements of web ACLs are left out: they
hold others without end.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from localaws.catalog.tables import table


class Block(NamedTuple):
    """The names of a type's inputs, or of what is inside one of them."""

    path: str
    """Where it is: `defaultActions[].redirect`; empty for the type's own inputs."""

    names: frozenset[str]
    required: tuple[str, ...]


@cache
def blocks_of(token: str) -> tuple[Block, ...]:
    """Return the blocks of a type, the type's own inputs first.

    Raises:
        KeyError: No type has this token.
    """
    found = []
    for path, names in table("inputs")[token].items():
        required = tuple(names.get("required", ()))
        every = frozenset((*required, *names.get("optional", ())))
        found.append(Block(path, every, required))
    return tuple(found)


def tokens() -> tuple[str, ...]:
    """Return the token of every type in the table."""
    return tuple(table("inputs"))
