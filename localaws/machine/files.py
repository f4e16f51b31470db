"""Files of the local AWS: written atomically, and set aside when they are damaged."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content atomically, also for a reader or a crash at any moment.

    Only its owner may read it: parameters that a program manages hold secrets.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    scratch.touch(mode=0o600)
    try:
        scratch.write_text(text, encoding="utf-8")
    except OSError as error:
        error.filename = str(path)  # which a full disk's error lacks
        raise
    scratch.replace(path)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, over one set aside earlier; return its new path."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    return aside


def read_what_can_be_made_anew(
    path: Path, understand: Callable[[Any], T], *, otherwise: T, then: str
) -> T:
    """Return the contents of a JSON file; a damaged one is set aside, with a warning.

    Args:
        path: The file.
        understand: Makes the result of the JSON document; raises one of Python's own errors for
            values of wrong types.
        otherwise: The result without a file, or with a damaged one.
        then: What a damaged file means, for the warning.
    """
    try:
        return understand(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return otherwise
    except (ValueError, TypeError, AttributeError, KeyError) as damage:
        import logging  # noqa: PLC0415 — rarely needed, and each command waits for imports

        logging.getLogger(__name__).warning(
            "%s was damaged (%s) and is at %s: %s", path, damage, set_aside(path), then
        )
        return otherwise
