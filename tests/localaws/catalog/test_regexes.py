"""Regular expressions of listener rules; test_transforms.py runs the supported ones in Envoy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.catalog.regexes import read
from tests.localaws.catalog.regex_cases import GOOD


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
