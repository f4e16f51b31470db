"""Try what containers need of an isolation, in namespaces that end with this process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from localaws.machine import kernel, root_file_system, seccomp

if TYPE_CHECKING:
    from typing import Never


def main() -> Never:
    """Try everything; exit 0, or 1 with the reason on standard error."""
    try:
        kernel.mount("tmpfs", "/run", "tmpfs")
        _try_network()
        _try_container()
    except OSError as error:
        sys.exit(kernel.described(error))
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines()
        sys.exit(f"{' '.join(error.cmd)}: {lines[-1] if lines else error.returncode}")
    sys.exit(0)


def _try_network() -> None:
    """Make a network namespace with a link and a firewall, and forward between networks."""
    _run("ip", "netns", "add", "trial")
    _run("ip", "link", "add", "trial", "type", "veth", "peer", "name", "eth0", "netns", "trial")
    _run("nft", "add table inet trial; add chain inet trial forward")
    with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
        file.write("1")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True)  # noqa: S603 — fixed programs


def _try_container() -> None:
    """Have a child enter the root file system of a container, which has an empty image.

    Raises:
        OSError: It can't be entered.
    """
    folder = "/run/trial"  # in the file system that this process has mounted there
    os.makedirs(f"{folder}/image")
    reading_end, writing_end = os.pipe()
    kernel.unshare(kernel.PID_NAMESPACE)
    if os.fork() == 0:
        _enter_container(folder, writing_end)
    os.close(writing_end)
    with os.fdopen(reading_end, encoding="utf-8") as pipe:
        problem = pipe.read()
    if problem:
        raise OSError(problem)


def _enter_container(folder: str, report: int) -> Never:
    """Enter that root, write an error's message to *report*, and end this process."""
    try:
        kernel.unshare(
            kernel.MOUNT_NAMESPACE
            | kernel.UTS_NAMESPACE
            | kernel.IPC_NAMESPACE
            | kernel.CGROUP_NAMESPACE
        )
        kernel.set_hostname("trial")
        root_file_system.enter(
            image=f"{folder}/image",
            work=folder,
            mounts=(),
            files={"/etc/hostname": "trial\n"},
            folders=(),
            read_only=True,
        )
        kernel.filter_system_calls(seccomp.container_filter(pretend_users=True))
    except OSError as error:
        os.write(report, kernel.described(error).encode())
    finally:
        os._exit(0)
