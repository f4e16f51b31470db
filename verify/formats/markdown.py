"""For a job's summary on GitHub, or a comment: Markdown with a table per report.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

import re
from collections.abc import Iterator, Sequence

from verify.judging.report import Report, Result, Status, counted

_WORDS = {
    Status.OK: "✅ ok",
    Status.FAIL: "❌ **fail**",
    Status.UNKNOWN: "❔ can't tell",
    Status.SKIP: "skipped",
}
_SHOWN_OUTAGES = 20
"""A summary takes a mebibyte."""

_ACTIVE = re.compile(r"[^A-Za-z0-9 ,;.%/='\"-]|(?<=www)\.")


def markdown(reports: Sequence[Report]) -> str:
    """Return a section per report; each ends with an empty line, as more may follow in the file."""
    text = ""
    for report in reports:
        for line in _lines(report):
            text += f"{line}\n"
    return text


def _lines(report: Report) -> Iterator[str]:
    sign = "✅" if report.exit_code == 0 else "❌"
    yield f"### {sign} verify {report.verdict.name.lower()}: {literal(report.label)}"
    yield ""
    yield f"After {report.seconds:.1f} s, exit code {int(report.exit_code)}."
    yield ""
    for note in report.parsed.notes:
        yield f"- {literal(note)}"
    if report.parsed.notes:
        yield ""  # else the table would be the last note's text
    columns = ("Check", "Result", "Found", "Expected", "What to do")
    yield from table(columns, map(_row, report.results))
    if report.samples.latency:
        numbers = [f"{1000 * seconds:.1f}" for seconds in report.samples.latency.values()]
        yield (
            f"Milliseconds of {counted(report.samples.sent, 'request')}, "
            f"{report.samples.errors} without an answer:"
        )
        yield ""
        yield from table(tuple(report.samples.latency), (tuple(numbers),))
    watched = report.watched
    if watched and watched.outages:
        longest = sorted(watched.outages, key=lambda outage: -outage.length)[:_SHOWN_OUTAGES]
        yield f"{counted(len(watched.outages), 'outage')}, the longest first:"
        yield ""
        yield from table(
            ("From", "Length", "Connections"),
            ((f"{one.start:.2f} s", f"{one.length:.3g} s", one.lane) for one in longest),
        )


def _row(result: Result) -> Sequence[str]:
    expected = result.expected if result.status in (Status.FAIL, Status.UNKNOWN) else ""
    return (
        result.id,
        _WORDS[result.status],
        literal(result.actual),
        literal(expected),
        literal(result.hint),
    )


def table(
    columns: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]
) -> Iterator[str]:
    """Yield the lines of a table, and an empty one."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def literal(text: str) -> str:
    """Escape text so that it becomes no markup, link, mention or reference to an issue."""
    escaped = _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", text)
    return f"<code>{escaped}</code>" if escaped else ""
