"""Show an estimate as text, Markdown or JSON, with its change against what is deployed. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.costs.estimate import TOTAL, TOTAL_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.costs.estimate import Estimate, Part

NOTES: Final = (
    "List prices without tax, discounts and free amounts. Not included: the additional tasks of a",
    "deployment, and what the stack only refers to, such as keys, zones and an existing network.",
)
SPOT_NOTE: Final = (
    "Spot costs a changing share of Fargate's price, at least 30 %; the most is all of it."
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """An estimate of a stack, and what to compare it with."""

    stack: str
    region: str
    estimated: Estimate
    """The cost of the stack with its configuration."""

    deployed: Mapping[str, float] = field(default_factory=dict)
    """USD a month by part of what is deployed; empty where nothing is."""

    verdict: str = ""
    """Whether `up` accepts the stack because of its limit; empty without one."""


def as_text(report: Report) -> str:
    """Return a table for a terminal."""
    usage = [[each.name, f"{each.usd:.3f}"] for each in report.estimated.usage]
    lines = [
        f"The stack {report.stack} in {report.region}",
        "",
        *_aligned([_heading("USD a month", report), *_rows(report)]),
        "",
        "Beside it, by usage:",
        *_aligned(usage),
        "",
        *_notes(report),
    ]
    return "\n".join([*lines, ""])


def as_markdown(report: Report) -> str:
    """Return a section for a comment on a pull request."""
    heading = _heading("", report)
    alignment = ["---", *["---:"] * (len(heading) - 1)]
    table = [f"| {' | '.join(row)} |" for row in (heading, alignment, *_rows(report))]
    usage = ", ".join(f"{each.name} {each.usd:.3f}" for each in report.estimated.usage)
    lines = [
        f"### Cost of the stack {report.stack} in {report.region}, USD a month",
        "",
        *table,
        "",
        f"By usage: {usage}.",
        "",
        *_notes(report),
    ]
    return "\n".join([*lines, ""])


def as_json(report: Report) -> str:
    """Return a document for programs."""
    estimated = report.estimated
    document = {
        "stack": report.stack,
        "region": report.region,
        "usd": estimated.min_usd,
        "mostUsd": estimated.max_usd,
        "parts": list(map(_part, estimated.parts)),
        "usage": {each.name: each.usd for each in estimated.usage},
        "unpriced": list(estimated.unpriced),
        "pricesReadOn": [each.isoformat() for each in estimated.read_on],
        "deployedUsd": dict(report.deployed) or None,
        "limit": report.verdict or None,
    }
    return f"{json.dumps(document, indent=2)}\n"


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "count": part.min_count,
        "mostCount": part.max_count,
        "usdEach": part.max_usd_each,
        "leastUsdEach": part.min_usd_each,
        "usd": part.min_usd,
        "mostUsd": part.max_usd,
    }


def _heading(first: str, report: Report) -> list[str]:
    heading = [first, "count", "each", "all"]
    if report.deployed:
        heading.append("change")
    return heading


def _rows(report: Report) -> Iterator[list[str]]:
    """Yield a row for each part, those that the configuration removes last, and the total."""
    estimated, deployed = report.estimated, report.deployed
    for part in estimated.parts:
        count = f"{part.min_count}"
        if part.added_by_scaling:
            count += f" to {part.max_count}"
        each = _span(part.min_usd_each, part.max_usd_each)
        row = [part.name, count, each, _span(part.min_usd, part.max_usd)]
        if deployed:
            row.append(_change(part.min_usd, deployed.get(part.name, 0)))
        yield row
    names = {part.name for part in estimated.parts}
    for name in sorted(deployed.keys() - names - {TOTAL, TOTAL_AT_MOST}):
        yield [name, "0", "", "0.00", _change(0, deployed[name])]
    total = [TOTAL, "", "", _span(estimated.min_usd, estimated.max_usd)]
    if deployed:
        total.append(_change(estimated.min_usd, deployed.get(TOTAL, 0)))
    yield total


def _span(lowest: float, highest: float) -> str:
    return f"{lowest:.2f}" if lowest == highest else f"{lowest:.2f} to {highest:.2f}"


def _change(now: float, before: float) -> str:
    return "" if round(now - before, 2) == 0 else f"{now - before:+.2f}"


def _notes(report: Report) -> Iterator[str]:
    estimated = report.estimated
    yield from NOTES
    if any(part.min_price_share < 1 for part in estimated.parts):
        yield SPOT_NOTE
    if estimated.unpriced:
        yield f"Not included either: {'; '.join(estimated.unpriced)} (docs/costs.md)."
    first, last = estimated.read_on
    when = f"on {first}" if first == last else f"from {first} to {last}"
    yield f"Prices were read {when} (docs/costs.md)."
    if not report.deployed:
        yield "It isn't compared with a deployed stack."
    if report.verdict:
        yield report.verdict


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines whose first column is left-aligned and whose others are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [name.ljust(widths[0])]
        for number, width in zip(numbers, widths[1:], strict=True):
            cells.append(number.rjust(width))
        yield "  ".join(cells).rstrip()
