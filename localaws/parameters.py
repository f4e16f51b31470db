"""The SSM parameters and secrets that exist before the first deployment, from a TOML file that the user edits."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from localaws.cloud import SEEDED_SECRET, SeededParameter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TYPES = ("String", "StringList", "SecureString", SEEDED_SECRET)


class BadParameters(Exception):  # noqa: N818 — it is the file that is bad
    """The file can't be used; the message says where and what is allowed, never a value."""


def load(path: Path) -> Mapping[str, SeededParameter]:
    """The parameters by name; none if there is no file.

    Raises:
        BadParameters: The file isn't TOML, or an entry isn't a parameter.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameters(f"{path.name} is not valid TOML: {error}") from None
    return {name: _parameter(path.name, name, entry) for name, entry in document.items()}


def _parameter(file: str, name: str, entry: object) -> SeededParameter:
    match entry:
        case str():
            return SeededParameter(entry)
        case {"type": str(kind), "value": str(value), **rest} if kind in TYPES and not rest:
            return SeededParameter(value, kind)
    raise BadParameters(
        f"{file}: '{name}' must be a text, or a table with `type` ({', '.join(TYPES)}) and `value`, both texts"
    )
