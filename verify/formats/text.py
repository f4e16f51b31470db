"""For a person: one line per phase and check, then what to do."""

from collections.abc import Iterator, Sequence

from verify.judging.report import Report, Samples, Status, counted

_WORDS = {Status.OK: "ok", Status.FAIL: "FAIL", Status.UNKNOWN: "?", Status.SKIP: "skip"}
_COLOURS = {Status.OK: "32", Status.FAIL: "1;31", Status.UNKNOWN: "1;33", Status.SKIP: "2"}
_SHOWN_TASKS = 10


def text(reports: Sequence[Report], *, colour: bool = False) -> str:
    """Return one report after the other, with colours for a terminal that has them."""
    sections = ["\n".join(_lines(report, colour=colour)) for report in reports]
    return "\n\n".join(sections) + "\n"


def _lines(report: Report, *, colour: bool) -> Iterator[str]:
    yield report.label
    for note in report.parsed.notes:
        yield f"  note: {note}"
    yield ""
    width = max(len(result.id) for result in report.results)
    indent = " " * (width + 9)
    for result in report.results:
        word = f"{_WORDS[result.status]:<4}"
        if colour:
            word = f"\x1b[{_COLOURS[result.status]}m{word}\x1b[0m"
        yield f"  {word}  {result.id:<{width}} {result.actual}".rstrip()
        if result.id == "tasks":
            for line in _tasks(report):
                yield f"{indent}{line}"
        if result.status in (Status.FAIL, Status.UNKNOWN) and result.expected:
            yield f"{indent}expected: {result.expected}"
        if result.hint:
            yield f"{indent}hint: {result.hint}"
    yield from _latency(report.samples)
    yield ""
    after = ""
    if report.verdict or report.exit_code:
        after = f" (exit {int(report.exit_code)})"
    watched = report.watched
    if watched and not report.verdict and report.exit_code:
        after = f", but {watched.command} ended with {watched.command_exit_code}{after}"
    yield f"{report.verdict.name.lower()} after {report.seconds:.1f} s{after}"


def _tasks(report: Report) -> Iterator[str]:
    answers = sum(report.samples.tasks.values())
    lines = []
    if report.watched:
        for task, seen in report.watched.tasks.items():
            age = "old" if task in report.watched.old else "new"
            times = f"{seen.first:6.1f} s to {seen.last:6.1f} s"
            lines.append(f"{age} {times}  {seen.answers} answers  {task}")
    else:
        for task, count in report.samples.tasks.items():
            lines.append(f"{count} ({count / answers:.0%})  {task}")
    yield from lines[:_SHOWN_TASKS]
    if len(lines) > _SHOWN_TASKS:
        yield f"and {len(lines) - _SHOWN_TASKS} more"


def _latency(samples: Samples) -> Iterator[str]:
    if not samples.latency:
        return
    few = samples.sent < 100  # noqa: PLR2004 — fewer have no 99th percentile below their maximum
    ranks = []
    for name, seconds in samples.latency.items():
        shown = "p99(=max)" if few and name == "p99" else name
        ranks.append(f"{shown} {seconds * 1000:.1f}")
    numbers = "  ".join(ranks)
    requests = counted(samples.sent, "request")
    yield ""
    yield f"  {requests}, {samples.errors} without an answer; milliseconds: {numbers}"
