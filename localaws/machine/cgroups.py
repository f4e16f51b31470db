"""Control groups (cgroups(7)): limits of CPU and memory, and what the kernel killed for memory.

Both versions of the kernel's interface are served, each with the fields that it has. Folders carry
the daemon that made them in their names, so that another can remove what a killed one left.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PREFIX = "fargate-web"
_NAME = re.compile(rf"{_PREFIX}-(\d+)-(\d+)-.+")
_MIB = 2**20
_UNITS_PER_CPU = 1024
_PERIOD_MICROSECONDS = 100_000
_LEAST_QUOTA = 1000
"""Microseconds in a period; the kernel takes no less."""

_LEAST_SHARES = 2
_CONTROLLERS = ("memory", "cpu")
_START_TIME = 19
"""The index of a process's start among the fields of /proc/PID/stat that follow its name."""


class NoControlGroupsError(Exception):
    """This user can't limit processes here; the text has the reason."""


@dataclass(frozen=True)
class Limits:
    """What the members of a control group may use together; None is no limit."""

    memory_mib: int | None = None
    cpu_units: int | None = None
    """Of 1024 for one CPU, an upper limit."""

    cpu_shares: int | None = None
    """Its share of the CPU relative to the groups beside it, when they need more than there is."""


@dataclass(frozen=True)
class _Folder:
    """A folder of one hierarchy, and what it controls."""

    path: Path
    controllers: frozenset[str]
    unified: bool
    """Whether it is of version 2, which has all controllers in one hierarchy."""


class ControlGroup:
    """A group that was made, in one hierarchy (version 2) or several (version 1)."""

    def __init__(self, folders: Iterable[_Folder]) -> None:
        """Made by `ControlGroups.create` and `create` only."""
        self._folders = tuple(folders)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that a process becomes a member of."""
        return tuple(str(folder.path) for folder in self._folders)

    def create(self, name: str, limits: Limits) -> ControlGroup:
        """Make a group within this one; then this one can't have members itself.

        Raises:
            NoControlGroupsError: The kernel refused it.
        """
        for folder in self._folders:
            if folder.unified:
                _enable_controllers(folder.path)
        return _create(self._folders, name, limits)

    def out_of_memory_kills(self) -> int:
        """Return how many members the kernel killed because a limit of memory was reached."""
        for folder in self._folders:
            if "memory" in folder.controllers:
                name = "memory.events" if folder.unified else "memory.oom_control"
                return _count(folder.path / name, "oom_kill")
        return 0

    def remove(self) -> None:
        """Remove it with the groups within; one that still has members stays."""
        for folder in self._folders:
            _remove(folder.path)


class ControlGroups:
    """The groups of one daemon, below the group in which it runs or one above."""

    def __init__(self, parents: Iterable[_Folder], owner: int) -> None:
        self._parents = tuple(parents)
        self._owner = owner

    def create(self, name: str, limits: Limits) -> ControlGroup:
        """Make a group.

        Raises:
            NoControlGroupsError: The kernel refused it.
        """
        owned = f"{_PREFIX}-{self._owner}-{_started(self._owner)}-{name}"
        return _create(self._parents, owned, limits)

    def sweep(self) -> None:
        """Remove what daemons left that have ended."""
        for parent in self._parents:
            for folder in parent.path.glob(f"{_PREFIX}-*"):
                named = _NAME.fullmatch(folder.name)
                if named and _started(int(named[1])) != int(named[2]):
                    _remove(folder)


def find(proc: Path = Path("/proc")) -> ControlGroups:
    """Return where this process can make groups, once a trial has succeeded.

    Args:
        proc: Where proc(5) is mounted.

    Raises:
        NoControlGroupsError: It can't.
    """
    own = _own_groups((proc / "self/cgroup").read_text(encoding="utf-8"))
    mounted = _mounted((proc / "self/mountinfo").read_text(encoding="utf-8"))
    parents = _parents(own, mounted)
    groups = ControlGroups(parents, os.getpid())
    trial = groups.create("trial", Limits(memory_mib=64, cpu_units=_UNITS_PER_CPU))
    try:
        for folder in trial.folders:
            _try_to_join(folder)
    finally:
        trial.remove()
    return groups


def _try_to_join(folder: str) -> None:
    """Have a new process become a member, and end."""
    joining = subprocess.run(  # noqa: S603 — a fixed script
        ["/bin/sh", "-c", 'echo 0 > "$1/cgroup.procs"', "sh", folder],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if joining.returncode != 0:
        raise NoControlGroupsError(f"no process can join {folder}: {joining.stderr.strip()}")


def _own_groups(text: str) -> dict[str, str]:
    """Return this process's group by controller, of version 2 by the empty string.

    Args:
        text: /proc/self/cgroup.
    """
    groups = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


@dataclass(frozen=True)
class _Mounted:
    root: str
    """The group that is at the mount point."""

    point: Path
    unified: bool
    options: frozenset[str]

    def folder(self, group: str) -> Path:
        """Return a group's folder; the mount point where the mount doesn't reach it."""
        if group == self.root or group.startswith(self.root.rstrip("/") + "/"):
            return self.point / group[len(self.root) :].lstrip("/")
        return self.point


def _mounted(text: str) -> list[_Mounted]:
    """Return the hierarchies that are mounted.

    Args:
        text: /proc/self/mountinfo.
    """
    found = []
    for line in text.splitlines():
        mount, _, kind = line.partition(" - ")
        root, point = mount.split()[3:5]
        name, _, options = kind.split(" ", 2)
        if name in ("cgroup", "cgroup2"):
            separate = frozenset(options.split(","))
            found.append(_Mounted(root, Path(point), name == "cgroup2", separate))
    return found


def _parents(own: Mapping[str, str], mounted: Iterable[_Mounted]) -> list[_Folder]:
    """Return the folders in which groups with all controllers can be made.

    Raises:
        NoControlGroupsError: A controller is missing.
    """
    parents = []
    for controller in _CONTROLLERS:
        if controller in own:
            for each in mounted:
                if not each.unified and controller in each.options:
                    folder = each.folder(own[controller])
                    parents.append(_Folder(folder, frozenset({controller}), unified=False))
                    break
    if len(parents) == len(_CONTROLLERS):
        return parents
    for each in mounted:
        if each.unified and "" in own:
            return [_unified_parent(each, own[""])]
    raise NoControlGroupsError("no hierarchy has the controllers memory and cpu")


def _unified_parent(mounted: _Mounted, own: str) -> _Folder:
    """Return the nearest group above that enables the controllers for groups within.

    The process's own group can't, as it has members: the kernel's rule of no internal processes.
    """
    folder = mounted.folder(own)
    while True:
        enabled = _words(folder / "cgroup.subtree_control")
        if enabled.issuperset(_CONTROLLERS) and os.access(folder, os.W_OK):
            return _Folder(folder, frozenset(_CONTROLLERS), unified=True)
        if folder == mounted.point:
            raise NoControlGroupsError(
                f"no group above {own} hands memory and cpu down to this user"
            )
        folder = folder.parent


def _create(parents: Iterable[_Folder], name: str, limits: Limits) -> ControlGroup:
    made: list[_Folder] = []
    try:
        for parent in parents:
            folder = replace(parent, path=parent.path / name)
            folder.path.mkdir()
            made.append(folder)
            for file, value in _settings(folder, limits).items():
                _write(folder.path / file, value)
    except OSError as error:
        ControlGroup(made).remove()
        raise NoControlGroupsError(f"{error.filename}: {error.strerror}") from error
    return ControlGroup(made)


def _enable_controllers(folder: Path) -> None:
    """Enable the controllers for groups within; from then on the folder can't have members."""
    try:
        _write(folder / "cgroup.subtree_control", "+memory +cpu")
    except OSError as error:
        raise NoControlGroupsError(f"{folder}: {error.strerror}") from error


def _settings(folder: _Folder, limits: Limits) -> dict[str, str]:
    """Return the files to write for limits, in their order."""
    settings = {}
    quota = None
    if limits.cpu_units is not None:
        wanted = limits.cpu_units * _PERIOD_MICROSECONDS // _UNITS_PER_CPU
        quota = max(wanted, _LEAST_QUOTA)
    if "memory" in folder.controllers and limits.memory_mib is not None:
        most = str(limits.memory_mib * _MIB)
        if not folder.unified:
            settings["memory.limit_in_bytes"] = most
        else:
            settings["memory.max"] = most
            if (folder.path / "memory.swap.max").exists():
                settings["memory.swap.max"] = "0"
    if "cpu" in folder.controllers and quota is not None:
        if not folder.unified:
            settings["cpu.cfs_period_us"] = str(_PERIOD_MICROSECONDS)
            settings["cpu.cfs_quota_us"] = str(quota)
        else:
            settings["cpu.max"] = f"{quota} {_PERIOD_MICROSECONDS}"
    if "cpu" in folder.controllers and limits.cpu_shares is not None:
        shares = max(limits.cpu_shares, _LEAST_SHARES)
        if not folder.unified:
            settings["cpu.shares"] = str(shares)
        else:
            # As container engines translate 2 to 262144 into 1 to 10000.
            settings["cpu.weight"] = str(1 + (shares - 2) * 9999 // 262142)
    return settings


def _remove(folder: Path) -> None:
    for child in folder.glob("*/"):
        _remove(child)
    with suppress(OSError):
        folder.rmdir()


def _count(file: Path, name: str) -> int:
    for line in file.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _words(file: Path) -> frozenset[str]:
    with suppress(OSError):
        return frozenset(file.read_text(encoding="ascii").split())
    return frozenset()


def _write(file: Path, value: str) -> None:
    file.write_text(value, encoding="ascii")


def _started(pid: int) -> int | None:
    """Return when a process started, in ticks since the system did; None if there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[_START_TIME])
