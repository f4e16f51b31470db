"""Patterns of log lines that Fluent Bit refuses, and those that it takes."""

from __future__ import annotations

import pytest

from infra.settings.service.log_patterns import flaw


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("GET (", "a ( isn't closed"),
        ("(a))", "a ) closes no group"),
        ("[a-z", "a [ isn't closed"),
        ("[]", "a [ isn't closed"),
        ("[^]", "a [ isn't closed"),
        ("[a[b]", "a [ isn't closed"),
        ("[[:alpha:]", "a [ isn't closed"),
        (r"[a\]", "a [ isn't closed"),
        (r"(\)", "a ( isn't closed"),
        ("a\\", "a backslash is the last character"),
        ("*.html", "* has nothing before it to repeat"),
    ],
)
def test_a_pattern_that_is_no_regular_expression_has_a_flaw(pattern: str, why: str) -> None:
    assert flaw(pattern) == why


@pytest.mark.parametrize(
    "pattern",
    [
        "^GET /health",
        r"\(\[\*",
        "(?<n>a|b)(?:c)+",
        "[)(]",
        "[]a]",
        "[^]a]",
        "[a[(]]",
        "[[:alpha:]&&[^b]]",
        "a]b",
        "a{",
        # What may be correct only for a parser of the whole syntax.
        "(?#:-()a",
        "(?x)a # (",
        r"\c[",
        r"\M-(",
        "${PATTERN:-(}",
        "/a # (/x",
    ],
)
def test_a_pattern_that_may_be_a_regular_expression_has_no_flaw(pattern: str) -> None:
    assert flaw(pattern) is None
