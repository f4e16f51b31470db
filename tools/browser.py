"""Get a headless Chromium from the npm registry, pinned by its hash, for the tests of pages.

The package (https://github.com/Sparticuz/chromium) holds the browser with the libraries and fonts
that a bare Linux lacks, for x86-64. Nothing is installed into the system, and no root is needed.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import sys
import tarfile
from typing import TYPE_CHECKING

from tools.cache import cache_root, exclusively, filled_whole
from tools.running import CommandFailedError, run, say

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "@sparticuz/chromium@153.0.0"
INTEGRITY = (
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/"
    "EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
)
"""Hash of the package, as in the registry and in package-lock.json files."""

ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
"""Archives in the package: libraries, fonts, and a renderer that needs no graphics card."""

UNPACK = """
const fs = require("fs"), zlib = require("zlib"), { pipeline } = require("stream/promises");
(async () => { for (const name of process.argv.slice(1)) await pipeline(
  fs.createReadStream(name + ".br"), zlib.createBrotliDecompress(), fs.createWriteStream(name)
  ); })();
"""

LAUNCHER = """#!/bin/sh
# The browser with the libraries and fonts beside it.
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf" exec "$here/chromium" "$@"
"""

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


class NoBrowserError(Exception):
    """There is no browser and none can be installed; the text has the reason and what to do."""


def find_or_install(cache: Path) -> Path:
    """Return the browser's command, and install it into the cache if it is missing.

    Args:
        cache: The project's cache folder.

    Raises:
        NoBrowserError: It is missing and can't be installed.
    """
    target = cache / "browser" / PACKAGE.rpartition("@")[2]
    if not _complete(target):
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise NoBrowserError(f"{PACKAGE} is a browser for Linux on x86-64 only")
        if not (shutil.which("npm") and shutil.which("node")):
            raise NoBrowserError(
                f"npm, which gets {PACKAGE}, and node are not on PATH: install Node.js"
            )
        try:
            with exclusively(target.parent):
                if not _complete(target):
                    _install(target)
        except (CommandFailedError, OSError, tarfile.TarError) as error:
            raise NoBrowserError(f"{PACKAGE} could not be installed: {error}") from error
    return target / "browser"


def _complete(target: Path) -> bool:
    return all((target / name).exists() for name in ("browser", "chromium", "fonts.conf"))


def _install(target: Path) -> None:
    say(
        "Getting a headless browser for the tests (once, a few seconds, 70 MB to fetch, "
        "220 MB unpacked)."
    )
    with filled_whole(target) as partial:
        pack: list[str | Path] = [
            *("npm", "pack", PACKAGE),
            *("--ignore-scripts", "--pack-destination", partial),
        ]
        run(pack, what="fetching the browser with npm", cwd=partial, timeout_seconds=600)
        (packed,) = partial.glob("*.tgz")
        check_integrity(packed, INTEGRITY)
        with tarfile.open(packed) as package:
            _filter_members(package)
            for member in package.getmembers():
                if member.name.startswith("package/bin/"):
                    member.name = member.name.removeprefix("package/bin/")
                    package.extract(member, partial)
        packed.unlink()
        run(
            ["node", "-e", UNPACK, "chromium", *ARCHIVES], what="unpacking the browser", cwd=partial
        )
        for name in ARCHIVES:
            with tarfile.open(partial / name) as archive:
                _filter_members(archive)
                archive.extractall(partial)  # noqa: S202 — it is pinned by its hash
            (partial / name).unlink()
        for rest in partial.glob("*.br"):
            rest.unlink()
        (partial / "chromium").chmod(0o755)
        (partial / "fonts.conf").write_text(FONTS.format(folder=target))
        (partial / "browser").write_text(LAUNCHER)
        (partial / "browser").chmod(0o755)


def _filter_members(archive: tarfile.TarFile) -> None:
    """Have what is unpacked stay in its folder, with safe modes, where this Python can do that."""
    if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
        archive.extraction_filter = staticmethod(tarfile.data_filter)


def check_integrity(packed: Path, wanted: str) -> None:
    """Compare a package's hash with the pinned one.

    Raises:
        CommandFailedError: They differ.
    """
    with packed.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != wanted:
        raise CommandFailedError(f"{packed.name} is {found}, not the pinned {wanted}")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_or_install(cache_root(os.environ))}\n")
    except NoBrowserError as reason:
        sys.exit(str(reason))
