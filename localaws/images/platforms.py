"""Which platforms this machine runs."""

from __future__ import annotations

import platform
from pathlib import Path

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_EMULATORS = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}
BINFMT = Path("/proc/sys/fs/binfmt_misc")


def of_this_machine() -> str:
    """Return the platform that this machine runs by itself."""
    machine = platform.machine()
    return f"linux/{_MACHINES.get(machine, machine)}"


def can_run(wanted: str, *, here: str | None = None, binfmt: Path = BINFMT) -> bool:
    """Return whether this machine runs a platform's programs, by itself or by an emulator.

    Args:
        wanted: The platform, as `linux/arm64`.
        here: What the machine runs by itself.
        binfmt: The kernel's folder of registered emulators.
    """
    if wanted == (here or of_this_machine()):
        return True
    emulator = binfmt / _EMULATORS.get(wanted.removeprefix("linux/"), "none")
    try:
        return emulator.read_text().startswith("enabled")
    except OSError:
        return False
