"""How reports look: pure functions from reports to text that ends with a new line."""

from collections.abc import Callable, Sequence

from verify.formats.document import document
from verify.formats.github import annotations
from verify.formats.lines import lines
from verify.formats.markdown import markdown
from verify.formats.prometheus import prometheus
from verify.formats.tap import tap
from verify.formats.text import text
from verify.judging.report import Report


def _junit(reports: Sequence[Report]) -> str:
    from verify.formats.junit import junit  # noqa: PLC0415 — its XML costs 3 ms

    return junit(reports)


def _html(reports: Sequence[Report]) -> str:
    from verify.formats.html import html  # noqa: PLC0415 — most runs write no page

    return html(reports)


FORMATS: dict[str, Callable[[Sequence[Report]], str]] = {
    "text": text,
    "json": document,
    "jsonl": lines,
    "junit": _junit,
    "tap": tap,
    "github": annotations,
    "prometheus": prometheus,
    "markdown": markdown,
    "html": _html,
}
