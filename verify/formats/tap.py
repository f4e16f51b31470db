"""For a TAP harness: a test point per phase and check.

https://testanything.org/tap-version-14-specification.html
"""

import json
import re
from collections.abc import Iterator, Sequence

from verify.judging.report import Report, Result, Status


def tap(reports: Sequence[Report]) -> str:
    """Return the whole stream, its plan first."""
    lines: list[str] = []
    number = 0
    for report in reports:
        for result in report.results:
            number += 1
            lines += _point(number, report, result)
    return "\n".join(["TAP version 14", f"1..{number}", *lines, ""])


def _point(number: int, report: Report, result: Result) -> Iterator[str]:
    accepted = result.status is Status.UNKNOWN and report.exit_code == 0
    skipped = result.status is Status.SKIP or accepted
    good = skipped or result.status is Status.OK
    name = re.sub(r"([\\#])", r"\\\1", f"{report.label} {result.id}")
    reason = f" # SKIP {result.actual}" if skipped else ""
    yield f"{'ok' if good else 'not ok'} {number} - {name}{reason}"
    if not good:
        yield "  ---"
        # A JSON string is a YAML one, and needs no further rules for what it may hold.
        for key in ("actual", "expected", "hint"):
            yield f"  {key}: {json.dumps(getattr(result, key))}"
        yield f"  inconclusive: {json.dumps(result.status is Status.UNKNOWN)}"
        yield "  ..."
