"""Limits of CPU and memory: real groups where this machine has them, folders of files for the rest.

A stand-in for the kernel's files shows which are written for each version of the interface. It
doesn't show that a kernel with version 2 takes them: version 1 only was there to run it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.machine import cgroups
from localaws.machine.cgroups import ControlGroups, Limits, NoControlGroupsError
from localaws.machine.isolation import Isolation
from tests.localaws.machine.conftest import ContainerRunner, Output

V1 = """\
30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs rw
31 30 0:27 {root} {folder}/memory rw - cgroup cgroup rw,memory
32 30 0:28 {root} {folder}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
"""
V2 = "31 30 0:27 {root} {folder} rw - cgroup2 cgroup2 rw,nsdelegate\n"


def make_proc(folder: Path, *, mounts: str, own: str, root: str = "/") -> Path:
    """A /proc with a process's groups and mounts."""
    proc = folder / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(own)
    (proc / "self" / "mountinfo").write_text(mounts.format(folder=folder, root=root))
    return proc


def make_unified(folder: Path, path: str, handed_down: str) -> Path:
    group = folder / path
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.subtree_control").write_text(handed_down)
    return group


def content(folder: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in folder.iterdir() if each.is_file()}


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of files have no kernel that takes a process, nor empties one that is removed."""
    monkeypatch.setattr(cgroups, "_try_to_join", lambda _: None)


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(
    ("root", "own", "expected"),
    [
        ("/", "/user/session", "memory/user/session"),
        ("/docker/abc", "/docker/abc/inner", "memory/inner"),
        ("/docker/abc", "/docker/abc", "memory"),
        ("/docker/abc", "/docker/abcdef", "memory"),
    ],
)
def test_version_1_has_a_group_in_each_hierarchy(
    tmp_path: Path, root: str, own: str, expected: str
) -> None:
    lines = f"4:memory:{own}\n1:cpu,cpuacct:{own}\n0::/\n"
    proc = make_proc(tmp_path, mounts=V1, own=lines, root=root)
    (tmp_path / expected).mkdir(parents=True)
    (tmp_path / expected.replace("memory", "cpu,cpuacct", 1)).mkdir(parents=True)
    group = cgroups.find(proc).create("task", Limits(memory_mib=64, cpu_units=256, cpu_shares=128))
    memory, cpu = map(Path, group.folders)
    assert memory.parent == tmp_path / expected
    assert content(memory) == {"memory.limit_in_bytes": "67108864"}
    assert content(cpu) == {
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "25000",
        "cpu.shares": "128",
    }
    (memory / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert group.out_of_memory_kills() == 2


@pytest.mark.usefixtures("no_process")
def test_version_2_has_one_group_below_the_nearest_that_hands_controllers_down(
    tmp_path: Path,
) -> None:
    proc = make_proc(tmp_path, mounts=V2, own="0::/user.slice/user-7.slice/session\n")
    make_unified(tmp_path, "user.slice", "cpu memory pids")
    parent = make_unified(tmp_path, "user.slice/user-7.slice", "cpu io memory pids")
    make_unified(tmp_path, "user.slice/user-7.slice/session", "")
    task = cgroups.find(proc).create("task", Limits(memory_mib=64, cpu_units=512, cpu_shares=1024))
    (folder,) = map(Path, task.folders)
    assert folder.parent == parent
    expected = {"memory.max": "67108864", "cpu.max": "50000 100000", "cpu.weight": "39"}
    assert content(folder) == expected
    container = task.create("web", Limits(memory_mib=32))
    assert content(folder)["cgroup.subtree_control"] == "+memory +cpu"
    (within,) = map(Path, container.folders)
    assert within.parent == folder
    (within / "memory.events").write_text("low 0\noom 1\noom_kill 1\noom_group_kill 0\n")
    assert container.out_of_memory_kills() == 1


@pytest.mark.parametrize(
    ("mounts", "own", "reason"),
    [
        (V2, "0::/session\n", "no group above /session hands memory and cpu down to this user"),
        ("", "0::/\n", "no hierarchy has the controllers memory and cpu"),
        (V1, "0::/\n", "no hierarchy has the controllers memory and cpu"),
        (V1, "4:memory:/no\n1:cpu:/no\n", "No such file or directory"),
    ],
)
def test_where_there_are_none_the_reason_is_given(
    tmp_path: Path, mounts: str, own: str, reason: str
) -> None:
    make_unified(tmp_path, "session", "")
    with pytest.raises(NoControlGroupsError, match=reason):
        cgroups.find(make_proc(tmp_path, mounts=mounts, own=own))


@pytest.fixture
def isolation() -> Isolation:
    """That of the launcher: only root may join control groups."""
    return Isolation.ROOT


@pytest.fixture
def groups() -> ControlGroups:
    try:
        return cgroups.find()
    except NoControlGroupsError as reason:
        pytest.skip(f"NOT TESTED with real control groups: {reason}")


@pytest.mark.slow  # real processes
async def test_a_container_that_needs_too_much_memory_is_killed(
    groups: ControlGroups, runner: ContainerRunner
) -> None:
    task = groups.create("memory", Limits(memory_mib=256))
    limited = task.create("web", Limits(memory_mib=16))
    try:
        greedy = runner.container("sh", "-c", GREEDY)
        nowhere = os.open(os.devnull, os.O_RDWR)
        child = await runner.launcher.start_container(
            greedy, stdout=nowhere, stderr=nowhere, cgroups=limited.folders
        )
        os.close(nowhere)
        assert await child.wait() == -signal.SIGKILL
        assert limited.out_of_memory_kills() >= 1
    finally:
        task.remove()
    assert not any(Path(each).exists() for each in (*task.folders, *limited.folders))


GREEDY = 'text=x; while :; do text="$text$text"; done'
"""A shell that needs twice as much again and again."""


@pytest.mark.slow  # real processes
async def test_a_container_sees_its_own_limits_and_cannot_change_them(
    groups: ControlGroups, runner: ContainerRunner
) -> None:
    task = groups.create("seen", Limits(memory_mib=256))
    limited = task.create("web", Limits(memory_mib=16))
    script = (
        "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes || cat memory.max; "
        "for file in memory.max memory/memory.limit_in_bytes; do"
        "   [ ! -e $file ] || echo 1 > $file || echo refused;"
        "done; grep -e memory -e '^0:' /proc/self/cgroup"
    )
    try:
        with Output() as output:
            child = await runner.launcher.start_container(
                runner.container("sh", "-c", script),
                stdout=output.descriptor,
                stderr=output.descriptor,
                cgroups=limited.folders,
            )
            await child.wait()
            printed = output.text()
        assert str(16 * 2**20) in printed
        assert "refused" in printed
        assert printed.split("memory:")[-1].startswith("/\n"), "names above it don't show"
    finally:
        task.remove()


@pytest.mark.slow  # real processes
def test_a_group_gets_its_part_of_a_cpu(groups: ControlGroups) -> None:
    group = groups.create("cpu", Limits(cpu_units=256))
    join = "".join(f"echo 0 > {folder}/cgroup.procs; " for folder in group.folders)
    try:
        started = time.monotonic()
        with subprocess.Popen(["sh", "-c", f"{join} while :; do :; done"]) as process:
            time.sleep(1)  # the kernel's clock is what is measured
            process.kill()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = -signal.SIGKILL
        elapsed = time.monotonic() - started
        assert used.ru_utime + used.ru_stime < 0.5 * elapsed
    finally:
        group.remove()


@pytest.mark.slow  # real processes
def test_what_a_killed_daemon_left_is_removed_and_nothing_else(groups: ControlGroups) -> None:
    script = (
        "from localaws.machine import cgroups\n"
        "group = cgroups.find().create('left', cgroups.Limits(memory_mib=8))\n"
        "group.create('web', cgroups.Limits(memory_mib=8))\n"
        "print(*group.folders, sep='\\n')"
    )
    left = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    ).stdout.split()
    mine = groups.create("mine", Limits(memory_mib=8))
    try:
        assert all(Path(folder).exists() for folder in left)
        groups.sweep()
        assert not any(Path(folder).exists() for folder in left)
        assert all(Path(folder).exists() for folder in mine.folders)
    finally:
        mine.remove()
