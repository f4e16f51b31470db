"""The defaults of configuration keys, which Pulumi.yaml has.

Pulumi passes a default like a value that a stack sets, so that a check that depends on whether a
stack sets a key compares the value with the default.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def default(key: str) -> Any:
    """Return a key's default."""
    import yaml  # noqa: PLC0415 — only a few stacks need it

    schema = yaml.safe_load((Path(__file__).parents[2] / "Pulumi.yaml").read_text("utf-8"))
    return schema["config"][key]["default"]
