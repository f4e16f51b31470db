"""Patterns with the wildcards `*` and `?`: whether one covers another, and what both match. Pure.

`*` is any text, also an empty one, and `?` is one character. Patterns are compared as they are:
their caller converts those that match whatever the case to lower case.
"""

from __future__ import annotations

import re
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FILLER: Final = "x"
"""The character for `?` in an example."""

_WILDCARD: Final = re.compile(r"[*?]")

_OTHER: Final = "\0"
"""A character that no pattern has; it stands for all others."""


@cache
def covers(general: str, special: str) -> bool:
    """Return whether a pattern matches everything that another one matches.

    Both are walked through together: each state is a position in `special`, with all positions in
    `general` that the same text can have reached. ELB allows five wildcards in a rule, so there are
    few states.
    """
    # Most patterns begin or end differently, which is seen at once.
    for mine, theirs in zip(_ends(general), _ends(special), strict=True):
        if not theirs.startswith(mine):
            return False
    characters = {*general, *special, _OTHER} - {"*", "?"}
    first = (0, _past_stars(general, {0}))
    seen = {first}
    waiting = [first]
    while waiting:
        position, reached = waiting.pop()
        if position == len(special):
            if len(general) not in reached:
                return False
            continue
        own = special[position]
        following = [(position + 1, reached)] if own == "*" else []
        after = position if own == "*" else position + 1
        possible = characters if own in "*?" else own
        following += [(after, _after(general, reached, character)) for character in possible]
        for state in following:
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return True


@cache
def common_example(one: str, other: str) -> str | None:
    """Return a shortest text that two patterns match; None if there is none."""
    for mine, theirs in zip(_ends(one), _ends(other), strict=True):
        if not mine.startswith(theirs) and not theirs.startswith(mine):
            return None
    seen: set[tuple[int, int]] = set()
    waiting = deque([((0, 0), "")])
    while waiting:
        position, text = waiting.popleft()
        if position in seen:
            continue
        seen.add(position)
        if position == (len(one), len(other)):
            return text
        for following, character in _steps(one, other, *position):
            # Those that add no character come first, so that the text is a shortest one.
            if character:
                waiting.append((following, text + character))
            else:
                waiting.appendleft((following, text))
    return None


def example(pattern: str) -> str:
    """Return a text that a pattern matches."""
    return pattern.replace("*", "").replace("?", FILLER)


def fixed_characters(pattern: str) -> int:
    """Return the length of the shortest text that a pattern matches."""
    return len(pattern) - pattern.count("*")


def wildcards(pattern: str) -> int:
    """Return the number of wildcards, which ELB limits."""
    return pattern.count("*") + pattern.count("?")


def _ends(pattern: str) -> tuple[str, str]:
    """Return the text before a pattern's wildcards, and the one after them in reverse."""
    return _WILDCARD.split(pattern, maxsplit=1)[0], _WILDCARD.split(pattern[::-1], maxsplit=1)[0]


def _steps(one: str, other: str, first: int, second: int) -> list[tuple[tuple[int, int], str]]:
    """Return the positions after the given ones, each with the text that is matched in between."""
    steps = []
    mine = one[first] if first < len(one) else ""
    theirs = other[second] if second < len(other) else ""
    if mine == "*":
        steps.append(((first + 1, second), ""))
    if theirs == "*":
        steps.append(((first, second + 1), ""))
    if not mine or not theirs:
        return steps
    taken = _common_character(mine, theirs)
    if taken:
        after_first = first if mine == "*" else first + 1
        after_second = second if theirs == "*" else second + 1
        steps.append(((after_first, after_second), taken))
    return steps


def _common_character(mine: str, theirs: str) -> str:
    if mine in "*?":
        return FILLER if theirs in "*?" else theirs
    return mine if theirs in ("*", "?", mine) else ""


def _after(pattern: str, positions: Iterable[int], character: str) -> frozenset[int]:
    """Return the positions that a pattern can reach from given ones with one more character."""
    reached: set[int] = set()
    for position in positions:
        own = pattern[position : position + 1]
        if own == "*":
            reached.add(position)
        elif own and own in ("?", character):
            reached.add(position + 1)
    return _past_stars(pattern, reached)


def _past_stars(pattern: str, positions: Iterable[int]) -> frozenset[int]:
    """Return positions, and those behind a `*` at them, which may match nothing."""
    found = set(positions)
    for position in positions:
        following = position
        while pattern[following : following + 1] == "*":
            following += 1
            found.add(following)
    return frozenset(found)
