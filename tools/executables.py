"""Finds the user's own executable of a tool, where it can be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.workshop import Workshop


def find_on_path(
    name: str, shop: Workshop, own_links: Path, objection: Callable[[Path], str | None]
) -> tuple[Path | None, list[str]]:
    """Look for an executable that the user installed, and say why each other one isn't taken.

    Args:
        name: The executable's name.
        shop: PATH, and the cache, in which what set-up installed isn't the user's.
        own_links: The folder with the links that set-up makes, which aren't the user's either.
        objection: Why an executable can't be used, or None.
    """
    rejected: list[str] = []
    for folder in filter(None, shop.environment.get("PATH", os.defpath).split(os.pathsep)):
        candidate = Path(folder) / name
        ours = own_links.resolve() == Path(folder).resolve() or candidate.resolve().is_relative_to(
            shop.cache.resolve()
        )
        if ours or not (candidate.is_file() and os.access(candidate, os.X_OK)):
            continue
        reason = objection(candidate)
        if reason is None:
            return candidate, rejected
        rejected.append(reason)
    return None, rejected
