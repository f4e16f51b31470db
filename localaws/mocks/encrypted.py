"""Encrypted values of a stack's file, which only its passphrase or key can decrypt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET: Final = "[secret]"  # noqa: S105 — it stands for what isn't known
"""What a program gets for each encrypted value."""


def replaced(config: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return a configuration with SECRET for encrypted values, and the keys that have some."""
    texts: dict[str, str] = {}
    keys: list[str] = []
    for key, text in config.items():
        texts[key] = text
        if '"secure"' not in text:
            continue
        try:
            value = json.loads(text)
        except ValueError:
            continue
        plain = _without_ciphers(value)
        if plain != value:
            keys.append(key)
            texts[key] = plain if isinstance(plain, str) else json.dumps(plain)
    return texts, keys


def _without_ciphers(value: Any) -> Any:
    match value:
        case {"secure": str()} if len(value) == 1:
            return SECRET
        case dict():
            return {name: _without_ciphers(each) for name, each in value.items()}
        case list():
            return list(map(_without_ciphers, value))
    return value
