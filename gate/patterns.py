"""Patterns with wildcards, as IAM reads them: `*` is any text and `?` any character. Pure."""

from __future__ import annotations

from functools import cache


@cache
def overlap(one: str, other: str) -> bool:
    """Return whether some text matches both patterns."""
    if not one or not other:
        # The rest of the other one must match an empty text.
        return not (one + other).strip("*")
    if one[0] == "*":
        # It matches nothing, or the first character that the other one matches.
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    same_character = one[0] == other[0] or "?" in (one[0], other[0])
    return same_character and overlap(one[1:], other[1:])
