"""The names of each type's inputs, and which are required, as pulumi-aws's SDK defines them.

A test compares the table with the installed SDK. The statements of web ACLs are left out, because
they contain other statements at any depth.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from localaws.catalog.tables import table


class Block(NamedTuple):
    """The names of a type's inputs, or of the members of one of its inputs."""

    path: str
    """The input: `defaultActions[].redirect`; empty for the type's inputs themselves."""

    names: frozenset[str]
    required: tuple[str, ...]


@cache
def blocks_of(token: str) -> tuple[Block, ...]:
    """Return the blocks of a type, first the one with an empty path.

    Raises:
        KeyError: No type has this token.
    """
    found = []
    for path, names in table("inputs")[token].items():
        required = tuple(names.get("required", ()))
        all_names = frozenset((*required, *names.get("optional", ())))
        found.append(Block(path, all_names, required))
    return tuple(found)


def tokens() -> tuple[str, ...]:
    """Return the token of every type in the table."""
    return tuple(table("inputs"))
