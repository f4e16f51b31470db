"""A container's root file system: the image below, what the container writes above.

An image's own symbolic links are followed only after `pivot_root`, so within the container.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from localaws.machine import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_QUIET = kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_EXECUTABLES
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_HIDDEN = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
"""Docker's read-only and masked paths (github.com/moby/moby, oci.DefaultSpec)."""


_FLAGS = {
    "ro": kernel.READ_ONLY,
    "nosuid": kernel.NO_SETUID,
    "nodev": kernel.NO_DEVICES,
    "noexec": kernel.NO_EXECUTABLES,
    "sync": kernel.SYNCHRONOUS,
    "dirsync": kernel.SYNCHRONOUS_FOLDERS,
    "mand": kernel.MANDATORY_LOCKS,
    "noatime": kernel.NO_ACCESS_TIMES,
    "nodiratime": kernel.NO_FOLDER_ACCESS_TIMES,
    "relatime": kernel.RELATIVE_ACCESS_TIMES,
    "strictatime": kernel.STRICT_ACCESS_TIMES,
}
_CLEARED = {
    "defaults": 0,
    "rw": kernel.READ_ONLY,
    "suid": kernel.NO_SETUID,
    "dev": 0,
    "exec": kernel.NO_EXECUTABLES,
    "async": kernel.SYNCHRONOUS,
    "nomand": kernel.MANDATORY_LOCKS,
    "atime": kernel.NO_ACCESS_TIMES,
    "diratime": kernel.NO_FOLDER_ACCESS_TIMES,
    "norelatime": kernel.RELATIVE_ACCESS_TIMES,
    "nostrictatime": kernel.STRICT_ACCESS_TIMES,
}
_WITH_VALUES = ("mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol")
"""Options of ECS (Tmpfs in the API reference): those that set flags, that clear them, and those of
the file system. Its others are about mounts that are shared with another folder.
"""

_CGROUPS = "/sys/fs/cgroup"
_CONTROLLERS = {
    "cpu": "cpu.shares",
    "cpuacct": "cpuacct.usage",
    "memory": "memory.limit_in_bytes",
}
"""Files that only a group of version 1 with the controller has."""

_CHUNK = 2**20
_ROOT_MODE = 0o755
_ALL_IDS = 2**32 - 1
"""How many the first user namespace maps, to themselves."""


class Mount(NamedTuple):
    """A folder or file outside a container that it sees at its own path."""

    source: str
    target: str
    read_only: bool = False
    filled: bool = False
    """Whether the folder gets what the image has at the path, if it is empty."""


class TemporaryFolder(NamedTuple):
    """A folder in memory that a container has to itself."""

    target: str
    mebibytes: int
    """What fits into it."""

    options: tuple[str, ...] = ()
    """As `mount` takes them: `exec`, `mode=700`."""


SHARED_MEMORY = 64
"""MiB that fit into /dev/shm by default, in Docker as in ECS."""


def enter(
    *,
    image: str,
    work: str,
    mounts: Sequence[Mount],
    files: Mapping[str, str],
    folders: Iterable[str],
    read_only: bool,
    temporary: Sequence[TemporaryFolder] = (),
    shared_memory: int = SHARED_MEMORY,
    cgroups: Sequence[str] = (),
) -> None:
    """Make this process's root a container's; its mount and PID namespace must be new.

    Args:
        image: The image's files; they stay as they are.
        work: The folder for what the container writes.
        mounts: What it sees of the outside.
        files: Texts to write into it, by path.
        folders: Folders to make in it where they lack.
        read_only: Whether its root becomes read-only at the end.
        temporary: Folders in memory.
        shared_memory: MiB that fit into /dev/shm.
        cgroups: Folders of its control groups, which it sees; they are the roots of its namespace.
    """
    kernel.mount("none", "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    root = _overlay(image, work)
    devices = {name: _open(f"/dev/{name}") for name in _DEVICES}
    sources = [_open(each.source) for each in mounts]
    hierarchies = list(map(_hierarchy, cgroups))
    outside = _open("/")
    # From here on an import would run the image's code with all rights.
    sys.meta_path.clear()
    os.chdir(root)
    kernel.pivot_root()
    os.chdir("/")
    # The former root stays mounted until all is taken from it. A user namespace may mount /proc
    # only as long as it sees another one.
    _mount_kernel_file_systems()
    _show_cgroups(hierarchies)
    _make_devices(devices, shared_memory)
    for source, each in zip(sources, mounts, strict=True):
        if each.filled:
            _fill(source, each.target)
        _bind(source, each.target, read_only=each.read_only)
    for folder in temporary:
        _mount_temporary(folder)
    for path, text in files.items():
        _write(path, text)
    for path in folders:
        os.makedirs(path, exist_ok=True)
    _guard_kernel_file_systems()
    os.fchdir(outside)
    for descriptor in (outside, *sources, *devices.values()):
        os.close(descriptor)
    kernel.unmount_working_directory()
    os.chdir("/")
    if read_only:
        kernel.remount("/", kernel.READ_ONLY)


def _open(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _overlay(image: str, work: str) -> str:
    """Mount the image with the container's own layer above it; return where.

    Without devices: root in a container could make one and read the host's disk by it.
    """
    root = f"{work}/root"
    for folder in (f"{work}/layer", f"{work}/scratch", root):
        os.makedirs(folder, exist_ok=True)
    os.chmod(f"{work}/layer", _ROOT_MODE)  # the root folder's, whatever the image's folder has
    link = f"{work}/below"
    with suppress(FileNotFoundError):
        os.unlink(link)
    os.symlink(image, link)
    # Relative paths: in options, characters of a path would have to be escaped.
    os.chdir(work)
    options = "lowerdir=below,upperdir=layer,workdir=scratch"
    if _in_user_namespace():
        # Marks of removed folders as attributes that any user may set.
        options += ",userxattr"
    kernel.mount("overlay", root, "overlay", kernel.NO_DEVICES, options)
    return root


def _in_user_namespace() -> bool:
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() != ["0", "0", str(_ALL_IDS)]


def _mount_kernel_file_systems() -> None:
    for path in ("/proc", "/dev", "/sys"):
        os.makedirs(path, exist_ok=True)
    kernel.mount("proc", "/proc", "proc", _QUIET)
    # Without devices but those that are mounted into it: as in `_overlay`.
    flags = kernel.NO_SETUID | kernel.NO_DEVICES
    kernel.mount("tmpfs", "/dev", "tmpfs", flags, "mode=755,size=65536k")
    with suppress(OSError):  # a container in a container may not mount it; few images look
        kernel.mount("sysfs", "/sys", "sysfs", _QUIET | kernel.READ_ONLY)


def _hierarchy(cgroup: str) -> str:
    """Return the controllers of a group of version 1, nothing of one of version 2."""
    found = [name for name, file in _CONTROLLERS.items() if os.path.exists(f"{cgroup}/{file}")]
    return ",".join(found)


def _show_cgroups(hierarchies: Sequence[str]) -> None:
    """Let runtimes see the limits that hold for them: Java, Node and Go size themselves by them."""
    with suppress(OSError):  # as with sysfs
        if "" in hierarchies:
            _mount_read_only("cgroup2", _CGROUPS, None)
        elif hierarchies:
            kernel.mount("tmpfs", _CGROUPS, "tmpfs", _QUIET, "mode=755")
            for controllers in hierarchies:
                folder = f"{_CGROUPS}/{controllers}"
                os.mkdir(folder)
                _mount_read_only("cgroup", folder, controllers)
            kernel.remount(_CGROUPS, kernel.READ_ONLY)


def _mount_read_only(kind: str, target: str, options: str | None) -> None:
    kernel.mount(kind, target, kind, _QUIET, options)
    kernel.remount(target, kernel.READ_ONLY)


def _make_devices(devices: Mapping[str, int], shared_memory: int) -> None:
    for name, descriptor in devices.items():
        _bind(descriptor, f"/dev/{name}", read_only=False)
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/pts")
    kernel.mount(
        "devpts",
        "/dev/pts",
        "devpts",
        kernel.NO_SETUID | kernel.NO_EXECUTABLES,
        "newinstance,ptmxmode=0666,mode=0620",
    )
    os.mkdir("/dev/shm")  # noqa: S108 — the container's own
    size = f"mode=1777,size={shared_memory}m"
    kernel.mount("shm", "/dev/shm", "tmpfs", _QUIET, size)  # noqa: S108
    os.mkdir("/dev/mqueue")
    kernel.mount("mqueue", "/dev/mqueue", "mqueue", _QUIET)


def _bind(source: int, target: str, *, read_only: bool) -> None:
    """Show an opened file or folder of the outside at a path."""
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target, "")
    kernel.mount(f"/proc/self/fd/{source}", target, None, kernel.BIND | kernel.RECURSIVE)
    if not target.startswith("/dev/"):
        kernel.remount(target, kernel.NO_DEVICES | (kernel.READ_ONLY if read_only else 0))


def _fill(source: int, path: str) -> None:
    """Copy a folder of the image, with its owner and mode, into an empty one of the outside."""
    if not os.path.isdir(path):
        return
    folder = os.open(f"/proc/self/fd/{source}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # Containers of a task start at once, and may share it.
    fcntl.flock(folder, fcntl.LOCK_EX)
    if not os.listdir(folder):
        target = f"/proc/self/fd/{folder}"
        _copy(path, target)
        _take_over(os.stat(path), target, follow=True)
    os.close(folder)


def _copy(source: str, target: str) -> None:
    """Copy what is in a folder; not sockets and devices, which nothing serves here."""
    with os.scandir(source) as entries:
        for entry in entries:
            copy = f"{target}/{entry.name}"
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                os.symlink(os.readlink(entry.path), copy)
            elif stat.S_ISDIR(status.st_mode):
                os.mkdir(copy)
                _copy(entry.path, copy)
            elif stat.S_ISREG(status.st_mode):
                _copy_file(entry.path, copy)
            elif stat.S_ISFIFO(status.st_mode):
                os.mkfifo(copy)
            else:
                continue
            _take_over(status, copy, follow=False)


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb") as original, open(target, "xb") as copy:
        while data := original.read(_CHUNK):
            copy.write(data)


def _take_over(status: os.stat_result, path: str, *, follow: bool) -> None:
    """Give a copy the owner, mode and times of its original."""
    with suppress(OSError):  # of a user that this namespace doesn't have
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=follow)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(path, stat.S_IMODE(status.st_mode))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def temporary_folder_options(options: Iterable[str]) -> tuple[int, list[str]]:
    """Return the mount flags of a folder in memory, and the options of its file system.

    Like Docker's it has no devices, no set-user-ID programs and no programs unless an option says
    otherwise; devices it never has.

    Raises:
        ValueError: An option means nothing for such a folder.
    """
    flags = _QUIET
    others = []
    for option in options:
        name, _, value = option.partition("=")
        if option in _CLEARED:
            flags &= ~_CLEARED[option]
        elif option in _FLAGS:
            flags |= _FLAGS[option]
        elif name in _WITH_VALUES and value:
            others.append(option)
        else:
            allowed = ", ".join((*_FLAGS, *_CLEARED, *(f"{each}=..." for each in _WITH_VALUES)))
            raise ValueError(f"tmpfs mount option {option}; allowed: {allowed}")
    return flags, others


def _mount_temporary(folder: TemporaryFolder) -> None:
    flags, others = temporary_folder_options(folder.options)
    os.makedirs(folder.target, exist_ok=True)
    options = ["mode=1777", *others, f"size={folder.mebibytes}m"]
    try:
        kernel.mount("tmpfs", folder.target, "tmpfs", flags, ",".join(options))
    except OSError:
        if not _in_user_namespace():
            raise
        # An owner that this namespace doesn't have; chown does nothing for such a one either.
        owned = [each for each in options if each.partition("=")[0] not in {"uid", "gid"}]
        kernel.mount("tmpfs", folder.target, "tmpfs", flags, ",".join(owned))


def _write(path: str, text: str) -> None:
    """Write a file, in the stead of a symbolic link of the image's."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.islink(path):
        os.unlink(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _guard_kernel_file_systems() -> None:
    """Keep settings of the kernel from being changed, and what it knows of the host from view."""
    for path in _READ_ONLY:
        if os.path.exists(path):
            kernel.mount(path, path, None, kernel.BIND | kernel.RECURSIVE)
            kernel.remount(path, kernel.READ_ONLY)
    for path in _HIDDEN:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", kernel.READ_ONLY | _QUIET)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, None, kernel.BIND)
