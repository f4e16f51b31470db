"""Containers as plain values, and how a process becomes the first one in a container.

The launcher imports this module (and those that it imports) before it starts anything: after
`pivot_root` only the image's files are there.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.machine import kernel, root_file_system, seccomp
from localaws.machine.root_file_system import SHARED_MEMORY, Mount, TemporaryFolder
from localaws.machine.users import User, find_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Never

_CAPABILITIES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
]
"""By their numbers (capabilities(7))."""

DEFAULT_CAPABILITIES = frozenset(
    [
        "CHOWN",
        "DAC_OVERRIDE",
        "FSETID",
        "FOWNER",
        "MKNOD",
        "NET_RAW",
        "SETGID",
        "SETUID",
        "SETFCAP",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "SYS_CHROOT",
        "KILL",
        "AUDIT_WRITE",
    ]
)
"""Docker's, which ECS takes over (KernelCapabilities in the API reference)."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of a container whose image sets none, as Docker has it."""

_UMASK = 0o022
_MOST_DESCRIPTORS = 2**20
_EXIT_BY_SIGNAL = 128
"""What shells and container engines add to a signal's number."""


@dataclass(frozen=True)
class Ulimit:
    """A resource limit by the name that ECS and `ulimits` of Docker use, say `nofile`."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container to start, with paths as the launcher's mount namespace has them."""

    network: str
    """Its network namespace's name below /run/netns; containers of a task share one."""

    hostname: str

    image: str
    """The folder with the image's files, which stay as they are."""

    work: str
    """The folder for what it writes; it is made if it is missing."""

    argv: tuple[str, ...]
    user: str = ""
    """`user[:group]`, names or numbers; empty is root."""

    working_directory: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its whole environment; HOME and PATH are added where they are missing."""

    read_only: bool = False
    """Whether its root file system is read-only; each mount has its own setting."""

    mounts: tuple[Mount, ...] = ()
    temporary: tuple[TemporaryFolder, ...] = ()
    shared_memory: int = SHARED_MEMORY
    """MiB that fit into /dev/shm."""

    capabilities: frozenset[str] = DEFAULT_CAPABILITIES
    ulimits: tuple[Ulimit, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Texts of files that are written into it, by absolute path."""

    init: bool = False
    """Whether a first process reaps and forwards signals, as ECS's `initProcessEnabled`."""


def to_request(container: Container) -> dict[str, Any]:
    """Return the container as JSON can carry it."""
    return {
        **vars(container),
        "mounts": [each._asdict() for each in container.mounts],
        "temporary": [each._asdict() for each in container.temporary],
        "ulimits": list(map(vars, container.ulimits)),
        "capabilities": sorted(container.capabilities),
        "environment": dict(container.environment),
        "files": dict(container.files),
    }


def from_request(request: Mapping[str, Any]) -> Container:
    """Return the container of which `to_request` made a request."""
    return Container(
        **{
            **request,
            "argv": tuple(request["argv"]),
            "mounts": tuple(Mount(**each) for each in request["mounts"]),
            "temporary": tuple(map(_temporary_folder, request["temporary"])),
            "ulimits": tuple(Ulimit(**each) for each in request["ulimits"]),
            "capabilities": frozenset(request["capabilities"]),
        }
    )


def _temporary_folder(described: Mapping[str, Any]) -> TemporaryFolder:
    return TemporaryFolder(**{**described, "options": tuple(described["options"])})


def start(container: Container, *, cgroups: Sequence[str], single_user: bool) -> Never:
    """Become the container's first process; the caller has given it its PID namespace and stdio.

    Args:
        container: Its description.
        cgroups: Folders of the control groups that it becomes a member of.
        single_user: Whether the user namespace has one user only.
    """
    # First, as its namespace of control groups has those as its root that it is in when it is made.
    _join_cgroups(cgroups)
    # The launcher has the daemon's umask, with which other users couldn't enter the root.
    os.umask(_UMASK)
    with open(f"/run/netns/{container.network}") as network:
        kernel.join_namespace(network.fileno(), kernel.NETWORK_NAMESPACE)
    kernel.unshare(
        kernel.MOUNT_NAMESPACE
        | kernel.UTS_NAMESPACE
        | kernel.IPC_NAMESPACE
        | kernel.CGROUP_NAMESPACE
    )
    kernel.set_hostname(container.hostname)
    root_file_system.enter(
        image=container.image,
        work=container.work,
        mounts=container.mounts,
        temporary=container.temporary,
        shared_memory=container.shared_memory,
        files=container.files,
        folders=(container.working_directory,),
        read_only=container.read_only,
        cgroups=cgroups,
    )
    environment = _restrict(container, single_user=single_user)
    if container.init:
        _fork_init()
    _run(container.argv, environment)


def join(container: Container, pid: int, *, cgroups: Sequence[str], single_user: bool) -> Never:
    """Become one more process of a running container; the caller has given it stdio.

    Args:
        container: Its description, with the program to run.
        pid: Its first process.
        cgroups: Folders of the control groups that it becomes a member of.
        single_user: Whether the user namespace has one user only.
    """
    _join_cgroups(cgroups)
    kinds = {
        "net": kernel.NETWORK_NAMESPACE,
        "ipc": kernel.IPC_NAMESPACE,
        "uts": kernel.UTS_NAMESPACE,
        "cgroup": kernel.CGROUP_NAMESPACE,
        "mnt": kernel.MOUNT_NAMESPACE,  # the last, as it hides /proc
    }
    opened = {}
    for name in kinds:
        opened[name] = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    root = os.open(f"/proc/{pid}/root", os.O_RDONLY | os.O_CLOEXEC)
    for name, kind in kinds.items():
        kernel.join_namespace(opened[name], kind)
    sys.meta_path.clear()  # as in root_file_system
    os.fchdir(root)
    os.chroot(".")
    os.umask(_UMASK)
    _run(container.argv, _restrict(container, single_user=single_user))


def _join_cgroups(folders: Sequence[str]) -> None:
    for folder in folders:
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")


def _restrict(container: Container, *, single_user: bool) -> dict[str, str]:
    """Take the user's rights, limits and working directory; return the environment.

    The root is the image's by now.
    """
    user = find_user(container.user, _read("/etc/passwd"), _read("/etc/group"))
    _own_standard_streams(user)
    for limit in container.ulimits:
        _set_limit(limit)
    if single_user:
        # Set-user-ID programs have no other user to change to.
        kernel.forbid_new_privileges()
    # Needs CAP_SYS_ADMIN, so before the capabilities go; it refuses nothing that follows.
    kernel.filter_system_calls(seccomp.container_filter(pretend_users=single_user))
    os.chdir(container.working_directory)
    _become(user, container.capabilities, single_user=single_user)
    return {"HOME": user.home, "PATH": DEFAULT_PATH, **container.environment}


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""  # an image needs no such file


def _own_standard_streams(user: User) -> None:
    """Let the user open /dev/stdout and its like, as runc does; files of the host stay as is."""
    for descriptor in (0, 1, 2):
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode) or os.isatty(descriptor):
            with suppress(OSError):  # a pipe of a user that this namespace doesn't have
                os.fchown(descriptor, user.uid, user.gid)


def _set_limit(limit: Ulimit) -> None:
    """Set a limit, or the highest that this process may set if that is lower."""
    kind = getattr(resource, f"RLIMIT_{limit.name.upper()}", None)
    if kind is None:  # `locks`, which Linux has long ignored
        return
    try:
        resource.setrlimit(kind, (limit.soft, limit.hard))
    except ValueError:
        _, highest = resource.getrlimit(kind)
        resource.setrlimit(kind, (_at_most(limit.soft, highest), _at_most(limit.hard, highest)))


def _at_most(value: int, highest: int) -> int:
    """Return a limit of -1, which is none, or above the highest as the highest."""
    return value if 0 <= value < highest else highest


def _become(user: User, capabilities: frozenset[str], *, single_user: bool) -> None:
    """Change to the user, with these capabilities at most; only root has them from the start."""
    kept = [number for number, name in enumerate(_CAPABILITIES) if name in capabilities]
    kernel.limit_capabilities(kept)
    if not single_user:
        os.setgroups(user.further_groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    if single_user or user.uid == 0:
        kernel.set_capabilities(kept)


def _fork_init() -> None:
    """Fork: the child returns; the parent forwards signals, reaps, and exits with its status."""
    every_signal = signal.valid_signals()
    signal.pthread_sigmask(signal.SIG_BLOCK, every_signal)
    program = os.fork()
    if program == 0:
        return
    os.closerange(3, _MOST_DESCRIPTORS)  # also the one whose end means that the program runs
    kernel.hide_memory()
    while True:
        number = signal.sigwait(every_signal)
        if number != signal.SIGCHLD:
            os.kill(program, number)
            continue
        for pid, status in _ended_children():
            if pid == program:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else _EXIT_BY_SIGNAL - code)


def _ended_children() -> Iterator[tuple[int, int]]:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, status


def _run(argv: tuple[str, ...], environment: dict[str, str]) -> Never:
    """Become the program, with no signal blocked or ignored.

    Raises:
        OSError: It can't be run; the text is Docker's.
    """
    if not argv:
        raise OSError(errno.EINVAL, "no command specified")
    path = _find_program(argv[0], environment["PATH"])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execve(path, argv, environment)  # noqa: S606 — no shell is the point
    except OSError as error:
        raise OSError(
            error.errno, f"exec {path}: {os.strerror(error.errno or 0).lower()}"
        ) from None


def _find_program(name: str, path: str) -> str:
    """Look a program up as container engines do.

    Raises:
        OSError: There is none, or it may not be run; the text is Docker's.
    """
    if "/" not in name:
        for folder in path.split(":"):
            candidate = f"{folder or '.'}/{name}"
            if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
                return candidate
        raise OSError(errno.ENOENT, f'exec: "{name}": executable file not found in $PATH')
    try:
        mode = os.stat(name).st_mode
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise OSError(error.errno, f'exec: "{name}": stat {name}: {reason}') from None
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, f'exec: "{name}": is a directory')
    if not os.access(name, os.X_OK):
        raise OSError(errno.EACCES, f'exec: "{name}": permission denied')
    return name
