"""Patterns of log lines that Fluent Bit refuses. Pure.

Fluent Bit compiles them with Onigmo in Ruby's syntax (`flb_regex.c`). Only what is an error there
beyond doubt counts, so that nothing is refused which would work.
"""

from __future__ import annotations

import re
from typing import Final

_UNCERTAIN: Final = (
    r"\$\{"  # Fluent Bit puts a variable there.
    r"|\(\?(#|[a-z-]*x)"  # A comment, or the mode that has some, may have any bracket.
    r"|\\(c|[CM]-)"  # A control character takes the next one with it.
    r"|\[:(?!\^?[a-z]+:\])"  # Perhaps the class of a POSIX bracket.
    r"|^/.*/[a-z]*x[a-z]*$"  # The mode with comments, set behind slashes.
)
_REPEATS: Final = "*+?"
_BRACKETS: Final = r"\[\^?\]?|[\]()]"
"""Brackets; a class that begins with a closing one has it as a character."""


def flaw(pattern: str) -> str | None:
    """Return why a pattern is surely no regular expression, None where it may be one."""
    if re.search(_UNCERTAIN, pattern):
        return None
    if pattern[0] in _REPEATS:
        return f"{pattern[0]} has nothing before it to repeat"
    unescaped = re.sub(r"\\.", "x", pattern)
    if "\\" in unescaped:
        return "a backslash is the last character"
    groups = classes = 0
    for bracket in re.findall(_BRACKETS, unescaped):
        if bracket.startswith("["):
            classes += 1
        elif bracket == "]":
            classes = max(classes - 1, 0)
        elif not classes:
            groups += 1 if bracket == "(" else -1
        if groups < 0:
            return "a ) closes no group"
    if classes:
        return "a [ isn't closed"
    return "a ( isn't closed" if groups else None
