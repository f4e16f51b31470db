"""Choose the Python of the environment: the one that runs set-up, or the system's.

Version managers that compile Python, such as pyenv, build it without profile-guided optimization
unless they are configured to. Distributions build theirs with it.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from tools.running import say

SYSTEM = Path("/usr/bin")

QUERY = """
import asyncio, bz2, ctypes, lzma, sqlite3, ssl, sys
if sys.version_info < (3, 11) or sys.implementation.name != "cpython":
    sys.exit(1)
print(sys.version.split()[0])
"""
"""Program that succeeds where a Python can run the project: Debian's minimal one lacks modules."""

TIMEOUT_SECONDS = 10


def own() -> Path:
    """Return the Python that runs set-up, outside any virtual environment."""
    return Path(sys.executable).resolve()


def optimized(system: Path = SYSTEM) -> Path:
    """Return the Python that runs set-up, or the system's if only that was built to be fast.

    The Python of an active virtual environment is kept.

    Args:
        system: The folder of the system's Pythons.
    """
    if sys.prefix != sys.base_prefix or _is_optimized(system):
        return own()
    for name in (f"python3.{sys.version_info.minor}", "python3"):
        version = _version(system / name)
        if version:
            say(
                f"The environment gets {system / name} ({version}): {own()} was built without "
                "optimizations. To choose one yourself: make setup PYTHON=python3"
            )
            return system / name
    return own()


def _is_optimized(system: Path) -> bool:
    """Return whether this Python says so of its build, or is the system's."""
    if Path(sys.base_prefix) == system.parent:
        return True
    return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")


def _version(python: Path) -> str | None:
    """Return the version of a Python that can run the project, else None."""
    try:
        answer = subprocess.run(  # noqa: S603 - the system's Python and the query above
            [python, "-I", "-c", QUERY],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
