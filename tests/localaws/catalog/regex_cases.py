"""Regular expressions that AWS supports."""

from __future__ import annotations

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
