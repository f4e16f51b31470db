"""Where the local certificate authority keeps its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def authority_file(directory: Path) -> Path:
    """Return the file that clients of the load balancers must trust; the authority writes it.

    Args:
        directory: The state directory, `.local/`.
    """
    return directory / "certificates" / "authority.pem"
