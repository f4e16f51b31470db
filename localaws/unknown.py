"""The value of what a preview doesn't know yet, apart from the catalog, whose import takes long."""

from __future__ import annotations

from typing import Final


class Unknown:
    """The type of `UNKNOWN`, a value that isn't known before the deployment."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()
