"""The image that set-up makes for nginx where no registry can be reached."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.images.reference import Reference

LABEL = "fargate-web.stand-in"
"""The image's label that says what it is made of."""

STANDS_FOR = frozenset(
    {"public.ecr.aws/nginx/nginx", "public.ecr.aws/docker/library/nginx", "docker.io/library/nginx"}
)
"""The repositories of nginx's official image."""


def find_layout() -> Path | None:
    """Return the image's OCI layout, which set-up linked beside this Python."""
    folder = Path(sys.prefix) / "share" / "fargate-web" / "nginx-stand-in"
    return folder if (folder / "index.json").exists() else None


def can_stand_for(reference: Reference) -> bool:
    """Return whether the stand-in may take an image's part: never that of an exact digest."""
    name = f"{reference.registry}/{reference.repository}"
    return name in STANDS_FOR and not reference.digest
