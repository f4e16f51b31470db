"""The files that an image is built from, and a fingerprint of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.aws.image_build import ImageBuild

_WILDCARDS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
"""Regular expressions of a .dockerignore file's wildcards, the longest first."""


def fingerprint(build: ImageBuild, *, platform: str) -> str:
    """Return a digest of everything that decides what is built.

    It covers what the docker-build provider compares to find out whether to build again, so that an
    image that is built again never has an earlier image's tag. Source: `hashBuildContext` in
    pulumi-docker-build, provider/internal/context.go.
    """
    digest = hashlib.sha256()
    dockerfile = Path(build.dockerfile_path)
    for part in (
        [build.context, build.dockerfile, build.target, platform, sorted(build.args.items())],
        dockerfile.read_bytes().hex(),
    ):
        digest.update(json.dumps(part).encode())
    for name, path in _files(Path(build.context), _ignored(build, dockerfile)):
        digest.update(json.dumps([name, *_described(path)]).encode())
    return digest.hexdigest()


def _described(path: Path) -> Iterator[str]:
    """Yield what a file is: its kind and permissions, where a link points to, and its content."""
    yield stat.filemode(path.lstat().st_mode)
    if path.is_symlink():
        yield str(path.readlink())
    if path.is_file():
        with path.open("rb") as content:
            yield hashlib.file_digest(content, "sha256").hexdigest()


def _files(context: Path, ignored: Sequence[_Pattern]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a context that aren't ignored, by their names in it, sorted."""
    exceptions = any(pattern.exception for pattern in ignored)
    for folder, folders, names in os.walk(context):
        inside = Path(folder).relative_to(context)
        # A link to a folder is sent as a link.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            relative = (inside / name).as_posix()
            if not _is_ignored(relative, ignored):
                yield relative, Path(folder, name)
        # A pattern with `!` may take back a file in a folder that is ignored; else `os.walk`, which
        # enters what is left in this list, needn't enter such a folder.
        if not exceptions:
            folders[:] = [
                name for name in folders if not _is_ignored((inside / name).as_posix(), ignored)
            ]
        folders.sort()


@dataclass
class _Pattern:
    """A line of a .dockerignore file."""

    expression: re.Pattern[str]
    exception: bool
    """Whether it takes back what earlier lines ignore."""


def _ignored(build: ImageBuild, dockerfile: Path) -> list[_Pattern]:
    """Read the patterns of the Dockerfile's own ignore file, or else the context's.

    Source: Docker, build context, .dockerignore files.
    """
    for path in (Path(f"{dockerfile}.dockerignore"), Path(build.context, ".dockerignore")):
        if path.is_file():
            return list(_patterns(path.read_text("utf-8-sig")))
    return []


def _patterns(text: str) -> Iterator[_Pattern]:
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        exception = line.strip().startswith("!")
        name = os.path.normpath(line.strip().removeprefix("!").strip() or ".").lstrip("/")
        if name not in {"", "."}:
            yield _Pattern(re.compile(_expression(name), re.DOTALL), exception)


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern's paths.

    Source: moby/patternmatcher, which extends Go's filepath.Match by `**`.
    """
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\\.|.", pattern)
    expression = ""
    for part in parts:
        if part.startswith("["):
            expression += part
        else:
            expression += _WILDCARDS.get(part) or re.escape(part.removeprefix("\\"))
    return expression


def _is_ignored(path: str, patterns: Sequence[_Pattern]) -> bool:
    """Return whether the last pattern that matches a path, or a folder above it, ignores it."""
    parts = path.split("/")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    ignored = False
    for pattern in patterns:
        if any(map(pattern.expression.fullmatch, paths)):
            ignored = not pattern.exception
    return ignored
