"""Get uv, which creates the environment: the installed one, or a pinned one from PyPI."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools.cache import cache_root, exclusively, filled_whole
from tools.running import CommandFailedError, run, say

PINNED = Path(__file__).with_name("uv.txt")
PIP_WITHOUT_INSTALLATION = "https://bootstrap.pypa.io/pip/pip.pyz"
"""pip's official single file, for a Python that has neither pip nor ensurepip (Debian's without
python3-venv).
"""


class NoUvError(Exception):
    """uv is missing and couldn't be fetched; the text names what to install by hand."""


def find_or_fetch(cache: Path, path: str | None) -> Path:
    """Return uv from `path` or from the cache, and fetch it into the cache if both lack it.

    Args:
        cache: The project's cache folder.
        path: The value of PATH to search.

    Raises:
        NoUvError: It is missing and can't be fetched.
    """
    installed = shutil.which("uv", path=path)
    if installed:
        return Path(installed)
    version = re.search(r"^uv==([\w.]+)", PINNED.read_text(), re.MULTILINE)
    assert version, f"{PINNED} pins no uv"
    target = cache / "uv" / version[1]
    if not _works(target):
        with exclusively(target.parent):
            if not _works(target):
                _fetch(target, version[1])
    return target / "bin" / "uv"


def _works(target: Path) -> bool:
    return shutil.which("uv", path=str(target / "bin")) is not None


def _fetch(target: Path, version: str) -> None:
    say(f"Fetching uv {version} (once, a few seconds).")
    tried = []
    with filled_whole(target) as partial, tempfile.TemporaryDirectory() as scratch:
        for prepare_pip in (_own_pip, _ensured_pip, _downloaded_pip):
            try:
                pip = prepare_pip(Path(scratch))
                install = [
                    *(*pip, "install", "--quiet", "--no-deps", "--require-hashes"),
                    *("--target", partial, "-r", PINNED),
                ]
                run(install, what="fetching uv with pip", timeout_seconds=600)
            except CommandFailedError as error:
                tried.append(str(error))
            else:
                return
        reasons = "\n  ".join(tried)
        raise NoUvError(
            f"uv is not on PATH and could not be fetched with {sys.executable}:\n  {reasons}\n"
            "Install uv (docs.astral.sh/uv), or pip for this Python (on Debian: "
            "python3-pip), and run this again."
        )


def _own_pip(scratch: Path) -> list[str | Path]:
    del scratch
    if importlib.util.find_spec("pip") is None:
        raise CommandFailedError("this Python has no pip")
    return [sys.executable, "-m", "pip"]


def _ensured_pip(scratch: Path) -> list[str | Path]:
    if importlib.util.find_spec("ensurepip") is None:
        raise CommandFailedError("this Python has no ensurepip either")
    environment = scratch / "with-pip"
    run([sys.executable, "-m", "venv", environment], what="creating an environment for pip")
    return [environment / "bin" / "python", "-m", "pip"]


def _downloaded_pip(scratch: Path) -> list[str | Path]:
    import urllib.request  # noqa: PLC0415 - 40 ms that only this last resort has to pay

    alone = scratch / "pip.pyz"
    try:
        with urllib.request.urlopen(PIP_WITHOUT_INSTALLATION, timeout=10) as response:
            alone.write_bytes(response.read())
    except OSError as error:
        raise CommandFailedError(
            f"fetching pip from {PIP_WITHOUT_INSTALLATION}: {error}"
        ) from error
    return [sys.executable, alone]


if __name__ == "__main__":
    sys.stdout.write(f"{find_or_fetch(cache_root(os.environ), os.environ.get('PATH'))}\n")
