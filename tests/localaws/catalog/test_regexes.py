"""Regular expressions of listener rules; test_transforms.py runs the supported ones in Envoy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.catalog.regexes import read

GOOD = {
    "^/dp/([A-Za-z0-9]+)/?$": 1,
    "^mywebsite-(.+).com$": 1,
    r"(?i)^/(?:old|older)/(\d{1,3})(?P<rest>.*)(?<end>x)?": 3,
    r"\(\)\[\]\+\*\\": 0,
    r"[]()*+]+[^]\]][[:alpha:]_]": 0,
    r"a{2,3}?b{4}c{1000}": 0,
    r"\Q(?=x)\E(a)": 1,
    "(?s:.)(?-i)(?U)x*?": 0,
    r"\b\w+\W\s\S\d\D\x41\A": 0,
}
"""Supported expressions, and the number of capture groups of each."""


@pytest.mark.parametrize(("regex", "groups"), GOOD.items())
def test_a_supported_expression_has_no_fault_and_its_groups_are_counted(
    regex: str, groups: int
) -> None:
    assert read(regex) == ("", groups)


@pytest.mark.parametrize(
    ("regex", "fault"),
    [
        ("^/(?=a)", "a lookahead"),
        ("^(?!www)", "a lookahead"),
        ("(?<=a)b", "a lookbehind"),
        ("(?<!a)b", "a lookbehind"),
        (r"(a)\1", "a backreference"),
        (r"(?P<x>a)\k<x>", "a backreference"),
        ("(?P<x>a)(?P=x)", "a backreference"),
        ("(?>a)", "an atomic group"),
        ("a*+", "a possessive quantifier"),
        ("a++b", "a possessive quantifier"),
        ("a{2}+", "a possessive quantifier"),
        ("(a)(?1)", "a subroutine"),
        ("(?P<x>a)(?P>x)", "a subroutine"),
        ("(?P<x>a)(?&x)", "a subroutine"),
        ("(?R)", "recursion"),
        (r"\p{L}", "a Unicode character class"),
        (r"[a\P{L}]", "a Unicode character class"),
        ("(a)(?(1)b)", "a group that starts with (?("),
        ("(?#why)a", "a group that starts with (?#"),
        (r"a\Z", r"an unknown escape, \Z"),
        ("a{1001}", "more than 1000 repetitions"),
        ("a{1,1001}", "more than 1000 repetitions"),
        ("(a", "a ( without its )"),
        ("a)(", "a ) without its ("),
        ("[a", "a [ without its ]"),
        ("a\\", "a \\ at its end"),
    ],
)
def test_an_unsupported_expression_has_a_fault_that_names_the_reason(
    regex: str, fault: str
) -> None:
    assert fault in read(regex).fault


@given(st.text("()[]{}\\?*+^$|.<>=!:-,PQEpkx01a\n"))
def test_any_text_can_be_read(text: str) -> None:
    assert read(text).groups >= 0
