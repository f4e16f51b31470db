"""One value out of a JSON document, by RFC 6901."""

import json


def at_pointer(text: str, pointer: str) -> str | None:
    """The string that a pointer leads to, or the JSON of a number or a truth; None where there is neither."""
    try:
        value = json.loads(text)
        for token in pointer.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else None
