"""How a report looks: pure functions from a report to text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

from verify.report import Report, Result, Samples, Status, Watched, exit_code, worst

SCHEMA = 1
"""Of the JSON document, described in docs/verify.md; grows when a field changes its meaning or goes."""

_WORDS = {Status.OK: "ok", Status.FAIL: "FAIL", Status.UNKNOWN: "?", Status.SKIP: "skip"}
_COLOURS = {Status.OK: "32", Status.FAIL: "1;31", Status.UNKNOWN: "1;33", Status.SKIP: "2"}
_SHOWN_TASKS = 10


class Format(Protocol):
    """Renders a report, ending with a new line."""

    def __call__(self, reports: Sequence[Report], *, colour: bool) -> str: ...  # noqa: D102 — said above


def text(reports: Sequence[Report], *, colour: bool) -> str:
    """One line per phase and check, for a person."""
    return "\n\n".join("\n".join(_lines(report, colour=colour)) for report in reports) + "\n"


def as_json(reports: Sequence[Report], *, colour: bool) -> str:  # noqa: ARG001 — JSON has no colours
    """One ASCII document, for a program."""
    document = {
        "schema": SCHEMA,
        "verdict": worst(report.verdict for report in reports).name.lower(),
        "exit_code": exit_code(reports),
        "reports": [_document(report) for report in reports],
    }
    return json.dumps(document, indent=2) + "\n"


FORMATS: dict[str, Format] = {"text": text, "json": as_json}


def _document(report: Report) -> dict[str, object]:
    samples, target = report.samples, report.target
    return {
        "started": report.started,
        "ended": report.ended,
        "target": {"url": report.url, "scheme": target.scheme, "host": target.host, "port": target.port},
        "notes": report.notes,
        "phases": [_entry(result) for result in report.phases],
        "checks": [_entry(result) for result in report.checks],
        "samples": {
            "count": samples.count,
            "errors": samples.errors,
            "latency_ms": {name: _ms(seconds) for name, seconds in samples.latency.items()},
            "steps_ms": {name: _ms(seconds) for name, seconds in samples.steps.items()},
            "tasks": samples.tasks,
            "unidentified": samples.unidentified,
            "miss_probability": samples.miss_probability,
        },
        "watch": _watch(report.watched) if report.watched else None,
        "verdict": report.verdict.name.lower(),
        "exit_code": int(report.exit_code),
    }


def _watch(watched: Watched) -> dict[str, object]:
    return {
        "rate": watched.rate,
        "lanes": {name: asdict(lane) for name, lane in watched.lanes.items()},
        "availability": watched.availability,
        "failures": watched.failures,
        "outages": [
            {"lane": outage.lane, "start_ms": _ms(outage.start), "length_ms": _ms(outage.length)}
            for outage in watched.outages
        ],
        "longest_outage_ms": _ms(max((outage.length for outage in watched.outages), default=0.0)),
        "changed_ms": _ms(watched.changed),
        "tasks": {
            name: {
                "old": name in watched.old,
                "answers": seen.answers,
                "first_ms": _ms(seen.first),
                "last_ms": _ms(seen.last),
            }
            for name, seen in watched.tasks.items()
        },
        "command": {"program": watched.command, "exit_code": watched.command_exit_code} if watched.command else None,
    }


def _entry(result: Result) -> dict[str, object]:
    return {
        "id": result.id,
        "status": result.status,
        "expected": result.expected,
        "actual": result.actual,
        "hint": result.hint,
        "duration_ms": None if result.duration is None else _ms(result.duration),
        "attempts": result.attempts,
    }


def _lines(report: Report, *, colour: bool) -> Iterator[str]:
    yield report.url
    yield from (f"  note: {note}" for note in report.notes)
    yield ""
    results = (*report.phases, *report.checks)
    width = max(len(result.id) for result in results)
    indent = " " * (width + 9)
    for result in results:
        word = f"{_WORDS[result.status]:<4}"
        if colour:
            word = f"\x1b[{_COLOURS[result.status]}m{word}\x1b[0m"
        yield f"  {word}  {result.id:<{width}} {result.actual}".rstrip()
        if result.id == "tasks":
            shares = _sightings(report.watched) if report.watched else _shares(report.samples.tasks)
            yield from (f"{indent}{line}" for line in shares)
        if result.status in (Status.FAIL, Status.UNKNOWN) and result.expected:
            yield f"{indent}expected: {result.expected}"
        if result.hint:
            yield f"{indent}hint: {result.hint}"
    yield from _latency(report.samples)
    yield ""
    after = f" (exit {int(report.exit_code)})" if report.verdict or report.exit_code else ""
    yield f"{report.verdict.name.lower()} after {report.seconds:.1f} s{after}"


def _shares(tasks: dict[str, int]) -> Iterator[str]:
    answers = sum(tasks.values())
    for task, count in list(tasks.items())[:_SHOWN_TASKS]:
        yield f"{count} ({count / answers:.0%})  {task}"
    if len(tasks) > _SHOWN_TASKS:
        yield f"and {len(tasks) - _SHOWN_TASKS} more"


def _sightings(watched: Watched) -> Iterator[str]:
    for task, seen in list(watched.tasks.items())[:_SHOWN_TASKS]:
        age = "old" if task in watched.old else "new"
        yield f"{age} {seen.first:6.1f} s to {seen.last:6.1f} s  {seen.answers} answers  {task}"
    if len(watched.tasks) > _SHOWN_TASKS:
        yield f"and {len(watched.tasks) - _SHOWN_TASKS} more"


def _latency(samples: Samples) -> Iterator[str]:
    if not samples.latency:
        return
    few = samples.count < 100  # noqa: PLR2004 — fewer have no 99th percentile below their maximum
    numbers = "  ".join(
        f"{name}{'(=max)' if few and name == 'p99' else ''} {_ms(seconds):.1f}"
        for name, seconds in samples.latency.items()
    )
    yield ""
    requests = f"{samples.count} request{'s' if samples.count > 1 else ''}"
    yield f"  {requests}, {samples.errors} without an answer; milliseconds: {numbers}"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
