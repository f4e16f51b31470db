"""CloudWatch's log streams as files: listed, and followed as they grow.

A container's stream is named PREFIX/CONTAINER/TASK, as ECS names it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_POLL_SECONDS = 0.25


def streams(root: Path, group: str = "", container: str = "") -> Iterator[Path]:
    """Return the files of streams, sorted.

    Args:
        root: The folder of all log groups.
        group: A part of the path, that is of group and stream.
        container: The container; empty for all.
    """
    for path in sorted(root.rglob("*")):
        if not path.is_file() or group not in f"/{path.relative_to(root)}":
            continue
        if container in {"", container_of(path)}:
            yield path


def container_of(stream: Path) -> str:
    """Return the name of the container whose stream this is."""
    return stream.parent.name


def follow(root: Path, group: str = "", container: str = "", *, forever: bool = True) -> None:
    """Print what the streams hold, each line after its stream's name, and go on with what comes."""
    read: dict[Path, int] = {}
    while True:
        found = list(streams(root, group, container))
        for path, label in zip(found, _labels(found), strict=True):
            for line in _new_lines(path, read):
                print(f"{label} | {line}", flush=True)
        if not forever:
            return
        time.sleep(_POLL_SECONDS)


def _labels(found: Sequence[Path]) -> list[str]:
    """Return the task of each stream, after its container if several containers have streams."""
    tasks = [path.name[:12] for path in found]
    containers = list(map(container_of, found))
    if len(set(containers)) < 2:  # noqa: PLR2004 — one container
        return tasks
    labels = [f"{name}/{task}" for name, task in zip(containers, tasks, strict=True)]
    width = max(map(len, labels))
    return [f"{label:<{width}}" for label in labels]


def _new_lines(path: Path, read: dict[Path, int]) -> Iterator[str]:
    """Yield the whole lines that came since the last call; a half-written one waits."""
    with path.open("rb") as file:
        file.seek(read.get(path, 0))
        fresh = file.read()
    whole = fresh[: fresh.rfind(b"\n") + 1]
    read[path] = read.get(path, 0) + len(whole)
    yield from whole.decode(errors="replace").splitlines()
