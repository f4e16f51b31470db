"""System calls of Linux that Python 3.11 lacks: namespaces, mounts, capabilities.

A function raises OSError with the name of its system call. None imports anything when it is called,
so that they work in a process whose root is a container's.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOUNT_NAMESPACE = 0x00020000
CGROUP_NAMESPACE = 0x02000000
UTS_NAMESPACE = 0x04000000
IPC_NAMESPACE = 0x08000000
USER_NAMESPACE = 0x10000000
PID_NAMESPACE = 0x20000000
NETWORK_NAMESPACE = 0x40000000
"""CLONE_NEW* of <linux/sched.h>."""

READ_ONLY = 0x1
NO_SETUID = 0x2
NO_DEVICES = 0x4
NO_EXECUTABLES = 0x8
SYNCHRONOUS = 0x10
REMOUNT = 0x20
MANDATORY_LOCKS = 0x40
SYNCHRONOUS_FOLDERS = 0x80
NO_ACCESS_TIMES = 0x400
NO_FOLDER_ACCESS_TIMES = 0x800
BIND = 0x1000
RECURSIVE = 0x4000
PRIVATE = 0x40000
RELATIVE_ACCESS_TIMES = 0x200000
STRICT_ACCESS_TIMES = 0x1000000
"""MS_* of <linux/mount.h>."""

_MOUNT_FLAGS_BY_STATVFS = {
    0x1: READ_ONLY,
    0x2: NO_SETUID,
    0x4: NO_DEVICES,
    0x8: NO_EXECUTABLES,
    0x400: NO_ACCESS_TIMES,
    0x800: NO_FOLDER_ACCESS_TIMES,
    0x1000: RELATIVE_ACCESS_TIMES,
}
"""Flags of mount(2) that a user namespace may not remove, by those of statvfs(3) (ST_*)."""

_UNMOUNT_DETACHED = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""The number of pivot_root(2), for which the C library has no function."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64
"""More than any kernel has; dropping one that it lacks has no effect."""

_libc = ctypes.CDLL(None, use_errno=True)


def described(error: Exception) -> str:
    """Return an error's message without its number, or its type if it has no message."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return text or type(error).__name__


def _check(result: int, action: str) -> None:
    """Raise the error of a call of the C library that returned a negative number."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{action}: {os.strerror(number)}")


def unshare(namespaces: int) -> None:
    """Move this process into new namespaces; into a PID_NAMESPACE only its next children come."""
    _check(_libc.unshare(namespaces), f"unshare {namespaces:#x}")


def join_namespace(descriptor: int, kind: int) -> None:
    """Move this process into a namespace; into a PID_NAMESPACE only its next children come."""
    _check(_libc.setns(descriptor, kind), f"setns {kind:#x}")


def set_hostname(name: str) -> None:
    """Set the name of this UTS namespace's host."""
    encoded = name.encode()
    try:
        _check(_libc.sethostname(encoded, len(encoded)), "sethostname")
    except OSError as refused:
        # If this runs in a container, its filter may refuse the system call, and still let root
        # write the name into a file.
        try:
            with open("/proc/sys/kernel/hostname", "w", encoding="ascii") as file:
                file.write(name)
        except OSError:
            raise refused from None


def mount(
    source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None
) -> None:
    """Mount a file system of a *kind*, or with BIND what is at *source*."""
    result = _libc.mount(
        source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if options is None else options.encode(),
    )
    _check(result, f"mount {target}")


def remount(target: str, added: int) -> None:
    """Add flags to a mount, keeping those that it has."""
    flags = added
    present = os.statvfs(target).f_flag
    for shown, flag in _MOUNT_FLAGS_BY_STATVFS.items():
        if present & shown:
            flags |= flag
    mount("none", target, None, BIND | REMOUNT | flags)


def pivot_root() -> None:
    """Make the working directory, a mount, the root; the former one stays mounted on top of it."""
    machine = os.uname().machine
    if machine not in _PIVOT_ROOT:
        raise OSError(f"containers need x86_64 or aarch64; this machine is {machine}")
    _check(_libc.syscall(ctypes.c_long(_PIVOT_ROOT[machine]), b".", b"."), "pivot_root")


def unmount_working_directory() -> None:
    """Detach what is mounted at the working directory."""
    _check(_libc.umount2(b".", _UNMOUNT_DETACHED), "umount2")


def _prctl(option: int, action: str, first: int = 0, second: int = 0) -> None:
    _check(_call_prctl(option, first, second), action)


def _call_prctl(option: int, first: int, second: int = 0) -> int:
    arguments = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    return int(_libc.prctl(option, *arguments))


def die_with_parent(number: int) -> None:
    """Have the kernel send this process a signal when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, "prctl PDEATHSIG", number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, "prctl CHILD_SUBREAPER", 1)


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one's memory."""
    _prctl(_PR_SET_DUMPABLE, "prctl DUMPABLE", 0)


def forbid_new_privileges() -> None:
    """Let no program that this process becomes have more rights than it, set-user-ID or not."""
    _prctl(_PR_SET_NO_NEW_PRIVS, "prctl NO_NEW_PRIVS", 1)


def filter_system_calls(instructions: bytes) -> None:
    """Apply a seccomp filter to this process and its children, for good.

    Args:
        instructions: The BPF program, 8 bytes each.
    """
    buffer = ctypes.create_string_buffer(instructions)
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(buffer))
    )
    _prctl(_PR_SET_SECCOMP, "prctl SECCOMP", _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def limit_capabilities(kept: Iterable[int]) -> None:
    """Remove all capabilities but *kept* from what this process can ever have again."""
    for number in set(range(_CAPABILITIES)) - set(kept):
        # Its result isn't checked: a kernel refuses numbers that it doesn't know.
        _call_prctl(_PR_CAPBSET_DROP, number)


def set_capabilities(kept: Iterable[int]) -> None:
    """Make *kept* the effective and permitted capabilities, and none inheritable."""
    mask = 0
    for number in kept:
        mask |= 1 << number
    low = mask & 0xFFFFFFFF
    high = mask >> 32
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0)), "capset")
