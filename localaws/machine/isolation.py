"""Isolate processes from this machine, by the namespaces that it allows this user.

Kernels, distributions and container engines forbid them in many ways (sysctls, AppArmor, seccomp,
missing IDs), so what works is found by a trial, in namespaces that end at once.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.machine import cgroups, programs

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACES = (
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation=private",
)
_NEEDED = {"unshare": "util-linux", "ip": "iproute2", "nft": "nftables"}
"""Programs, and the packages that most distributions have them in."""

_PACKAGES = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from localaws.machine import MODULE; MODULE.main(*sys.argv[2:])"
)
"""Isolated (-I) Python has no path to this package by itself."""

_HINTS = {
    "mount /proc failed": (
        "this container's /proc has masked paths: run it with --privileged, or unmask them "
        "(docs/containers.md)"
    ),
    "/proc/self/uid_map": (
        "AppArmor may forbid it: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    ),
}
"""What to do about errors whose own text doesn't help."""

_TRIAL_SECONDS = 30
_CAP_SYS_RESOURCE = 24


class Isolation(StrEnum):
    """How far processes of a launcher are isolated from this machine."""

    NONE = "none"
    """Not at all: they share its network, files and process IDs."""

    ROOT = "root"
    """Namespaces that root made."""

    SUBORDINATE_IDS = "subordinate-ids"
    """Namespaces in a user namespace with the user's subordinate IDs of /etc/subuid."""

    ONE_ID = "one-id"
    """Namespaces in a user namespace in which every process is the user."""


@dataclass(frozen=True)
class Finding:
    """The isolation that this machine allows."""

    isolation: Isolation
    lacks: tuple[str, ...]
    """What AWS does and it doesn't, each a part of a sentence."""

    why_not: Mapping[Isolation, str]
    """Why those before it were refused, in their order."""


def command(isolation: Isolation, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module's `main`, with process ID 1 in new namespaces.

    Args:
        isolation: Which ones.
        module: Its name in this package; it imports the standard library and this package only.
        arguments: Those of `main`.
    """
    users = {
        Isolation.ROOT: [],
        Isolation.SUBORDINATE_IDS: ["--user", "--map-root-user", "--map-auto"],
        Isolation.ONE_ID: ["--user", "--map-root-user"],
    }
    prefix: list[str] = []
    if isolation != Isolation.NONE:
        unshare = programs.find("unshare")
        prefix = [str(unshare or "unshare"), *users[isolation], *_NAMESPACES]
    start = _START.replace("MODULE", module)
    return [*prefix, sys.executable, "-I", "-S", "-c", start, str(_PACKAGES), *arguments]


@cache
def find() -> Finding:
    """Return the best isolation that works for this user; it is tried once per process."""
    why_not: dict[Isolation, str] = {}
    for isolation in (Isolation.ROOT, Isolation.SUBORDINATE_IDS, Isolation.ONE_ID):
        problem = try_out(isolation)
        if problem is None:
            return Finding(isolation, tuple(_lacks(isolation)), why_not)
        why_not[isolation] = problem
    return Finding(Isolation.NONE, tuple(_lacks(Isolation.NONE)), why_not)


def try_out(isolation: Isolation) -> str | None:
    """Try once what a VPC and a container need; return why it fails, or None."""
    for name, package in _NEEDED.items():
        if programs.find(name) is None:
            return f"{name} is missing: `make setup` gets it, or install {package}"
    if isolation == Isolation.ROOT and os.geteuid() != 0:
        return "this user isn't root"
    try:
        trial = subprocess.run(  # noqa: S603 — our own module
            command(isolation, "trial"),
            env={"PATH": programs.search_path(), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if trial.returncode == 0:
        return None
    lines = trial.stderr.strip().splitlines()
    words = lines[-1] if lines else f"exit status {trial.returncode}"
    for part, hint in _HINTS.items():
        if part in words:
            return f"{words}; {hint}"
    return words


def _lacks(isolation: Isolation) -> list[str]:
    if isolation == Isolation.NONE:
        return [
            "VPCs: tasks are reached on loopback addresses, and security groups hold nothing back",
            "images: containers run this machine's programs, with its files and the user's rights",
        ]
    lacks = []
    if isolation == Isolation.ONE_ID:
        lacks.append(
            "users: every process of a container has the user's rights, and changing owners and "
            "users has no effect (subordinate IDs, of the package uidmap, have both)"
        )
    try:
        cgroups.find()
    except cgroups.NoControlGroupsError as reason:
        lacks.append(f"limits of CPU and memory: {reason}")
    if isolation != Isolation.ROOT or not _may_raise_limits():
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        lacks.append(f"ulimits above this machine's (nofile: {most})")
    return lacks


def _may_raise_limits() -> bool:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> _CAP_SYS_RESOURCE & 1)
    return False
