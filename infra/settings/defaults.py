"""The defaults of configuration keys, which Pulumi.yaml has.

Pulumi passes a default like a value that a stack sets, so that a check that depends on whether a
stack sets a key compares the value with the default.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


def default(key: str) -> Any:
    """Return a key's default."""
    return _schema()[key]["default"]


@cache
def _schema() -> dict[str, dict[str, Any]]:
    import yaml  # noqa: PLC0415 — only a few stacks need it

    # The loader in C is ten times as fast, but not everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (Path(__file__).parents[2] / "Pulumi.yaml").read_text("utf-8")
    schema: dict[str, dict[str, Any]] = yaml.load(text, loader)["config"]  # noqa: S506 — both are safe
    return schema
