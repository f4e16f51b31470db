"""Packages of Debian and its derivatives, unpacked into a folder by the system's own clients.

apt verifies what it downloads. Nothing is installed into the system, and no root is needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tools.cache import remove
from tools.running import CommandFailedError, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COMMAND_SECONDS = 300


def unpack(
    package: str, folder: Path, environment: Mapping[str, str], *, with_needed: bool
) -> list[str]:
    """Download and unpack a package, and return the names of the files that were downloaded.

    Args:
        package: Its name.
        folder: Where its files go.
        environment: The environment of the commands.
        with_needed: Whether the packages that it needs and the system lacks come along.

    Raises:
        CommandFailedError: The distribution isn't Debian's kind, or the packages can't be had.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool, path=environment.get("PATH")) is None:
            raise CommandFailedError(f"There is no {tool} on PATH, by which set-up could get it.")
    downloads = folder / "downloads"
    downloads.mkdir(parents=True)
    _download(package, downloads, environment, with_needed=with_needed)
    packages = sorted(downloads.glob("*.deb"))
    for each in packages:
        run(
            ["dpkg-deb", "--extract", each, folder],
            what=f"unpacking {each.name}",
            environment=environment,
            timeout_seconds=COMMAND_SECONDS,
        )
    remove(downloads)
    return [each.name for each in packages]


def _download(
    package: str, folder: Path, environment: Mapping[str, str], *, with_needed: bool
) -> None:
    """Have apt download a package.

    Where the system has no list of packages, as in most container images, it gets its own.
    """
    options: list[str] = []
    try:
        needed = _needed(package, options, environment) if with_needed else [package]
        _apt(["download", *needed], options, folder, environment)
    except CommandFailedError:
        lists, cache = folder / "lists", folder / "cache"
        (lists / "partial").mkdir(parents=True)
        (cache / "archives" / "partial").mkdir(parents=True)
        options = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        _apt(["update"], options, folder, environment)
        needed = _needed(package, options, environment) if with_needed else [package]
        _apt(["download", *needed], options, folder, environment)


def _needed(package: str, options: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the packages that an installation would add, as apt's simulation lists them."""
    command = ["apt-get", *options, "--simulate", "--no-install-recommends", "install", package]
    try:
        answer = subprocess.run(  # noqa: S603 - apt of the system
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"{' '.join(command)}: {error}") from error
    found = re.findall(r"^Inst (\S+)", answer.stdout, re.MULTILINE)
    if answer.returncode != 0 or not found:
        words = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        raise CommandFailedError(f"{' '.join(command)}: {' '.join(words[-2:])}")
    return found


def _apt(
    arguments: Sequence[str], options: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> None:
    run(
        ["apt-get", *options, "--quiet", *arguments],
        what=f"apt-get {' '.join(arguments)}",
        cwd=folder,
        environment=environment,
        timeout_seconds=COMMAND_SECONDS,
    )
