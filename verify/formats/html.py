"""For a person's browser: one self-contained page, without scripts and without anything to load.

All text goes through ElementTree, which escapes it; the page's policy allows nothing but its own
style sheet.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from verify import VERSION
from verify.errors import InputError
from verify.exit_codes import ExitCode
from verify.formats import charts
from verify.formats.page_style import STYLE
from verify.judging.report import Outage, Report, Status, Watched, counted, exit_code, worst
from verify.judging.timeline import OTHERS, Timeline

_WORDS = {
    Status.OK: "ok",
    Status.FAIL: "FAIL",
    Status.UNKNOWN: "can't tell",
    Status.SKIP: "skipped",
}
_MOST_OUTAGES = 100
"""Outages that are drawn and listed; the longest ones, where there are more."""

_RANKS = {"p50": 50, "p95": 95, "max": 100}


def html(reports: Sequence[Report]) -> str:
    """Return the whole page, in ASCII."""
    main = Element("main", {"id": "results"})
    if len(reports) > 1:
        _contents(main, reports)
    for number, report in enumerate(reports, 1):
        _report(main, report, f"r{number}")
    verdict = worst(report.verdict for report in reports).name.lower()
    return _page(verdict, exit_code(reports), reports[0].started, main)


def mistakes_page(mistakes: Sequence[InputError]) -> str:
    """Return the page of a run that didn't start, as its input has mistakes."""
    main = Element("main", {"id": "results"})
    rows = [(mistake.problem, mistake.hint) for mistake in mistakes]
    caption = "Mistakes in the input; nothing was sent"
    _table(main, "mistakes", caption, ("Mistake", "What to do"), rows)
    return _page(ExitCode.USAGE.name.lower(), ExitCode.USAGE, datetime.now(UTC), main)


def _page(verdict: str, code: int, started: datetime, main: Element) -> str:
    root = Element("html", {"lang": "en"})
    _head(SubElement(root, "head"), f"verify: {verdict}")
    body = SubElement(root, "body")
    _add(body, "a", "Skip to the results", href="#results", style="jump")
    header = SubElement(body, "header")
    _add(header, "h1", f"verify: {verdict}")
    when = started.isoformat(" ", "seconds")
    _add(header, "p", f"Exit code {int(code)} · verify {VERSION} · {when}")
    body.append(main)
    # ElementTree writes no end tag for elements that HTML has none for, and escapes everything
    # else.
    return f"<!DOCTYPE html>\n{tostring(root, encoding='us-ascii', method='html').decode()}\n"


def _head(head: Element, title: str) -> None:
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "meta", {"name": "color-scheme", "content": "light dark"})
    # Without it a browser asks the server for an icon.
    SubElement(head, "link", {"rel": "icon", "href": "data:,"})
    SubElement(head, "title").text = title
    SubElement(head, "style").text = STYLE


def _contents(main: Element, reports: Sequence[Report]) -> None:
    nav = SubElement(main, "nav", {"aria-label": "Results"})
    entries = SubElement(nav, "ul")
    for number, report in enumerate(reports, 1):
        entry = SubElement(entries, "li")
        _add(entry, "a", report.label, href=f"#r{number}").tail = " "
        _verdict(entry, report)


def _verdict(parent: Element, report: Report) -> None:
    passed = report.exit_code == 0
    _add(parent, "strong", report.verdict.name.lower(), style=f"badge {'ok' if passed else 'fail'}")


def _report(main: Element, report: Report, name: str) -> None:
    section = SubElement(main, "section", {"id": name, "aria-labelledby": f"{name}-heading"})
    _add(section, "h2", report.label, id=f"{name}-heading")
    summary = SubElement(section, "p")
    _verdict(summary, report)
    summary[-1].tail = f" after {report.seconds:.1f} s, exit code {int(report.exit_code)}"
    for note in report.parsed.notes:
        _add(section, "p", note)
    _results(section, report, name)
    if report.timeline().slots:
        _pictures(section, report, name)
    if report.watched and report.watched.outages:
        _outages(section, report.watched, name)


def _results(section: Element, report: Report, name: str) -> None:
    _add(section, "h3", "Phases and checks")
    rows = []
    styles = []
    for result in report.results:
        wanted = result.expected if result.status in (Status.FAIL, Status.UNKNOWN) else ""
        rows.append((result.id, _WORDS[result.status], result.actual, wanted, result.hint))
        styles.append(f"result {result.status}")
    columns = ("Check", "Result", "Found", "Expected", "What to do")
    _table(section, f"{name}-results", "What was found", columns, rows, styles=styles)


def _pictures(section: Element, report: Report, name: str) -> None:
    timeline = report.timeline()
    axis = _axis(report)
    _add(section, "h3", "Answers over time")
    _add(section, "p", _in_words(report))
    rows = []
    for kind in timeline.kinds:
        counted_by_slot = [slot.kinds[kind] for slot in timeline.slots]
        rows.append(charts.Row(kind.name, "good" if kind.good else "bad", counted_by_slot))
    counts = ", ".join(f"{sum(row.counts)} x {row.label}" for row in rows)
    _figure(
        section,
        charts.bars(
            charts.Names(f"{name}-answers", "Answers over time, by status", counts), axis, rows
        ),
    )
    if report.samples.latency:
        _add(section, "h3", "Latency")
        _figure(section, _latency(report, axis, f"{name}-latency"), _legend())
    if timeline.tasks:
        _add(section, "h3", "Tasks")
        _figure(section, _tasks(report, axis, f"{name}-tasks"))
        _task_table(section, report, name)
    details = SubElement(section, "details")
    _add(details, "summary", "All numbers of the charts, as a table")
    _numbers(details, timeline, name)


def _axis(report: Report) -> charts.Axis:
    watched = report.watched
    timeline = report.timeline()
    if watched is None:
        return charts.Axis(timeline.origin, timeline.end, timeline.width)
    moments = [charts.Moment(label, at) for label, at in _moments(watched)]
    spans = []
    for outage in _longest(watched):
        label = f"outage of {outage.length:.3g} s, {outage.lane}"
        spans.append(charts.Span(outage.start, outage.start + outage.length, label))
    end = max([timeline.end, *(moment.at for moment in moments)])
    return charts.Axis(timeline.origin, end, timeline.width, moments, spans)


def _moments(watched: Watched) -> Iterator[tuple[str, float]]:
    if watched.command:
        yield f"{watched.command} starts", watched.changed
        if watched.command_ended is not None:
            yield f"{watched.command} ends with {watched.command_exit_code}", watched.command_ended


def _longest(watched: Watched) -> list[Outage]:
    longest = sorted(watched.outages, key=lambda outage: -outage.length)[:_MOST_OUTAGES]
    return sorted(longest, key=lambda outage: outage.start)


def _in_words(report: Report) -> str:
    """Describe the chart in words."""
    watched, sent = report.watched, report.samples.sent
    requests = counted(sent, "request")
    if watched is None:
        return f"{requests}, {report.samples.errors} without an answer."
    sentences = [f"{requests}, {100 * watched.availability:.5g} % answered well."]
    sentences += [f"{label} at {at:.1f} s." for label, at in _moments(watched)]
    if watched.outages:
        longest = max(watched.outages, key=lambda outage: outage.length)
        sentences.append(
            f"Outages: {len(watched.outages)}, the longest {longest.length:.3g} s, from "
            f"{longest.start:.3g} s on."
        )
    else:
        sentences.append("No outage.")
    return " ".join(sentences)


def _latency(report: Report, axis: charts.Axis, name: str) -> Element:
    timeline = report.timeline()
    drawn = []
    for rank, percent in _RANKS.items():
        values = [_ms(slot.latency(percent)) for slot in timeline.slots]
        drawn.append(charts.Line(rank, rank, values))
    ranks = [f"{rank} {1000 * took:.1f} ms" for rank, took in report.samples.latency.items()]
    description = f"Of all answers: {', '.join(ranks)}"
    return charts.lines(charts.Names(name, "Latency over time", description), axis, drawn)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def _legend() -> Element:
    legend = Element("figcaption")
    for rank, words in (
        ("p50", "median, solid"),
        ("p95", "95th percentile, dashed"),
        ("max", "slowest, dotted"),
    ):
        entry = SubElement(legend, "span", {"class": f"key {rank}"})
        entry.text = f"{rank}: {words}. "
    return legend


def _tasks(report: Report, axis: charts.Axis, name: str) -> Element:
    timeline = report.timeline()
    watched = report.watched
    rows = []
    for task in timeline.tasks:
        answers = [slot.tasks[task] for slot in timeline.slots]
        rows.append(charts.Row(_task_label(task, watched), _task_style(task, watched), answers))
    counts = ", ".join(f"{row.label}: {sum(row.counts)}" for row in rows)
    return charts.bars(charts.Names(name, "Answers over time, by task", counts), axis, rows)


def _task_style(task: str, watched: Watched | None) -> str:
    if watched is None or task == OTHERS:
        return "task"
    return "old" if task in watched.old else "new"


def _task_label(task: str, watched: Watched | None) -> str:
    style = _task_style(task, watched)
    return task if style == "task" else f"{style}: {task}"


def _task_table(section: Element, report: Report, name: str) -> None:
    watched = report.watched
    tasks = report.timeline().tasks
    rows: list[Sequence[str]] = []
    columns: Sequence[str]
    if watched is None:
        columns = ("Task", "Answers")
        answers = report.samples.tasks
        rows += [(task, str(answers[task])) for task in tasks if task in answers]
    else:
        columns = ("Task", "Old or new", "Answers", "First", "Last")
        for task in tasks:
            seen = watched.tasks.get(task)
            if seen:
                times = (f"{seen.first:.1f} s", f"{seen.last:.1f} s")
                rows.append((task, _task_style(task, watched), str(seen.answers), *times))
    _table(section, f"{name}-task-table", "Answers by task", columns, rows)


def _outages(section: Element, watched: Watched, name: str) -> None:
    _add(section, "h3", "Outages")
    shown = _longest(watched)
    caption = f"{len(watched.outages)} in all"
    if len(shown) < len(watched.outages):
        caption += f"; the longest {len(shown)}"
    rows = [(f"{one.start:.2f} s", f"{one.length:.3g} s", one.lane) for one in shown]
    _table(section, f"{name}-outages", caption, ("From", "Length", "Connections"), rows)


def _numbers(details: Element, timeline: Timeline, name: str) -> None:
    columns = ["From"]
    columns += [kind.name for kind in timeline.kinds]
    columns += [f"{rank}, ms" for rank in _RANKS]
    rows = []
    for number, slot in enumerate(timeline.slots):
        cells = [f"{timeline.origin + number * timeline.width:.6g} s"]
        cells += [str(slot.kinds[kind]) for kind in timeline.kinds]
        for percent in _RANKS.values():
            ms = _ms(slot.latency(percent))
            cells.append("" if ms is None else f"{ms:.3g}")
        rows.append(cells)
    caption = f"Every {timeline.width:.6g} s; latencies are exact to 5 %"
    _table(details, f"{name}-numbers", caption, columns, rows)


def _figure(section: Element, picture: Element, legend: Element | None = None) -> None:
    figure = SubElement(section, "figure")
    if legend is not None:
        figure.append(legend)
    # What scrolls sideways on a narrow screen has to be reached by the keyboard.
    scrolled = {
        "class": "scroll",
        "tabindex": "0",
        "role": "group",
        "aria-label": picture.findtext("title", ""),
    }
    SubElement(figure, "div", scrolled).append(picture)


def _table(
    parent: Element,
    name: str,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    styles: Sequence[str] = (),
) -> None:
    """Add a table; `styles` are the classes of its rows, where they have some."""
    scrolled = {
        "class": "scroll",
        "tabindex": "0",
        "role": "group",
        "aria-labelledby": f"{name}-caption",
    }
    table = SubElement(SubElement(parent, "div", scrolled), "table", {"id": name})
    _add(table, "caption", caption, id=f"{name}-caption")
    heads = SubElement(SubElement(table, "thead"), "tr")
    for column in columns:
        _add(heads, "th", column, scope="col")
    body = SubElement(table, "tbody")
    for number, (head, *cells) in enumerate(rows):
        row = SubElement(body, "tr")
        if styles:
            row.set("class", styles[number])
        _add(row, "th", head, scope="row")
        for cell in cells:
            _add(row, "td", cell)


def _add(parent: Element, tag: str, text: str, *, style: str = "", **attributes: str) -> Element:
    element = SubElement(parent, tag)
    if style:
        element.set("class", style)
    for name, value in attributes.items():
        element.set(name, value)
    element.text = text
    return element
