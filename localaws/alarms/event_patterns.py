"""Match events to the patterns of EventBridge's rules, and fill the templates of targets. Pure.

Source: EventBridge User Guide, "Comparison operators for use in event patterns" and "Amazon
EventBridge input transformation".
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from localaws.catalog.events import PATH_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MISSING: Final = object()


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Return whether an event has what a pattern wants; other fields of it don't matter."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(matches(each, event) for each in wanted):
                return False
            continue
        found = event.get(name, _MISSING) if isinstance(event, dict) else _MISSING
        if isinstance(wanted, dict):
            if not matches(wanted, found):
                return False
        elif not _matches_one(wanted, found):
            return False
    return True


def _matches_one(wanted: Sequence[Any], found: object) -> bool:
    """Return whether a field, or one of its elements, is one of the wanted values."""
    is_there = found is not _MISSING
    values: list[object] = []
    if is_there:
        values = found if isinstance(found, list) else [found]
    for each in wanted:
        if isinstance(each, dict) and "exists" in each:
            if each["exists"] is is_there:
                return True
        elif _is_any(each, values):
            return True
    return False


def _is_any(wanted: object, values: Sequence[object]) -> bool:
    return any(_is(wanted, each) for each in values)


def _is(wanted: object, value: object) -> bool:
    """Return whether a value is a wanted one, or as a filter such as `{"prefix": "a"}` wants it."""
    if isinstance(wanted, dict):
        ((kind, argument),) = wanted.items()
        return _KINDS[kind](argument, value)
    # 1 and True are equal in Python.
    return wanted == value and isinstance(wanted, bool) is isinstance(value, bool)


def _starts(argument: object, value: object) -> bool:
    if isinstance(argument, dict):
        return _lower(value).startswith(_lower(argument["equals-ignore-case"]))
    return isinstance(value, str) and value.startswith(str(argument))


def _ends(argument: object, value: object) -> bool:
    if isinstance(argument, dict):
        return _lower(value).endswith(_lower(argument["equals-ignore-case"]))
    return isinstance(value, str) and value.endswith(str(argument))


def _anything_but(argument: object, value: object) -> bool:
    if isinstance(argument, dict):
        ((kind, inner),) = argument.items()
        inner = inner if isinstance(inner, list) else [inner]
        return not any(_KINDS[kind](each, value) for each in inner)
    others = argument if isinstance(argument, list) else [argument]
    return not any(_is(each, value) for each in others)


def _numeric(argument: Any, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    for operator, limit in zip(argument[::2], argument[1::2], strict=True):
        if not _COMPARISONS[operator](value, limit):
            return False
    return True


def _wildcard(argument: object, value: object) -> bool:
    # Only * has a meaning in EventBridge.
    escaped = re.sub(r"[\[?]", r"[\g<0>]", str(argument))
    return isinstance(value, str) and fnmatchcase(value, escaped)


def _lower(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
_KINDS: Mapping[str, Callable[[object, object], bool]] = {
    "prefix": _starts,
    "suffix": _ends,
    "equals-ignore-case": lambda argument, value: _lower(argument) == _lower(value),
    "anything-but": _anything_but,
    "numeric": _numeric,
    "wildcard": _wildcard,
}


def value_at(event: object, path: str) -> Any:
    """Return what is at a path such as `$.resources[0]`; None if there is nothing."""
    found: Any = event
    for name, position in re.findall(PATH_STEP, path):
        if position:
            index = int(position)
            found = found[index] if isinstance(found, list) and index < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def message(target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Return the text that a target gets of an event.

    Args:
        target: The target's inputs.
        event: The event.
        rule: The outputs of its rule.
    """
    if target.get("input"):
        return str(target["input"])
    transformer = target.get("inputTransformer")
    if not transformer:
        return json.dumps(value_at(event, target.get("inputPath") or "$"))
    values: dict[str, Any] = {
        "aws.events.rule-arn": rule.get("arn"),
        "aws.events.rule-name": rule.get("name"),
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": event,
        "aws.events.event.json": event,
    }
    for name, path in (transformer.get("inputPaths") or {}).items():
        values[name] = value_at(event, path)
    return _fill(transformer["inputTemplate"], values)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template: in quotes a placeholder becomes text, elsewhere JSON."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', template)
    filled: list[str] = []
    for index, part in enumerate(parts):
        # The pattern's group puts the quoted parts at the odd positions.
        show = _inside_quotes if index % 2 else json.dumps
        filled.append(_fill_part(part, values, show))
    return "".join(filled)


def _fill_part(part: str, values: Mapping[str, Any], show: Callable[[object], str]) -> str:
    def value_of(placeholder: re.Match[str]) -> str:
        return show(values.get(placeholder[1]))

    return re.sub(r"<([\w.-]+)>", value_of, part)


def _inside_quotes(value: object) -> str:
    """Return a value as the inside of a JSON string; nothing for a missing one."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
