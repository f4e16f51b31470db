"""The SSM parameters that exist before the first deployment, from a TOML file that the user edits."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TYPES = ("String", "StringList", "SecureString")


class BadParameters(Exception):  # noqa: N818 — it is the file that is bad
    """The file can't be used; the message says where and what is allowed, never a value."""


@dataclass(frozen=True)
class Parameter:
    """One parameter. Its value goes to a task's environment, and is kept out of `repr` so that it goes nowhere else."""

    type: str
    value: str

    def __repr__(self) -> str:
        return f"Parameter(type={self.type!r}, value=...)"


def load(path: Path) -> Mapping[str, Parameter]:
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


def _parameter(file: str, name: str, entry: object) -> Parameter:
    match entry:
        case str():
            return Parameter("String", entry)
        case {"type": str(kind), "value": str(value), **rest} if kind in TYPES and not rest:
            return Parameter(kind, value)
    raise BadParameters(
        f"{file}: '{name}' must be a text, or a table with `type` ({', '.join(TYPES)}) and `value`, both texts"
    )
