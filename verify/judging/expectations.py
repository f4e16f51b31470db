"""What an answer must look like, one expectation at a time."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple, TypeGuard

from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.judging import explain, regexes
from verify.network.outcome import Answer, as_text
from verify.options.groups import Options
from verify.options.masking import Mask, Show, mask_of
from verify.options.values import HeaderExpectation, JsonExpectation


class Expectation(NamedTuple):
    """One thing that must hold for every answer."""

    id: str
    wanted: str
    holds: Callable[[Answer], bool]
    seen: Callable[[Answer], str]
    fault: ExitCode | None = ExitCode.WRONG_VERSION
    """The fault if it doesn't hold; None where the answer itself shows whose it is."""

    def unmet(self, answer: Answer) -> "Unmet | None":
        """Return what was seen instead; None where the expectation holds."""
        try:
            return None if self.holds(answer) else Unmet(self.seen(answer))
        except regexes.TooSlowError:
            return Unmet(
                f"no result within {regexes.SECONDS:g} s of processor time", undecided=True
            )


class Unmet(NamedTuple):
    """What an answer had instead of what was wanted, in words that are safe to show."""

    seen: str
    undecided: bool = False
    """Whether it may hold all the same."""


@cache
def expectations(options: Options) -> tuple[Expectation, ...]:
    """Return every requested expectation, in the order of `--help`.

    Cached, since every answer needs them.
    """
    return tuple(_requested(options))


def _requested(options: Options) -> Iterator[Expectation]:
    show = mask_of(options)
    body = partial(_body, show)
    yield Expectation(
        "status",
        options.status.text,
        lambda answer: options.status.accepts(answer.status),
        lambda answer: explain.describe(answer, show, mask_query=options.mask_query),
        fault=None,
    )
    for text in options.body_contains:
        yield Expectation(
            "body-contains", f"'{visible(text, 60)}' in the body", partial(_contains, text), body
        )
    for pattern in options.body_regex:
        yield Expectation(
            "body-regex",
            f"the body matches {visible(pattern.pattern, 60)}",
            partial(_matches, pattern),
            body,
        )
    if options.body_equals is not None:
        wanted = options.body_equals.strip()
        yield Expectation(
            "body-equals", f"the body is '{visible(wanted, 60)}'", partial(_equals, wanted), body
        )
    for header in options.expect_header:
        yield _header(header, show, mask_query=options.mask_query)
    for value in options.expect_json:
        yield _json(value, show)
    if options.security_headers:
        yield from _security(show)


def _contains(text: str, answer: Answer) -> bool:
    return text in answer.text


def _matches(pattern: re.Pattern[str], answer: Answer) -> bool:
    return regexes.search(pattern.pattern, answer.text) is not None


def _equals(text: str, answer: Answer) -> bool:
    return not answer.truncated and answer.text.strip() == text


_HEADERS_OF_URLS = {"location", "content-location"}
"""Headers whose values may repeat the query string of the request."""


def _header(expected: HeaderExpectation, show: Show, *, mask_query: bool) -> Expectation:
    def holds(answer: Answer) -> bool:
        value = answer.header(expected.name)
        if value is None:
            return False
        if expected.equals is not None:
            return value == expected.equals
        if expected.matches is not None:
            return regexes.search(expected.matches.pattern, value) is not None
        return True

    def seen(answer: Answer) -> str:
        value = answer.header(expected.name)
        if value is None:
            return f"no {expected.name} header"
        if expected.name.lower() in _HEADERS_OF_URLS:
            return f"{expected.name}: {explain.shown_url(value, show, mask_query=mask_query)}"
        return f"{expected.name}: {show(value, 60)}"

    return Expectation(f"header-{expected.name.lower()}", visible(expected.text, 80), holds, seen)


def _json(expected: JsonExpectation, show: Show) -> Expectation:
    number = _number(expected.equals)

    def holds(answer: Answer) -> bool:
        value = answer.value_at(expected.pointer)
        if _is_number(value) and value == number:
            return True
        return as_text(value) == expected.equals

    def seen(answer: Answer) -> str:
        found = answer.at_pointer(expected.pointer)
        pointer = visible(expected.pointer or "the document's root", 40)
        if found is None:
            return f"no value at {pointer}"
        return f"'{show(found, 60)}' at {pointer}"

    return Expectation("json", visible(expected.text, 80), holds, seen)


def _number(text: str) -> int | float | None:
    """Return the number that a text is in JSON; None where it is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_number(value) else None


def _is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number of JSON; 1 and 1.0 are the same one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _body(show: Mask, answer: Answer) -> str:
    if not answer.body:
        return "an empty body"
    if answer.encoding:
        return f"a body in Content-Encoding {answer.encoding}, which verify can't read"
    start = show.masked(answer.beginning(1000))[:1000].strip()
    cut = " (cut at --max-body)" if answer.truncated else ""
    return f"'{visible(start, 60)}'{cut}"


_HALF_A_YEAR = 15_552_000
"""Seconds; what https://hstspreload.org and scanners take as the least."""


def _has_hsts(answer: Answer) -> bool:
    if answer.tls is None:
        return True
    value = answer.header("strict-transport-security") or ""
    age = re.search(r"(?i)max-age=\"?([0-9]{1,12})", value)
    return age is not None and int(age[1]) >= _HALF_A_YEAR


def _forbids_sniffing(answer: Answer) -> bool:
    return (answer.header("x-content-type-options") or "").lower() == "nosniff"


def _restricts_framing(answer: Answer) -> bool:
    policy = answer.header("content-security-policy") or ""
    options = (answer.header("x-frame-options") or "").upper()
    return "frame-ancestors" in policy or options in ("DENY", "SAMEORIGIN")


def _names_no_version(answer: Answer) -> bool:
    if answer.header("x-powered-by") is not None:
        return False
    server = answer.header("server") or ""
    # A load balancer's own header is the same everywhere and reveals nothing.
    return server == "awselb/2.0" or not re.search("[0-9]", server)


def _security(show: Show) -> Iterator[Expectation]:
    """Yield the expectations on headers that protect a browser's user.

    They have no fault: the load balancer or the application may set these headers.
    """

    def seen(names: tuple[str, ...], answer: Answer) -> str:
        values = []
        for name in names:
            value = answer.header(name)
            if value:
                values.append(f"{name}: {show(value, 60)}")
        return ", ".join(values) or f"no {' or '.join(names)}"

    for identifier, wanted, holds, names in _SECURITY:
        yield Expectation(identifier, wanted, holds, partial(seen, names), fault=None)


_SECURITY = (
    (
        "hsts",
        "over HTTPS, Strict-Transport-Security for half a year",
        _has_hsts,
        ("Strict-Transport-Security",),
    ),
    ("nosniff", "X-Content-Type-Options: nosniff", _forbids_sniffing, ("X-Content-Type-Options",)),
    (
        "framing",
        "frame-ancestors in Content-Security-Policy, or X-Frame-Options",
        _restricts_framing,
        ("Content-Security-Policy", "X-Frame-Options"),
    ),
    (
        "versions",
        "no version in Server, no X-Powered-By",
        _names_no_version,
        ("Server", "X-Powered-By"),
    ),
)
