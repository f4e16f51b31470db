"""The regular expressions that listener rules can have.

Source: "Rule basics" in ELB's guide (elasticloadbalancing/latest/application/listener-rules.html),
which lists what they don't support: lookaheads, lookbehinds, backreferences, atomic groups,
possessive quantifiers, subroutines, recursion, and Unicode character classes. That leaves the
language of RE2, which Envoy uses; RE2's limits apply too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN = re.compile(
    r"""
      \\Q .*? (?: \\E | $ )
    | \\ (?P<escaped> . | $ )
    | (?P<set> \[ \^? \]? (?P<members> (?: \[:\^?\w+:\] | \\. | [^\]\\] )* ) (?P<set_end> \]? ) )
    | \( \? (?P<special> P?<[=!] | P?< | P?[=>&] | [imsU-]+ [:)] | . | $ )
    | (?P<group> \( )
    | (?P<group_end> \) )
    | (?: [*+?] | \{ (?P<min> \d+ ) (?: , (?P<max> \d* ) )? \} ) (?P<possessive> \+ )?
    | .
    """,
    re.DOTALL | re.VERBOSE,
)

_SPECIAL = {
    "=": "a lookahead, (?=",
    "!": "a lookahead, (?!",
    "<=": "a lookbehind, (?<=",
    "<!": "a lookbehind, (?<!",
    ">": "an atomic group, (?>",
    "P=": "a backreference, (?P=",
    "P>": "a subroutine, (?P>",
    "&": "a subroutine, (?&",
    "R": "recursion, (?R",
}
_NAMED = ("<", "P<")
_LETTERS = "ABCDEQSWabdfnrstvwxz"
"""The letters that RE2 knows after a backslash."""

_MOST_REPETITIONS = 1000
"""RE2's limit."""


class Expression(NamedTuple):
    """The properties of a regular expression."""

    fault: str
    """Why it isn't supported; empty if it is."""

    groups: int
    """The number of its capture groups."""


def read(regex: str) -> Expression:
    """Read a regular expression, without compiling it."""
    faults = []
    groups = 0
    depth = 0
    for match in _TOKEN.finditer(regex):
        token = match.groupdict()
        special = token["special"]
        if token["group"] or special in _NAMED:
            groups += 1
        # Flags such as (?i) have no group, and end with the parenthesis.
        opens_group = special is not None and not special.endswith(")")
        if token["group"] or opens_group:
            depth += 1
        if token["group_end"]:
            depth -= 1
        faults.append(_fault(token))
        if depth < 0:
            faults.append("a ) without its (")
            break
    if depth > 0:
        faults.append("a ( without its )")
    return Expression(_first(faults), groups)


def _first(faults: Iterable[str]) -> str:
    """Return the first fault that isn't empty, or an empty string."""
    return next(filter(None, faults), "")


def _fault(token: dict[str, str | None]) -> str:
    """Return why one token isn't supported, or an empty string."""
    escaped, special = token["escaped"], token["special"]
    if escaped is not None:
        return _escape_fault(escaped)
    if special is not None and special not in _NAMED and not special.endswith((":", ")")):
        return _special_fault(special)
    if token["set"]:
        escapes = re.findall(r"\\(.)", token["members"] or "", re.DOTALL)
        unclosed = "" if token["set_end"] else "a [ without its ]"
        return _first(map(_escape_fault, escapes)) or unclosed
    if token["possessive"]:
        return "a possessive quantifier, such as *+"
    if any(int(token[name] or 0) > _MOST_REPETITIONS for name in ("min", "max")):
        return f"more than {_MOST_REPETITIONS} repetitions"
    return ""


def _special_fault(special: str) -> str:
    if special in _SPECIAL:
        return _SPECIAL[special]
    if special.isdigit():
        return f"a subroutine, (?{special}"
    return f"a group that starts with (?{special}"


def _escape_fault(escaped: str) -> str:
    if not escaped:
        return "a \\ at its end"
    if escaped in "pP":
        return f"a Unicode character class, \\{escaped}"
    if escaped in "kg" or escaped in "123456789":
        return f"a backreference, \\{escaped}"
    known = not (escaped.isascii() and escaped.isalpha()) or escaped in _LETTERS
    return "" if known else f"an unknown escape, \\{escaped}"
