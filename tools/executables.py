"""Find the user's own executable of a tool, where it can be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.setup_context import SetupContext


def find_on_path(
    name: str, context: SetupContext, own_links: Path, objection: Callable[[Path], str | None]
) -> tuple[Path | None, list[str]]:
    """Return an executable that the user installed, and why each one before it isn't used.

    Args:
        name: The executable's name.
        context: PATH, and the cache, in which what set-up installed isn't the user's.
        own_links: The folder with the links that set-up makes, which aren't the user's either.
        objection: Returns why an executable can't be used, None if it can.
    """
    rejected: list[str] = []
    for folder in filter(None, context.environment.get("PATH", os.defpath).split(os.pathsep)):
        candidate = Path(folder) / name
        is_link = own_links.resolve() == Path(folder).resolve()
        is_cached = candidate.resolve().is_relative_to(context.cache.resolve())
        # `access` first: `is_file` raises an error in a folder that this user can't search.
        if is_link or is_cached or not (os.access(candidate, os.X_OK) and candidate.is_file()):
            continue
        reason = objection(candidate)
        if reason is None:
            return candidate, rejected
        rejected.append(reason)
    return None, rejected
