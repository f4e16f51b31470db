"""Write tables as JSON, one row a line, so that a diff shows what changed in a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_table(path: Path, table: Mapping[str, object], *, depth: int) -> None:
    """Write a table as JSON.

    Args:
        path: The file.
        table: What to write.
        depth: How many levels of objects have a line for each entry; what is deeper is on one.
    """
    path.write_text(f"{_text(table, depth, 0)}\n", encoding="utf-8")


def _text(value: object, depth: int, level: int) -> str:
    if not (isinstance(value, dict) and value and level < depth):
        return json.dumps(value, ensure_ascii=False)
    indent = " " * (level + 1)
    rows = [
        f"{indent}{json.dumps(name)}: {_text(each, depth, level + 1)}"
        for name, each in value.items()
    ]
    return "{\n" + ",\n".join(rows) + "\n" + " " * level + "}"
