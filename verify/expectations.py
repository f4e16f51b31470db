"""What an answer must look like, one expectation at a time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from verify import explain
from verify.escaping import visible
from verify.options import Options
from verify.outcome import Answer
from verify.values import HeaderExpectation


@dataclass(frozen=True)
class Expectation:
    """One thing that must hold for every answer."""

    id: str
    wanted: str
    holds: Callable[[Answer], bool]
    seen: Callable[[Answer], str]


def expectations(options: Options) -> Iterator[Expectation]:
    """Everything that was asked for, in the order of `--help`."""
    yield Expectation(
        "status",
        options.status.text,
        lambda answer: options.status.accepts(answer.status),
        partial(explain.describe, mask_query=options.mask_query),
    )
    for text in options.body_contains:
        yield Expectation("body-contains", f"'{visible(text, 60)}' in the body", partial(_contains, text), _body)
    for pattern in options.body_regex:
        yield Expectation(
            "body-regex", f"the body matches {visible(pattern.pattern, 60)}", partial(_matches, pattern), _body
        )
    if options.body_equals is not None:
        wanted = options.body_equals.strip()
        yield Expectation("body-equals", f"the body is '{visible(wanted, 60)}'", partial(_equals, wanted), _body)
    for header in options.expect_header:
        yield _header(header)


def _contains(text: str, answer: Answer) -> bool:
    return text in answer.text


def _matches(pattern: re.Pattern[str], answer: Answer) -> bool:
    return pattern.search(answer.text) is not None


def _equals(text: str, answer: Answer) -> bool:
    return not answer.truncated and answer.text.strip() == text


def _header(expected: HeaderExpectation) -> Expectation:
    def holds(answer: Answer) -> bool:
        value = answer.header(expected.name)
        return (
            value is not None
            and (expected.equals is None or value == expected.equals)
            and (expected.matches is None or expected.matches.search(value) is not None)
        )

    def seen(answer: Answer) -> str:
        value = answer.header(expected.name)
        return f"no {expected.name} header" if value is None else f"{expected.name}: {visible(value, 60)}"

    return Expectation(f"header-{expected.name.lower()}", visible(expected.text, 80), holds, seen)


def _body(answer: Answer) -> str:
    if not answer.body:
        return "an empty body"
    return f"'{visible(answer.text[:1000].strip(), 60)}'{' (cut at --max-body)' if answer.truncated else ''}"
