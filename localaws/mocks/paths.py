"""Property paths of `ignore_changes` and `replace_on_changes`.

They look like `tags.Name`, `tags["a.b"]` or `settings[0].value`.
"""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[]+)')
_ABSENT = object()


def kept(new: dict[str, Any], old: dict[str, Any], path: str) -> dict[str, Any]:
    """The new inputs, with what is at that path taken from the old ones, be it nothing."""
    steps = [quoted or index or name for quoted, index, name in _STEP.findall(path)]
    found: dict[str, Any] = _kept(new, old, steps)
    return found


def _kept(new: Any, old: Any, steps: list[str]) -> Any:
    if not steps:
        return old
    step, *rest = steps
    match new, old:
        case dict(), dict():
            names = {*new, *old} if step == "*" else {step}
            changed = {
                name: _kept(new.get(name, _ABSENT), old.get(name, _ABSENT), rest) for name in names
            }
            return {
                name: value for name, value in {**new, **changed}.items() if value is not _ABSENT
            }
        case list(), list():
            return [
                _kept(each, old[index], rest)
                if step in {"*", str(index)} and index < len(old)
                else each
                for index, each in enumerate(new)
            ]
    return new
