"""Get `nft` and `ip`, which the local AWS's VPC needs, where PATH lacks them.

On Debian and its derivatives their packages are downloaded and unpacked into the cache with the
distribution's own client, which verifies them. Nothing is installed into the system, and no root is
needed. Elsewhere set-up prints how to install them and goes on: without them tasks are processes
without a VPC.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tools import debian
from tools.cache import exclusively, filled_whole
from tools.running import CommandFailedError, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGES = {"nft": "nftables", "ip": "iproute2"}
"""The programs, and the Debian packages that have them."""

SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where administration programs are; a user's PATH often lacks them. The same as in
`localaws.machine.programs`."""

HOW_TO_INSTALL = (
    "Install nftables and iproute2 with the system's package manager (Debian, Ubuntu: apt install "
    "nftables iproute2; Fedora: dnf install nftables iproute; Arch: pacman -S nftables iproute2; "
    "Alpine: apk add nftables iproute2)."
)
WRAPPER = """#!/bin/sh
# {name} with the libraries beside it.
LD_LIBRARY_PATH="{libraries}" exec "{program}" "$@"
"""


def find_or_fetch(cache: Path, environment: Mapping[str, str]) -> dict[str, Path]:
    """Return the programs that the system lacks, downloaded into the cache if need be.

    A program that can't be had is left out, and set-up's output has the reason.

    Args:
        cache: The project's cache folder.
        environment: The environment of the commands; its PATH is where programs are looked for.
    """
    path = os.pathsep.join([environment.get("PATH", os.defpath), *SYSTEM])
    missing = [name for name in PACKAGES if shutil.which(name, path=path) is None]
    if not missing or sys.platform != "linux":
        return {}
    fetched = {}
    for name in missing:
        target = cache / "network-programs" / f"{_system()}-{name}"
        try:
            with exclusively(target.parent):
                if not _works(target / name):
                    _fetch(name, target, {**environment, "PATH": path, "LC_ALL": "C"})
        except (CommandFailedError, OSError) as error:
            say(f"{name} is missing, so the local AWS has no VPC. {error}\n{HOW_TO_INSTALL}")
        else:
            fetched[name] = target / name
    return fetched


def _system() -> str:
    """Identify the distribution whose libraries the packages need."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    words = (release.get("ID", "linux"), release.get("VERSION_ID", ""), platform.machine())
    return "-".join(filter(None, words))


def _works(program: Path) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - the program in the cache
            [program, "-V"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _fetch(name: str, target: Path, environment: Mapping[str, str]) -> None:
    """Download and unpack a program's package with the libraries that the system lacks.

    Raises:
        CommandFailedError: The distribution isn't Debian's kind, or the packages can't be had.
    """
    say(f"Getting {name}, which PATH lacks, as Debian packages (once, a few seconds).")
    with filled_whole(target) as partial:
        debian.unpack(PACKAGES[name], partial, environment, with_needed=True)
        _write_wrapper(name, partial, target)
    if not _works(target / name):
        raise CommandFailedError(f"{target / name} was unpacked, but doesn't run.")


def _write_wrapper(name: str, unpacked: Path, target: Path) -> None:
    program = unpacked / "usr" / "sbin" / name
    if not program.exists():
        program = unpacked / "bin" / name
    if not program.exists():
        raise CommandFailedError(f"The package {PACKAGES[name]} has no {name}.")
    folders = {path.parent.relative_to(unpacked) for path in unpacked.rglob("*.so.*")}
    wrapper = unpacked / name
    wrapper.write_text(
        WRAPPER.format(
            name=name,
            libraries=os.pathsep.join(str(target / folder) for folder in sorted(folders)),
            program=target / program.relative_to(unpacked),
        )
    )
    wrapper.chmod(0o755)
