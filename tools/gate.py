"""Get the gate's scanners, in a separate environment.

They pin older versions of packages that the program needs.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import cache_root, exclusively, filled_whole
from tools.running import CommandFailedError, run, say
from tools.uv import NoUvError, find_or_fetch

if TYPE_CHECKING:
    from collections.abc import Callable

PINNED = Path(__file__).with_name("gate.txt")
SCANNERS = ("checkov", "cfn-lint", "policy_sentry")


class NoScannersError(Exception):
    """The scanners are missing and can't be installed; the text has what was tried."""


def find_or_install(cache: Path, uv: Callable[[], Path], pinned: Path = PINNED) -> Path:
    """Return the folder with the scanners' commands, and install them on first use.

    Args:
        cache: The project's cache folder.
        uv: Finds or fetches uv; called only if something must be installed.
        pinned: The locked requirements.

    Raises:
        NoScannersError: They are missing and can't be installed.
    """
    digest = hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]
    target = cache / "gate" / f"{digest}-python{sys.version_info.major}.{sys.version_info.minor}"
    try:
        if not _complete(target):
            with exclusively(target.parent):
                if not _complete(target):
                    _install(target, uv(), pinned)
    except (CommandFailedError, NoUvError, OSError) as error:
        raise NoScannersError(
            f"The gate's scanners ({', '.join(SCANNERS)}) are not installed and could "
            f"not be:\n  {error}\n"
            "Nothing was checked. They come from the package index; run this again where "
            "it can be reached."
        ) from error
    return target / "bin"


def _complete(target: Path) -> bool:
    return all((target / "bin" / name).exists() for name in ("python", *SCANNERS))


def _install(target: Path, uv: Path, pinned: Path) -> None:
    say("Installing the gate's scanners (once, about a minute, 390 MB).")
    # uv would install into another environment that is active.
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("CONDA_PREFIX", None)
    with filled_whole(target) as partial:
        # Relocatable: the folder is renamed when it is complete.
        create: list[str | Path] = [
            *(uv, "venv", "--relocatable", "--allow-existing"),
            *("--python", sys.executable, partial),
        ]
        run(create, what="creating the scanners' environment", environment=environment)
        python = partial / "bin" / "python"
        install: list[str | Path] = [
            *(uv, "pip", "sync", "--python", python),
            *("--require-hashes", "--compile-bytecode", pinned),
        ]
        run(install, what="installing the scanners", environment=environment, timeout_seconds=1200)


def main() -> None:
    """Print the folder with the scanners' commands."""
    cache = cache_root(os.environ)
    path = os.environ.get("PATH")
    try:
        commands = find_or_install(cache, lambda: find_or_fetch(cache, path))
    except NoScannersError as reason:
        sys.exit(str(reason))
    sys.stdout.write(f"{commands}\n")


if __name__ == "__main__":
    main()
