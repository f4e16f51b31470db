"""Patterns of hosts and paths, compared with all short texts that they match."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.routes.patterns import common_example, covers, example, fixed_characters

_ALPHABET = "abx"
TEXTS: list[str] = []
for _length in range(6):
    TEXTS += map("".join, itertools.product(_ALPHABET, repeat=_length))
PATTERNS = st.text(alphabet="ab*?", max_size=5)


def matched(pattern: str) -> frozenset[str]:
    """Return the short texts that a pattern matches, by a regular expression."""
    regex = re.compile(pattern.replace("*", ".*").replace("?", "."))
    return frozenset(text for text in TEXTS if regex.fullmatch(text))


@given(PATTERNS, PATTERNS)
def test_a_pattern_covers_another_if_it_matches_all_of_its_texts(one: str, other: str) -> None:
    # `x` is in no pattern, so that a text which only `*` and `?` match is among those tried.
    assert covers(one, other) is (matched(other) <= matched(one))


@given(PATTERNS, PATTERNS)
def test_an_example_of_two_patterns_matches_both_and_is_a_shortest(one: str, other: str) -> None:
    both = matched(one) & matched(other)
    found = common_example(one, other)
    if found is None:
        assert not both
    elif len(found) < 6:
        assert found in both
        assert len(found) == min(map(len, both))


@given(PATTERNS)
def test_an_example_of_a_pattern_matches_it_and_has_its_fixed_characters(pattern: str) -> None:
    assert example(pattern) in matched(pattern)
    assert len(example(pattern)) == fixed_characters(pattern)


@given(PATTERNS, PATTERNS)
def test_a_covered_pattern_has_at_least_as_many_fixed_characters(one: str, other: str) -> None:
    # The order of rules relies on this.
    if covers(one, other):
        assert fixed_characters(other) >= fixed_characters(one)


@pytest.mark.parametrize(
    ("general", "special", "expected"),
    [
        ("/*", "/api/*", True),
        ("/api*", "/api/*", True),
        ("/api/*", "/api*", False),
        ("/api/*", "/api", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("?*", "*?", True),
    ],
)
def test_patterns_of_paths_and_hosts_cover_as_expected(
    general: str,
    special: str,
    *,
    expected: bool,
) -> None:
    assert covers(general, special) is expected


def test_long_patterns_are_compared_without_exponential_time() -> None:
    one, other = "*a" * 64, "a*" * 64
    assert common_example(one, other) is not None
    assert not covers(f"{one}b", other)
