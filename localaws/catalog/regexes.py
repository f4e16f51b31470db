"""The regular expressions that listener rules may have.

Source: "Rule basics" in ELB's guide (elasticloadbalancing/latest/application/listener-rules.html),
which lists what they don't support: lookaheads, lookbehinds, backreferences, atomic groups,
possessive quantifiers, subroutines, recursion, and Unicode character classes. What is left is the
language of RE2, which Envoy speaks, and whose limits hold here too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      \\Q .*? (?: \\E | $ )
    | \\ (?P<escaped> . | $ )
    | (?P<set> \[ \^? \]? (?P<members> (?: \[:\^?\w+:\] | \\. | [^\]\\] )* ) (?P<set_end> \]? ) )
    | \( \? (?P<special> P?<[=!] | P?< | P?[=>&] | [imsU-]+ [:)] | . | $ )
    | (?P<group> \( )
    | (?P<group_end> \) )
    | (?: [*+?] | \{ (?P<least> \d+ ) (?: , (?P<most> \d* ) )? \} ) (?P<possessive> \+ )?
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
"""What RE2 knows after a backslash."""

_MOST_REPETITIONS = 1000
"""RE2's limit."""


class Expression(NamedTuple):
    """What a regular expression is made of."""

    fault: str
    """Why it isn't taken; empty if it is."""

    groups: int
    """Its capture groups."""


def read(regex: str) -> Expression:
    """Read a regular expression, without compiling it."""
    faults, groups, depth = [], 0, 0
    for token in _TOKEN.finditer(regex):
        found = token.groupdict()
        special = found["special"]
        if found["group"] or special in _NAMED:
            groups += 1
        if found["group"] or (special is not None and not special.endswith(")")):
            depth += 1
        if found["group_end"]:
            depth -= 1
        faults.append(_fault(found))
        if depth < 0:
            faults.append("a ) without its (")
            break
    if depth > 0:
        faults.append("a ( without its )")
    return Expression(next(filter(None, faults), ""), groups)


def _fault(token: dict[str, str | None]) -> str:
    """What is wrong with one token."""
    escaped, special = token["escaped"], token["special"]
    if escaped is not None:
        return _escape_fault(escaped)
    if special is not None and special not in _NAMED and not special.endswith((":", ")")):
        return _SPECIAL.get(special) or (
            f"a subroutine, (?{special}"
            if special.isdigit()
            else f"a group that starts with (?{special}"
        )
    if token["set"]:
        inside = (
            _escape_fault(each[1]) for each in re.findall(r"\\.", token["members"] or "", re.DOTALL)
        )
        return next(filter(None, inside), "") or ("" if token["set_end"] else "a [ without its ]")
    if token["possessive"]:
        return "a possessive quantifier, such as *+"
    if any(int(token[name] or 0) > _MOST_REPETITIONS for name in ("least", "most")):
        return f"more than {_MOST_REPETITIONS} repetitions"
    return ""


def _escape_fault(escaped: str) -> str:
    if not escaped:
        return "a \\ at its end"
    if escaped in "pP":
        return f"a Unicode character class, \\{escaped}"
    if escaped in "kg" or escaped in "123456789":
        return f"a backreference, \\{escaped}"
    known = not (escaped.isascii() and escaped.isalpha()) or escaped in _LETTERS
    return "" if known else f"an unknown escape, \\{escaped}"
