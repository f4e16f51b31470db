"""Find the command that stands in for a container image; see images.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN = Path(__file__).parents[2] / "images.toml"
"""The table that comes with the local AWS."""

PAGE_SERVER = Path(__file__).with_name("page_server.py")

_KEYS = {"match", "command", "environment"}


class ImageTableError(Exception):
    """A table can't be read; the message has the file and the mistake."""


class UnknownImageError(Exception):
    """No row matches an image; the message says where to add one."""


@dataclass(frozen=True)
class Row:
    """What to run for the images that match."""

    match: tuple[str, ...]
    command: tuple[str, ...] | None = None
    """None for the task definition's own command."""

    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Images:
    """All rows, of which the first that matches counts."""

    rows: tuple[Row, ...]
    own_file: Path
    """The project's file, to which a missing row is to be added."""

    def find(self, image: str) -> Row:
        """Return the row for an image.

        Raises:
            UnknownImageError: There is none.
        """
        for row in self.rows:
            if any(fnmatchcase(image, pattern) for pattern in row.match):
                return row
        raise UnknownImageError(
            f"the local AWS doesn't know what to run for image {image}; add a row [[image]] with "
            f'match = ["{image}"] to {self.own_file}'
        )


def load(own_file: Path) -> Images:
    """Return the project's rows, if it has any, before the built-in ones.

    Raises:
        ImageTableError: One of the files isn't as it should be.
    """
    own = _rows(own_file) if own_file.exists() else ()
    return Images((*own, *_rows(BUILT_IN)), own_file)


def fill(text: str, *, address: str, port: int) -> str:
    """Return a row's text with its placeholders filled in."""
    values = {
        "address": address,
        "port": str(port),
        "python": sys.executable,
        "page_server": str(PAGE_SERVER),
    }
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _rows(file: Path) -> tuple[Row, ...]:
    try:
        return tuple(_row(row) for row in tomllib.loads(file.read_text()).get("image", ()))
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError) as error:
        raise ImageTableError(f"{file}: {error}") from error


def _row(row: dict[str, Any]) -> Row:
    unknown = ", ".join(sorted(row.keys() - _KEYS))
    known = ", ".join(sorted(_KEYS))
    if unknown:
        raise ValueError(f"an image row has {unknown}; known are {known}")
    if not isinstance(row.get("match"), list):
        raise TypeError("an image row needs match, a list of patterns")
    command = row.get("command")
    environment = {str(name): str(value) for name, value in row.get("environment", {}).items()}
    return Row(
        tuple(map(str, row["match"])),
        None if command is None else tuple(map(str, command)),
        environment,
    )
