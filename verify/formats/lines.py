"""For a log pipeline: JSON Lines, each step and finding with its target."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from verify import VERSION
from verify.formats.document import report_object
from verify.judging.report import Report

_LISTS = {"phases": "phase", "checks": "check"}


def lines(reports: Sequence[Report]) -> str:
    """Return a line per phase, check, outage and watched task, then one for the run."""
    text = ""
    for report in reports:
        for line in _lines(report_object(report), report):
            text += f"{json.dumps(line)}\n"
    return text


def progress_line(url: str, step: str, text: str, *, name: str = "") -> str:
    """Write a step of a run as it is made, before the lines of its report."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    about = _about(url, name)
    line = {"kind": "progress", **about, "time": now, "step": step.strip(), "text": text}
    return f"{json.dumps(line)}\n"


def _about(url: str, name: str) -> dict[str, str]:
    return {"url": url, "name": name} if name else {"url": url}


def _lines(whole: dict[str, object], report: Report) -> Iterator[dict[str, object]]:
    about = _about(report.url, report.name)
    watch = whole.pop("watch")
    for key, kind in _LISTS.items():
        found = whole.pop(key)
        assert isinstance(found, list)
        for each in found:
            yield {"kind": kind, **about, **each}
    if isinstance(watch, dict):
        for outage in watch.pop("outages"):
            yield {"kind": "outage", **about, **outage}
        for name, seen in watch.pop("tasks").items():
            yield {"kind": "task", **about, "task": name, **seen}
        whole["watch"] = watch
    yield {"kind": "run", "version": VERSION, **about, **whole}
