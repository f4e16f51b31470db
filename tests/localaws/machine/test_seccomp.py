"""What a container's filter does with a system call, by a small interpreter of BPF."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from localaws.machine import seccomp
from localaws.machine.seccomp import container_filter

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, ERROR = 0x7FFF0000, 0x00050000
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def outcome(program: bytes, architecture: int, number: int, first: int = 0) -> int:
    """What a filter returns for a call."""
    data = struct.pack("=IIQQ", number, architecture, 0, first)
    loaded = position = 0
    instructions = list(struct.iter_unpack("HBBI", program))
    while True:
        code, if_true, if_false, value = instructions[position]
        position += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
            continue
        holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
        position += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "first", "expected"),
    [
        ("x86_64", X86_64, 165, 0, ERROR | errno.EPERM),  # mount
        ("x86_64", X86_64, 321, 0, ERROR | errno.EPERM),  # bpf
        ("x86_64", X86_64, 56, SIGCHLD, ALLOW),  # clone, as fork
        ("x86_64", X86_64, 56, SIGCHLD | CLONE_NEWUSER, ERROR | errno.EPERM),
        ("x86_64", X86_64, 435, 0, ERROR | errno.ENOSYS),  # clone3
        ("x86_64", X86_64, 101, 0, ALLOW),  # ptrace
        ("x86_64", X86_64, 59, 0, ALLOW),  # execve
        ("x86_64", X86_64, 0x40000000 | 165, 0, ERROR | errno.ENOSYS),  # mount of x32
        ("x86_64", I386, 21, 0, ERROR | errno.ENOSYS),  # mount of i386
        ("aarch64", AARCH64, 40, 0, ERROR | errno.EPERM),  # mount
        ("aarch64", AARCH64, 220, SIGCHLD | CLONE_NEWUSER, ERROR | errno.EPERM),
        ("aarch64", AARCH64, 165, 0, ALLOW),  # getrusage there, mount on x86-64
    ],
)
def test_a_call_is_refused_or_allowed(
    machine: str, architecture: int, number: int, first: int, expected: int
) -> None:
    for pretend in (False, True):
        program = container_filter(pretend_users=pretend, machine=machine)
        assert outcome(program, architecture, number, first) == expected


@pytest.mark.parametrize(
    ("machine", "architecture", "chown_number"),
    [("x86_64", X86_64, 260), ("aarch64", AARCH64, 54)],
)
def test_changing_owners_succeeds_without_effect_only_where_it_is_pretended(
    machine: str, architecture: int, chown_number: int
) -> None:
    pretending = container_filter(pretend_users=True, machine=machine)
    assert outcome(pretending, architecture, chown_number) == ERROR
    honest = container_filter(pretend_users=False, machine=machine)
    assert outcome(honest, architecture, chown_number) == ALLOW


def test_another_machine_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match="need x86_64 or aarch64; this machine is riscv64"):
        container_filter(pretend_users=False, machine="riscv64")


@pytest.mark.parametrize("name", HEADERS)
def test_the_numbers_are_the_kernels(name: str) -> None:
    if not HEADERS[name].exists():
        pytest.skip(f"NOT TESTED: this machine has no {HEADERS[name]} (Debian: linux-libc-dev)")
    defined = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[name].read_text()))
    machine = seccomp._MACHINES[name]
    calls = {"clone": machine.clone, "clone3": machine.clone3}
    for call, number in {**calls, **machine.refused, **machine.pretended}.items():
        assert defined[call] == str(number), call
