"""Which isolation this machine allows: found by trying, as root and as a user without rights."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from localaws.machine import cgroups, isolation, programs
from localaws.machine.isolation import Isolation
from localaws.machine.processes import CannotStartError, Launcher
from tests.localaws.machine.conftest import ISOLATIONS, build_image
from tests.localaws.waiting import eventually
from tools.network_programs import WRAPPER

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow  # real processes

SOMEONE = 12345
"""A user ID that no account has: no subordinate IDs, no group, nothing."""

AS_SOMEONE = [
    *("setpriv", "--reuid", str(SOMEONE), "--regid", str(SOMEONE), "--clear-groups"),
    "env",  # setpriv itself still has root's rights when it looks for a program
]
SCRIPT = """
import asyncio, json, os, sys
from localaws.machine import isolation
from localaws.machine.container import Container
from localaws.machine.processes import Launcher

async def main():
    finding = isolation.find()
    launcher = Launcher(finding.isolation)
    await launcher.run(["ip", "netns", "add", "task"])
    await launcher.run(["nft", "add", "table", "inet", "vpc"], network="task")
    container = Container(network="task", hostname="task", image=sys.argv[1], work=sys.argv[2],
        argv=("sh", "-c", sys.argv[3]), user="nginx")
    read, write = os.pipe()
    child = await launcher.start_container(container, stdout=write, stderr=write)
    os.close(write)
    print(json.dumps({"isolation": finding.isolation, "lacks": finding.lacks,
        "why_not": finding.why_not, "pid": launcher.pid}), flush=True)
    code = await child.wait()
    print(json.dumps({"code": code, "output": os.read(read, 4096).decode()}), flush=True)
    await launcher.close()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that someone can write, with copies of what else root's folders hide."""
    made = Path(tempfile.mkdtemp(prefix="someone-", dir="/var/tmp"))
    try:
        made.chmod(0o755)
        source = Path(isolation.__file__).parents[1]
        for name in ("__init__.py", "machine"):
            target = made / "localaws" / name
            target.parent.mkdir(exist_ok=True)
            copy = shutil.copytree if (source / name).is_dir() else shutil.copy
            copy(source / name, target)
        (made / "bin").mkdir()
        for name in ("nft", "ip"):
            _copy_program(name, made)
        (made / "image").mkdir()
        build_image(made / "image")
        (made / "work").mkdir()
        if os.geteuid() == 0:
            # The image belongs to the user, as it does when that user has pulled it.
            subprocess.run(["chown", "-R", str(SOMEONE), made], check=True)
        yield made
    finally:
        shutil.rmtree(made)


def _copy_program(name: str, folder: Path) -> None:
    """Copy a program that set-up has got for the user who runs the tests."""
    program = programs.find(name)
    assert program is not None, f"{name} is missing: run `make setup`"
    program = program.resolve()
    if "network-programs" not in program.parts:
        return
    copy = shutil.copytree(program.parent, folder / f"{name}-unpacked")
    libraries = {str(path.parent) for path in copy.rglob("*.so.*")}
    wrapper = WRAPPER.format(
        name=name, libraries=":".join(libraries), program=copy / "usr" / "sbin" / name
    )
    (folder / "bin" / name).write_text(wrapper)
    (folder / "bin" / name).chmod(0o755)


def someones_python() -> list[str]:
    """A Python that someone may run; root's may be in a folder that is root's alone."""
    if os.geteuid() != 0:
        return [sys.executable]
    for candidate in (sys.executable, "/usr/bin/python3"):
        answer = subprocess.run(
            [*AS_SOMEONE, candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
        )
        if answer.returncode == 0:
            return [*AS_SOMEONE, candidate]
    pytest.fail("no Python 3.11 on this machine may be run by a user who isn't root")


def start(folder: Path, script: str) -> subprocess.Popen[str]:
    path = f"{folder / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin"
    arguments = [str(folder / "image"), str(folder / "work"), script]
    return subprocess.Popen(
        [*someones_python(), "-c", SCRIPT, *arguments],
        env={"PATH": path, "PYTHONPATH": str(folder), "HOME": str(folder)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail(process.stderr.read())
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_user_without_rights_gets_namespaces_with_one_id(folder: Path) -> None:
    with start(folder, "id -u; touch /written; chown nginx /written; hostname") as process:
        found, result = read(process), read(process)
    assert found["isolation"] == Isolation.ONE_ID, found["why_not"]
    assert found["why_not"]["root"] == "this user isn't root"
    assert "subordinate-ids" in found["why_not"]
    assert any(each.startswith("users:") for each in found["lacks"])
    assert result == {"code": 0, "output": "0\ntask\n"}


async def test_a_killed_daemon_leaves_nothing_of_its_containers(folder: Path) -> None:
    with start(folder, "sleep 1000.5 & setsid sleep 1000.5 & sleep 1000.5") as process:
        found = read(process)
        family = psutil.Process(found["pid"]).children(recursive=True)
        assert len(family) >= 2, "the launcher and the container"
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    await eventually(lambda: not psutil.pid_exists(found["pid"]), "the end of unshare")


def test_root_gets_the_namespaces_of_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    assert isolation.try_out(Isolation.ROOT) is None
    finding = isolation.find()
    assert (finding.isolation, finding.why_not) == (Isolation.ROOT, {})
    assert isolation.find() is finding, "it is tried once"


def test_subordinate_ids_are_used_where_this_machine_has_them() -> None:
    refused = isolation.try_out(Isolation.SUBORDINATE_IDS)
    if refused is not None:
        pytest.skip(f"NOT TESTED with subordinate IDs: {refused}")
    assert Isolation.SUBORDINATE_IDS in ISOLATIONS, "newuidmap is there, so containers are tested"


async def test_a_launcher_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "command", lambda *_: ["sh", "-c", "exit 1"])
    with pytest.raises(CannotStartError, match="the parent of all processes has ended"):
        async with asyncio.timeout(20):
            await Launcher(Isolation.ROOT).run(["true"])


@pytest.mark.parametrize("name", ["nft", "ip", "unshare"])
def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = programs.find
    monkeypatch.setattr(programs, "find", lambda each: None if each == name else found(each))
    finding = isolation.find.__wrapped__()
    assert finding.isolation == Isolation.NONE
    assert list(finding.why_not) == [Isolation.ROOT, Isolation.SUBORDINATE_IDS, Isolation.ONE_ID]
    assert all(why.startswith(f"{name} is missing") for why in finding.why_not.values())
    assert any("security groups hold nothing back" in each for each in finding.lacks)


def test_a_refused_step_is_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\necho 'Operation not supported' >&2; exit 1\n")
    (tmp_path / "nft").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    why = isolation.try_out(Isolation.ONE_ID)
    assert why is not None
    assert why.startswith("nft add table")
    assert why.endswith(": Operation not supported")


def test_a_container_with_masked_paths_is_an_error_with_what_to_do() -> None:
    if (refused := isolation.try_out(Isolation.ROOT)) is not None:
        pytest.skip(f"needs root's mounts: {refused}")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from localaws.machine import isolation; "
        "print(isolation.try_out(isolation.Isolation.ONE_ID))"
    )
    mask = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'
    program = [sys.executable, "-c", script, str(Path(isolation.__file__).parents[2])]
    answer = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mask, "sh", *program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.startswith("unshare: mount /proc failed: Operation not permitted; this")
    assert "run it with --privileged" in answer.stdout


def test_what_this_machine_cannot_limit_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise cgroups.NoControlGroupsError("/sys/fs/cgroup/x: Permission denied")

    monkeypatch.setattr(cgroups, "find", refuse)
    monkeypatch.setattr(isolation, "try_out", lambda _: None)
    lacks = isolation.find.__wrapped__().lacks
    assert "limits of CPU and memory: /sys/fs/cgroup/x: Permission denied" in lacks
