"""CloudWatch's log streams as files: listed, and followed as they grow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_SECONDS = 0.25


def streams(root: Path, group: str = "") -> Iterator[Path]:
    """Return every stream's file whose path, that is group and stream, contains `group`; sorted."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and group in f"/{path.relative_to(root)}":
            yield path


def follow(root: Path, group: str = "", *, forever: bool = True) -> None:
    """Print what the streams hold, each line after its stream's name, and go on with what comes."""
    read: dict[Path, int] = {}
    while True:
        for path in streams(root, group):
            for line in _new_lines(path, read):
                print(f"{path.name[:12]} | {line}", flush=True)
        if not forever:
            return
        time.sleep(_POLL_SECONDS)


def _new_lines(path: Path, read: dict[Path, int]) -> Iterator[str]:
    """Yield the whole lines that came since the last call; a half-written one waits."""
    with path.open("rb") as file:
        file.seek(read.get(path, 0))
        fresh = file.read()
    whole = fresh[: fresh.rfind(b"\n") + 1]
    read[path] = read.get(path, 0) + len(whole)
    yield from whole.decode(errors="replace").splitlines()
