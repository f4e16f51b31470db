"""The files that a build sends to its builder: those of the context that aren't ignored.

`infra/service/build_context.py` decides the same for the program, and neither may import the other;
`tests/infra/service/test_build_context.py` holds both to the same cases.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def context_hash(context: Path, dockerfile: Path) -> str:
    """Return a digest of the Dockerfile and of the files that are sent.

    Source of what is covered: `hashBuildContext` in pulumi-docker-build,
    provider/internal/context.go.
    """
    digest = hashlib.sha256(dockerfile.read_bytes())
    rules = _rules(context, dockerfile)
    for path in sorted(_walk(context)):
        name = path.relative_to(context).as_posix()
        if _ignored(name, rules):
            continue
        digest.update(f"\0{name}\0{path.lstat().st_mode:o}\0".encode())
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Rule:
    """A line of a .dockerignore file: what it matches, and whether it takes that back."""

    matches: re.Pattern[str]
    ignores: bool


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder; a link to a folder is one too."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _rules(context: Path, dockerfile: Path) -> list[_Rule]:
    """Read the Dockerfile's own ignore file, or else the context's."""
    own = Path(f"{dockerfile}.dockerignore")
    file = own if own.is_file() else context / ".dockerignore"
    if not file.is_file():
        return []
    rules = []
    for line in file.read_text("utf-8-sig").splitlines():
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        name = os.path.normpath(pattern.removeprefix("!").strip() or ".").lstrip("/")
        if name not in {"", "."}:
            rules.append(_Rule(_expression(name), not pattern.startswith("!")))
    return rules


def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern. Source: moby/patternmatcher."""
    found = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\\.|.", pattern):
        if part.startswith("["):
            found += part
        elif part in _WILDCARDS:
            found += _WILDCARDS[part]
        else:
            found += re.escape(part.removeprefix("\\"))
    return re.compile(found, re.DOTALL)


def _ignored(name: str, rules: Sequence[_Rule]) -> bool:
    """Return whether the last rule that matches a file, or a folder above it, ignores it."""
    candidates = [name, *(str(parent) for parent in Path(name).parents if str(parent) != ".")]
    ignored = False
    for rule in rules:
        if any(rule.matches.fullmatch(each) for each in candidates):
            ignored = rule.ignores
    return ignored
