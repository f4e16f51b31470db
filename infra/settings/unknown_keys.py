"""Refuse keys that don't exist, and suggest those that may be meant. Pure."""

from __future__ import annotations

import difflib
import re
import shlex
from typing import TYPE_CHECKING, Final

from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_LISTED: Final = 12
"""Of more keys, a message names the documentation."""

_MOST_SUGGESTED: Final = 3
_SHORTEST_PART: Final = 3
"""Letters of the shorter one of two names; fewer are part of too many names."""


def unknown_keys(path: str, keys: Iterable[str], known: Iterable[str]) -> Iterator[Problem]:
    """Refuse keys of a map that don't exist, with one that may be meant.

    Args:
        path: Path of the map, empty at the top.
        keys: The map's keys.
        known: The keys that exist.
    """
    existing = list(known)
    for name in sorted(set(keys) - set(existing)):
        similar = similar_keys(name, existing)
        outer = re.split(r"[.\[]", name, maxsplit=1)[0]
        if not path and outer != name and outer in existing:
            quoted = shlex.quote(name)
            allowed = (
                f"{outer}, which `pulumi config set --path {quoted} VALUE` changes; "
                f"`pulumi config rm {quoted}` removes this key"
            )
        elif similar:
            allowed = f"perhaps {' or '.join(similar)}"
        elif len(existing) > _MOST_LISTED:
            allowed = "one of the keys in docs/config.md"
        else:
            allowed = ", ".join(existing)
        yield Problem(f"{path}.{name}" if path else name, "an unknown key", allowed)


def similar_keys(name: str, existing: Iterable[str]) -> list[str]:
    """Return the keys that may be meant by a name, the likeliest first."""
    by_rank: dict[int, list[str]] = {}
    by_lowered: dict[str, str] = {}
    for each in existing:
        by_lowered[each.lower()] = each
        rank = _likeness(name.lower(), each.lower())
        if rank is not None:
            by_rank.setdefault(rank, []).append(each)
    if by_rank:
        # Of several keys, the shorter ones have less that the name lacks.
        return sorted(by_rank[min(by_rank)], key=len)[:_MOST_SUGGESTED]
    misspelt = difflib.get_close_matches(name.lower(), by_lowered, n=1)
    return [by_lowered[each] for each in misspelt]


def _likeness(name: str, existing: str) -> int | None:
    """Rank how one of two names contains the other, from 0; None if neither does."""
    short, long = sorted((name, existing), key=len)
    if short == long:
        return 0
    if len(short) < _SHORTEST_PART or short not in long:
        return None
    if long.startswith(short):
        return 1
    return 2 if long.endswith(short) else 3
