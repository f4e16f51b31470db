"""Unpacked images on this machine, by digest.

A folder of the store is either a complete image or not there: it is filled under another name and
renamed at the end, under a lock that other daemons of this user respect and a killed one releases.
Each isolation needs its own store: files belong to users as they are seen behind the launcher,
and an overlay refuses files of users that aren't mapped.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localaws.images.programs import run
from localaws.machine.files import write_atomically
from localaws.machine.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from localaws.machine.processes import Launcher

UNPACK = Path(__file__).with_name("unpack.py")
UNPACK_SECONDS = 900
REMOVE_SECONDS = 120
LOCK_POLL_SECONDS = 0.1
PARTIAL = ".partial"


@dataclass(frozen=True)
class StoredImage:
    """A complete image of the store."""

    root: Path
    config: Mapping[str, Any]


class Store:
    """The images of one isolation."""

    def __init__(self, folder: Path, launcher: Launcher) -> None:
        """Use a folder, which is created when the first image comes.

        Args:
            folder: The folder of all stores; each isolation has its own in it.
            launcher: What unpacks and removes: it must see the same users as the containers.
        """
        self.folder = folder / launcher.isolation
        self._launcher = launcher

    def find(self, digest: str) -> StoredImage | None:
        """Return an image, if it is here."""
        folder = self._folder_of(digest)
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return StoredImage(folder / "root", config)

    @asynccontextmanager
    async def filling(self, digest: str) -> AsyncIterator[Path]:
        """Yield a scratch folder for a download, while no other pull fills the same digest.

        The folder is removed at the end of the block, and before it what a killed pull has left.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = self._folder_of(digest).name
        scratch = self.folder / f"{name}{PARTIAL}"
        # Opened anew each time: a lock belongs to the open file, so it works between tasks too.
        with (self.folder / f"{name}.lock").open("a") as lock:
            while not _locked(lock.fileno()):  # noqa: ASYNC110 - perhaps by another process
                await asyncio.sleep(LOCK_POLL_SECONDS)
            await self._remove(scratch)
            scratch.mkdir()
            try:
                yield scratch
            finally:
                await self._remove(scratch)

    async def add(
        self, digest: str, scratch: Path, layers: Sequence[Path], config: Mapping[str, Any]
    ) -> StoredImage:
        """Unpack layers and return the image; call it inside `filling`.

        Raises:
            ProgramError: The layers can't be unpacked; the store is as before.
        """
        image = scratch / "image"
        root = image / "root"
        root.mkdir(parents=True)
        root.chmod(0o755)
        options = ["--one-id"] if self._launcher.isolation == Isolation.ONE_ID else []
        script = [sys.executable, "-I", "-S", str(UNPACK), *options, str(root)]
        await self._run([*script, *map(str, layers)], UNPACK_SECONDS)
        write_atomically(image / "config.json", json.dumps(config))
        target = self._folder_of(digest)
        await self._remove(target)  # a damaged one: a complete one would have been found
        image.rename(target)
        stored = self.find(digest)
        assert stored, f"{target} was just filled"
        return stored

    def remember(self, name: str, platform: str, digest: str) -> None:
        """Save which image a name means on a platform; a tag may mean another one later."""
        write_atomically(self._resolution(name, platform), digest)

    def resolved(self, name: str, platform: str) -> str:
        """Return the image that a name meant on a platform last; empty if that isn't known."""
        try:
            return self._resolution(name, platform).read_text(encoding="utf-8")
        except OSError:
            return ""

    def _folder_of(self, digest: str) -> Path:
        return self.folder / digest.replace(":", "-")

    def _resolution(self, name: str, platform: str) -> Path:
        return self.folder / "resolved" / quote(f"{name} {platform}", safe="")

    async def _remove(self, path: Path) -> None:
        """Remove a folder behind the launcher: its files may belong to users mapped only there."""
        if _is_there(path):
            await self._run(["rm", "-rf", str(path)], REMOVE_SECONDS)

    async def _run(self, argv: Sequence[str], seconds: float) -> None:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        await run(self._launcher, argv, environment=environment, seconds=seconds)


def _is_there(path: Path) -> bool:
    return path.exists()


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
