"""An image made of this machine's own shell, and launchers in every isolation it allows."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from localaws.machine.container import Container
from localaws.machine.isolation import Isolation, try_out
from localaws.machine.processes import ChildProcess, Launcher
from localaws.machine.programs import find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROGRAMS = (
    *("sh", "cat", "chown", "env", "head", "hostname", "id", "kill", "ln", "ls", "mkdir", "mknod"),
    *("mkfifo", "mount", "readlink", "rm", "sleep", "stat", "test", "touch", "tty", "uname"),
    *("unshare", "setpriv", "ps", "grep", "true"),
)

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
nginx:x:101:102:nginx:/var/lib/nginx:/sbin/nologin
"""
GROUP = """\
root:x:0:
nginx:x:102:
logs:x:103:daemon,nginx
"""
BOUND = 60
"""Seconds within which a test with a launcher ends, whatever happens."""


def libraries(program: Path) -> set[Path]:
    """The files that a program needs to start."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_image(tmp_path_factory.mktemp("image"))


def build_image(root: Path) -> Path:
    """Fill a folder with the files of an image."""
    root.chmod(0o755)
    for folder in ("bin", "etc", "root", "tmp", "var/lib/nginx"):
        (root / folder).mkdir(parents=True)
    needed: set[Path] = set()
    for name in PROGRAMS:
        program = find(name)
        assert program is not None, f"the tests' image needs {name}"
        shutil.copy(program, root / "bin" / name)
        needed |= libraries(program)
    for library in needed:
        copy = root / library.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)
    (root / "etc" / "passwd").write_text(PASSWD)
    (root / "etc" / "group").write_text(GROUP)
    (root / "etc" / "resolv.conf").symlink_to("/no/such/folder/resolv.conf")
    (root / "etc" / "owned-by-the-image").write_text("as built\n")
    return root


ISOLATIONS = [Isolation.ROOT, Isolation.ONE_ID]
if find("newuidmap") is not None:  # else test_isolation.py says once that this isn't tested
    ISOLATIONS.append(Isolation.SUBORDINATE_IDS)


@pytest.fixture(params=ISOLATIONS)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Each isolation. That with one ID must work; the others need root, or subordinate IDs."""
    chosen: Isolation = request.param
    if chosen == Isolation.ONE_ID:
        return chosen
    refused = _refusal(chosen)
    if refused is None:
        return chosen
    if chosen == Isolation.ROOT and os.geteuid() == 0:
        pytest.fail(f"root has no namespaces here: {refused}")
    pytest.skip(f"NOT TESTED with {chosen}: {refused}")


_refusal = cache(try_out)


@pytest.fixture
async def launcher(isolation: Isolation) -> AsyncIterator[Launcher]:
    """A launcher in an isolation; a test that takes longer than `BOUND` is cancelled."""
    launcher = Launcher(isolation)
    timer = asyncio.get_running_loop().call_later(BOUND, cancel_test)
    yield launcher
    timer.cancel()
    await launcher.close()


def cancel_test() -> None:
    for task in asyncio.all_tasks():
        task.cancel(f"the test takes longer than {BOUND} s")


async def add_network(launcher: Launcher, name: str = "task") -> str:
    """A network namespace with a loopback interface."""
    await launcher.run(["ip", "netns", "add", name])
    await launcher.run(["ip", "-n", name, "link", "set", "lo", "up"])
    return name


class ContainerRunner:
    """Starts containers of one image and reads what they print."""

    def __init__(self, launcher: Launcher, image: Path, work: Path) -> None:
        self.launcher = launcher
        self.template = Container(
            network="task",
            hostname="ip-10-0-1-21",
            image=str(image),
            work="",
            argv=("sh",),
            environment={"LANG": "C"},
        )
        self._work = work
        self._count = 0

    def container(self, *argv: str, **changes: object) -> Container:
        self._count += 1
        work = str(self._work / f"container-{self._count}")
        return dataclasses.replace(
            self.template,
            argv=argv,
            work=work,
            **changes,  # type: ignore[arg-type]
        )

    def make_folder(self, mode: int) -> Path:
        """A folder of the host."""
        folder = self._work / "folder"
        folder.mkdir()
        folder.chmod(mode)
        return folder

    async def run(self, container: Container) -> tuple[int, str]:
        """A container's exit status and output."""
        with Output() as output:
            child = await self.launcher.start_container(
                container, stdout=output.descriptor, stderr=output.descriptor
            )
            return await child.wait(), output.text()

    async def shell(self, script: str, **changes: object) -> str:
        """The output of a script that has to succeed."""
        code, output = await self.run(self.container("sh", "-ec", script, **changes))
        assert code == 0, output
        return output

    async def start(self, container: Container) -> ChildProcess:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            return await self.launcher.start_container(container, stdout=nowhere, stderr=nowhere)
        finally:
            os.close(nowhere)


class Output:
    """A pipe's write end, and what came out at the other."""

    def __enter__(self) -> Self:
        self._read, self.descriptor = os.pipe()
        self._so_far = b""
        os.set_blocking(self._read, False)
        return self

    def text(self) -> str:
        with os.fdopen(os.dup(self._read), "rb") as pipe:
            self._so_far += pipe.read() or b""
        return self._so_far.decode()

    async def until(self, text: str) -> None:
        while text not in self.text():  # noqa: ASYNC110 — there is no event to wait for
            await asyncio.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        os.close(self._read)
        os.close(self.descriptor)


@pytest.fixture
async def runner(launcher: Launcher, image: Path, tmp_path: Path) -> ContainerRunner:
    await add_network(launcher)
    return ContainerRunner(launcher, image, tmp_path)
