"""How an image is built from a Dockerfile, and what a Dockerfile declares. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PLATFORMS: Final = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
"""Docker's name of the platform, by ECS's name of the processor."""

_PREDEFINED_ARGUMENT: Final = r"(?i:(http|https|ftp|no|all)_proxy)|SOURCE_DATE_EPOCH|BUILDKIT_\w+"
"""Arguments that every build has. Source: Dockerfile reference, predefined ARGs."""


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """A build of an image, as `docker build` describes it."""

    context: str
    """Folder whose files the build can copy, relative to the project's folder."""

    dockerfile: str = "Dockerfile"
    """The Dockerfile, relative to the context."""

    target: str | None = None
    """Stage of the Dockerfile that is built; None for the last one."""

    args: Mapping[str, str] = field(default_factory=dict)
    """Build arguments. They are in the image's history, so they must hold no secrets."""

    platform: str | None = None
    """Platform that the image is built for; None for that of the tasks."""

    @property
    def dockerfile_path(self) -> str:
        """The Dockerfile, relative to the project's folder."""
        return posixpath.normpath(posixpath.join(self.context, self.dockerfile))


def stages(dockerfile: str) -> list[str]:
    """Return the names of a Dockerfile's stages; their numbers name them too."""
    return re.findall(r"(?im)^[ \t]*FROM[ \t]+.*[ \t]AS[ \t]+(\S+)[ \t]*$", dockerfile)


def stage_count(dockerfile: str) -> int:
    """Return how many stages a Dockerfile has, those without a name included."""
    return len(re.findall(r"(?im)^[ \t]*FROM[ \t]", dockerfile))


def undeclared(dockerfile: str, arguments: Mapping[str, str]) -> list[str]:
    """Return the build arguments that a Dockerfile has no ARG for, and so ignores."""
    declared: set[str] = set()
    for line in re.findall(r"(?im)^[ \t]*ARG[ \t]+(.*)", dockerfile.replace("\\\n", " ")):
        declared.update(re.findall(r"(?:^|\s)([A-Za-z_]\w*)", line))
    return [
        name
        for name in arguments
        if name not in declared and not re.fullmatch(_PREDEFINED_ARGUMENT, name)
    ]
