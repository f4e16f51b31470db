"""Set-up's cache of downloads and builds, which all checkouts of one user share.

A folder in it is either complete or missing: one process at a time fills it under another name,
then renames it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.running import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTIAL = ".partial-"


def cache_root(environment: Mapping[str, str]) -> Path:
    """Return the user's cache folder for this project, by the XDG rules."""
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fargate-web"


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Lock `folder` against other set-ups until the block or the process ends.

    Raises:
        OSError: The folder can't be created or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another set-up is at work in {folder}; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def filled_whole(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` if the block succeeds, and is removed otherwise.

    Leftovers of killed set-ups for this target are removed first. Call it inside `exclusively`.
    """
    for leftover in target.parent.glob(f"{target.name}{PARTIAL}*"):
        remove(leftover)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}{PARTIAL}", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o755)
        remove(target)
        partial.rename(target)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its read-only parts; do nothing if there is neither."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def replace_link(link: Path, target: Path) -> None:
    """Point a symbolic link at `target`, without a moment in which the link is missing."""
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f"{link.name}{PARTIAL}{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(link)
