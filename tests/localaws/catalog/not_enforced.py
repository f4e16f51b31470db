"""The rows of the documentation's list of AWS's rules that the local AWS doesn't enforce."""

from __future__ import annotations

from tests.localaws.catalog.sources import ROOT

PAGE = (ROOT / "docs" / "local-aws-rules.md").read_text()
LIST = PAGE[PAGE.index("<!-- not enforced -->") : PAGE.index("<!-- /not enforced -->")]
ROWS = []
for line in LIST.splitlines():
    if line.startswith("| `"):
        cells = line.strip("|").split(" | ")
        ROWS.append([cell.strip() for cell in cells])
IDS = [row[0].strip("` ") for row in ROWS]
