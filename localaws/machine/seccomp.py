"""The filter of a container's system calls, as a BPF program (seccomp(2)).

It refuses what Docker's default profile refuses to a container without further capabilities
(https://docs.docker.com/engine/security/seccomp/). Docker's profile lists what is allowed, and has
to grow with every kernel; this is a list of what is refused.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import NamedTuple

_LOAD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_JUMP_IF_ANY_BIT = 0x45
_RETURN = 0x06
"""BPF_LD|W|ABS, BPF_JMP|JEQ, JGE and JSET with a constant, BPF_RET of <linux/bpf_common.h>."""

_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
"""SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO: the call isn't made, and fails with the error whose
number is added. Without one it seems to succeed.
"""

_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16
"""In struct seccomp_data; both machines are little-endian."""

_X32 = 0x40000000
"""Added to the number of a call of x86-64's interface x32, by which a program could otherwise make
every refused call; no image uses it.
"""

_NAMESPACES = 0x7E020000
"""CLONE_NEW*: mount, cgroup, UTS, IPC, user, PID, network."""


class Machine(NamedTuple):
    """A machine's numbers of system calls (the kernel's syscall tables)."""

    architecture: int
    """AUDIT_ARCH_* of <linux/audit.h>."""

    clone: int
    clone3: int
    refused: dict[str, int]
    """Calls that fail with EPERM."""

    pretended: dict[str, int]
    """Calls that change owners and users, which can seem to succeed."""


_REFUSED_EVERYWHERE = {
    "pidfd_getfd": 438,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "quotactl_fd": 443,
    "mount_setattr": 442,
    "set_mempolicy_home_node": 450,
}
"""New calls have the same number on every machine."""

_X86_64 = Machine(
    architecture=0xC000003E,
    clone=56,
    clone3=435,
    refused=_REFUSED_EVERYWHERE
    | {
        "pivot_root": 155,
        "acct": 163,
        "settimeofday": 164,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "sethostname": 170,
        "setdomainname": 171,
        "iopl": 172,
        "ioperm": 173,
        "create_module": 174,
        "init_module": 175,
        "delete_module": 176,
        "get_kernel_syms": 177,
        "query_module": 178,
        "quotactl": 179,
        "nfsservctl": 180,
        "lookup_dcookie": 212,
        "clock_settime": 227,
        "vserver": 236,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "open_by_handle_at": 304,
        "clock_adjtime": 305,
        "setns": 308,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
        "syslog": 103,
        "uselib": 134,
        "ustat": 136,
        "sysfs": 139,
        "vhangup": 153,
        "mbind": 237,
        "set_mempolicy": 238,
        "get_mempolicy": 239,
        "migrate_pages": 256,
        "move_pages": 279,
    },
    pretended={
        "chown": 92,
        "fchown": 93,
        "lchown": 94,
        "setuid": 105,
        "setgid": 106,
        "setreuid": 113,
        "setregid": 114,
        "setgroups": 116,
        "setresuid": 117,
        "setresgid": 119,
        "setfsuid": 122,
        "setfsgid": 123,
        "fchownat": 260,
    },
)

_AARCH64 = Machine(
    architecture=0xC00000B7,
    clone=220,
    clone3=435,
    refused=_REFUSED_EVERYWHERE
    | {
        "lookup_dcookie": 18,
        "vhangup": 58,
        "syslog": 116,
        "mbind": 235,
        "get_mempolicy": 236,
        "set_mempolicy": 237,
        "migrate_pages": 238,
        "move_pages": 239,
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "nfsservctl": 42,
        "quotactl": 60,
        "acct": 89,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "clock_settime": 112,
        "reboot": 142,
        "sethostname": 161,
        "setdomainname": 162,
        "settimeofday": 170,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "open_by_handle_at": 265,
        "clock_adjtime": 266,
        "setns": 268,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
    pretended={
        "fchownat": 54,
        "fchown": 55,
        "setregid": 143,
        "setgid": 144,
        "setreuid": 145,
        "setuid": 146,
        "setresuid": 147,
        "setresgid": 149,
        "setfsuid": 151,
        "setfsgid": 152,
        "setgroups": 159,
    },
)

_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def container_filter(*, pretend_users: bool, machine: str | None = None) -> bytes:
    """Return the filter of a container.

    Calls for administration of the host fail with EPERM, also new namespaces through clone(2);
    clone3(2), whose flags a filter can't see, fails with ENOSYS, after which the C library uses
    clone(2). Programs of another architecture (32-bit x86) can't run.

    Args:
        pretend_users: Whether changing owners and users succeeds without any effect, for a user
            namespace that has one user only; Charliecloud and enroot do so too.
        machine: As `uname -m` prints it; this one's by default.

    Raises:
        OSError: The machine isn't known.
    """
    name = machine or os.uname().machine
    if name not in _MACHINES:
        raise OSError(f"containers need {' or '.join(_MACHINES)}; this machine is {name}")
    numbers = _MACHINES[name]
    refused = _ERROR | errno.EPERM
    unknown = _ERROR | errno.ENOSYS
    program = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, numbers.architecture, skipped_if_true=1),
        _instruction(_RETURN, unknown),
        _instruction(_LOAD, _NUMBER_OFFSET),
        *_return_if(_JUMP_IF_AT_LEAST, _X32, unknown),
        *_return_if(_JUMP_IF_EQUAL, numbers.clone3, unknown),
    ]
    for number in numbers.refused.values():
        program += _return_if(_JUMP_IF_EQUAL, number, refused)
    if pretend_users:
        for number in numbers.pretended.values():
            program += _return_if(_JUMP_IF_EQUAL, number, _ERROR)
    refuse_namespaces = [
        _instruction(_LOAD, _FIRST_ARGUMENT_OFFSET),
        *_return_if(_JUMP_IF_ANY_BIT, _NAMESPACES, refused),
    ]
    program += [
        _instruction(_JUMP_IF_EQUAL, numbers.clone, skipped_if_false=len(refuse_namespaces)),
        *refuse_namespaces,
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _return_if(jump: int, value: int, action: int) -> tuple[bytes, bytes]:
    """Return instructions that end the filter with *action* where the comparison holds."""
    return _instruction(jump, value, skipped_if_false=1), _instruction(_RETURN, action)


def _instruction(
    code: int, value: int, *, skipped_if_true: int = 0, skipped_if_false: int = 0
) -> bytes:
    """Encode an instruction; of a jump, with the numbers of the next instructions to skip."""
    return struct.pack("HBBI", code, skipped_if_true, skipped_if_false, value)
