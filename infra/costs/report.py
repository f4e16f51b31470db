"""Show an estimate as text, Markdown or JSON, with its change against what is deployed. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from infra.costs.estimate import Estimate

NOTES = (
    "List prices without tax, discounts and free amounts. Not included: the additional tasks of a",
    "deployment, and what the stack only refers to, such as keys, zones and an existing network.",
)
SPOT_NOTE = "Spot costs a changing share of Fargate's price, at least 30 %; the most is all of it."


def as_text(
    stack: str,
    region: str,
    estimated: Estimate,
    deployed: Mapping[str, float],
    verdict: str = "",
) -> str:
    """Return a table for a terminal.

    Args:
        stack: The stack's name.
        region: Its region.
        estimated: What it costs with its configuration.
        deployed: USD a month by part of what is deployed; empty where nothing is.
        verdict: What `up` does about the stack's limit; empty without one.
    """
    rows = [["USD a month", "count", "each", "all", *(["change"] if deployed else [])]]
    rows += _rows(estimated, deployed)
    lines = [f"The stack {stack} in {region}", ""]
    lines += _aligned(rows)
    lines += ["", "Beside it, by usage:"]
    lines += _aligned([[each.name, f"{each.usd:.3f}"] for each in estimated.usage])
    return "\n".join([*lines, "", *_notes(estimated, deployed, verdict), ""])


def as_markdown(
    stack: str,
    region: str,
    estimated: Estimate,
    deployed: Mapping[str, float],
    verdict: str = "",
) -> str:
    """Return a section for a comment on a pull request; for the arguments see `as_text`."""
    heading = ["", "count", "each", "all", *(["change"] if deployed else [])]
    rows = [heading, ["---", *("---:" for _ in heading[1:])], *_rows(estimated, deployed)]
    lines = [f"### Cost of the stack {stack} in {region}, USD a month", ""]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    usage = ", ".join(f"{each.name} {each.usd:.3f}" for each in estimated.usage)
    notes = _notes(estimated, deployed, verdict)
    return "\n".join([*lines, "", f"By usage: {usage}.", "", *notes, ""])


def as_json(
    stack: str,
    region: str,
    estimated: Estimate,
    deployed: Mapping[str, float],
    verdict: str = "",
) -> str:
    """Return a document for programs; for the arguments see `as_text`."""
    parts = [
        {
            "name": part.name,
            "count": part.count,
            "mostCount": part.count + part.added,
            "usdEach": part.usd_each,
            "leastUsdEach": part.least_usd_each,
            "usd": part.usd,
            "mostUsd": part.most_usd,
        }
        for part in estimated.parts
    ]
    document = {
        "stack": stack,
        "region": region,
        "usd": estimated.usd,
        "mostUsd": estimated.most_usd,
        "parts": parts,
        "usage": {each.name: each.usd for each in estimated.usage},
        "unpriced": list(estimated.unpriced),
        "pricesReadOn": [each.isoformat() for each in estimated.read_on],
        "deployedUsd": dict(deployed) or None,
        "limit": verdict or None,
    }
    return f"{json.dumps(document, indent=2)}\n"


def _rows(estimated: Estimate, deployed: Mapping[str, float]) -> list[list[str]]:
    """Return a row for each part, those that the configuration removes last, and the total."""
    rows: list[list[str]] = []
    for part in estimated.parts:
        count = f"{part.count} to {part.count + part.added}" if part.added else f"{part.count}"
        each = _span(part.least_usd_each, part.usd_each)
        row = [part.name, count, each, _span(part.usd, part.most_usd)]
        if deployed:
            row.append(_change(part.usd, deployed.get(part.name, 0)))
        rows.append(row)
    names = {"total", "total at most", *(part.name for part in estimated.parts)}
    gone = sorted(deployed.keys() - names)
    rows.extend([name, "0", "", "0.00", _change(0, deployed[name])] for name in gone)
    total = ["total", "", "", _span(estimated.usd, estimated.most_usd)]
    if deployed:
        total.append(_change(estimated.usd, deployed.get("total", 0)))
    return [*rows, total]


def _span(least: float, most: float) -> str:
    return f"{least:.2f}" if least == most else f"{least:.2f} to {most:.2f}"


def _change(now: float, before: float) -> str:
    return "" if round(now - before, 2) == 0 else f"{now - before:+.2f}"


def _notes(estimated: Estimate, deployed: Mapping[str, float], verdict: str) -> list[str]:
    first, last = estimated.read_on
    notes = [*NOTES]
    if any(part.least_usd_each < part.usd_each for part in estimated.parts):
        notes.append(SPOT_NOTE)
    if estimated.unpriced:
        notes.append(f"Not included either: {'; '.join(estimated.unpriced)} (docs/costs.md).")
    notes += [f"Prices were read {_between(first, last)} (docs/costs.md)."]
    if not deployed:
        notes.append("Nothing is deployed that it could be compared with.")
    if verdict:
        notes.append(verdict)
    return notes


def _between(first: date, last: date) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield lines whose first column is left-aligned and whose others are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [name.ljust(widths[0])]
        for number, width in zip(numbers, widths[1:], strict=True):
            cells.append(number.rjust(width))
        yield "  ".join(cells).rstrip()
