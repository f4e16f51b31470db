"""Property paths of `ignore_changes` and `replace_on_changes`.

They look like `tags.Name`, `tags["a.b"]` or `settings[0].value`.
"""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[]+)')
_ABSENT = object()


def with_old_value(new: dict[str, Any], old: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the new inputs, but with the old value at that path, or without one if old has none.

    The inputs themselves aren't changed.
    """
    steps = [quoted or index or name for quoted, index, name in _STEP.findall(path)]
    result: dict[str, Any] = _with_old_value(new, old, steps)
    return result


def _with_old_value(new: Any, old: Any, steps: list[str]) -> Any:
    if not steps:
        return old
    step, *rest = steps
    match new, old:
        case dict(), dict():
            members = dict(new)
            names = {*new, *old} if step == "*" else {step}
            for name in names:
                value = _with_old_value(new.get(name, _ABSENT), old.get(name, _ABSENT), rest)
                if value is _ABSENT:
                    members.pop(name, None)
                else:
                    members[name] = value
            return members
        case list(), list():
            items = list(new)
            for index in range(min(len(new), len(old))):
                if step in {"*", str(index)}:
                    items[index] = _with_old_value(new[index], old[index], rest)
            return items
    return new
