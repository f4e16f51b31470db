"""For a program: one ASCII JSON document, whose schema is docs/verify-report.schema.json."""

import json
from collections.abc import Iterator, Sequence

from verify import VERSION
from verify.judging.report import Outage, Report, Result, Watched, exit_code, worst

SCHEMA = 1
"""Grows when a field changes its meaning or goes; a new field leaves it as it is."""


def document(reports: Sequence[Report]) -> str:
    """Return the document, with a new line at its end."""
    everything = {
        "schema": SCHEMA,
        "version": VERSION,
        "verdict": worst(report.verdict for report in reports).name.lower(),
        "exit_code": exit_code(reports),
        "reports": list(map(report_object, reports)),
    }
    return json.dumps(everything, indent=2) + "\n"


def report_object(report: Report) -> dict[str, object]:
    """Return the object of one run."""
    samples, target = report.samples, report.parsed.target
    return {
        "name": report.name,
        "started": report.started.isoformat(timespec="milliseconds"),
        "ended": report.ended.isoformat(timespec="milliseconds"),
        "target": {
            "url": report.url,
            "scheme": target.scheme,
            "host": target.host,
            "port": target.port,
        },
        "notes": report.parsed.notes,
        "phases": list(map(_entry, report.phases)),
        "checks": list(map(_entry, report.checks)),
        "samples": {
            "count": samples.sent,
            "errors": samples.errors,
            "latency_ms": _in_ms(samples.latency),
            "steps_ms": _in_ms(samples.steps),
            "tasks": samples.tasks,
            "unidentified": samples.unidentified,
            "miss_probability": samples.miss_probability,
        },
        "watch": _watch(report.watched) if report.watched else None,
        "verdict": report.verdict.name.lower(),
        "fault": report.fault.name.lower() if report.fault else None,
        "exit_code": int(report.exit_code),
    }


def _watch(watched: Watched) -> dict[str, object]:
    return {
        "rate": watched.rate,
        "lanes": {name: lane._asdict() for name, lane in watched.lanes.items()},
        "availability": watched.availability,
        "failures": watched.failures,
        "outages": list(map(_outage, watched.outages)),
        "longest_outage_ms": _ms(max((outage.length for outage in watched.outages), default=0.0)),
        "changed_ms": _ms(watched.changed),
        "tasks": dict(_tasks(watched)),
        "command": _command(watched) if watched.command else None,
    }


def _command(watched: Watched) -> dict[str, object]:
    ended = watched.command_ended
    return {
        "program": watched.command,
        "exit_code": watched.command_exit_code,
        "error": watched.command_error,
        "ended_ms": None if ended is None else _ms(ended),
    }


def _tasks(watched: Watched) -> Iterator[tuple[str, dict[str, object]]]:
    for name, seen in watched.tasks.items():
        yield (
            name,
            {
                "old": name in watched.old,
                "answers": seen.answers,
                "first_ms": _ms(seen.first),
                "last_ms": _ms(seen.last),
            },
        )


def _outage(outage: Outage) -> dict[str, object]:
    return {
        "lane": outage.lane,
        "start_ms": _ms(outage.start),
        "length_ms": _ms(outage.length),
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


def _in_ms(seconds: dict[str, float]) -> dict[str, float]:
    return {name: _ms(value) for name, value in seconds.items()}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
