"""The task runtime `process`, with real processes."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from localaws.ecs.tasks.images import Images, Row
from localaws.ecs.tasks.process_runtime import Processes
from localaws.ecs.tasks.runtime import Condition, ContainerSpec, LogRouter, TaskStartError
from localaws.ecs.tasks.supervisor import Supervisor
from localaws.machine import addresses
from localaws.machine.addresses import Addresses, can_bind
from localaws.machine.processes import Launcher
from tests.localaws.ecs.tasks.processes import HOST, container, runtime, task
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # real processes


def trapping(commands: str) -> str:
    """Return a script that runs these commands on SIGTERM; it prints when it is ready for it."""
    return f"trap '{commands}' TERM; echo ready; while true; do sleep 0.05; done"


async def test_a_container_gets_its_own_environment_and_not_the_daemons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    async with runtime(tmp_path) as running:
        started = await running.start(
            task(container("env; pwd", environment={"A": "1"}, ports=(9000,)))
        )
        assert await started.ended == {"app": 0}
        listen_address = started.listen_address
    lines = (tmp_path / "logs/group/app").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in lines)
    printed = {line.partition(" ")[2] for line in lines}
    assert {f"HOSTNAME={HOST}", "A=1", f"WHERE={listen_address.address}:9000", "/"} <= printed
    assert not [line for line in printed if "AWS_" in line]


async def test_a_container_has_dockers_umask_and_not_the_daemons(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        async with runtime(tmp_path) as running:
            assert await (await running.start(task(container("umask")))).ended == {"app": 0}
    finally:
        os.umask(before)
    assert (tmp_path / "logs/group/app").read_text().split()[1] == "0022"


async def test_both_outputs_and_an_unfinished_last_line_are_kept_in_order(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        started = await running.start(task(container("echo one; echo two >&2; printf three")))
        await started.ended
    lines = (tmp_path / "logs/group/app").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["one", "two", "three"]


async def test_a_log_stream_cannot_leave_the_logs_folder(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        spec = ContainerSpec(
            name="a", image="x", command=("echo", "hi"), log_stream="../../../g/../s"
        )
        await (await running.start(task(spec))).ended
    assert list(tmp_path.rglob("s")) == [tmp_path / "logs/g/s"]


async def test_the_end_of_an_essential_container_ends_the_others(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        started = await running.start(task(container("exit 3"), container("sleep 1000", "side")))
        assert await started.ended == {"app": 3, "side": 137}


async def test_a_container_that_is_not_essential_may_end(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        started = await running.start(
            task(container("sleep 1000"), container("echo done; exit 1", "side", essential=False))
        )
        await eventually(started.children["side"].ended.done, "the sidecar's end")
        assert not started.ended.done()
        await running.stop(started, 5)
        assert started.ended.result() == {"app": 143, "side": 1}


async def test_every_container_has_the_stop_timeout_to_end_whichever_ends_first(
    tmp_path: Path,
) -> None:
    slow = trapping("sleep 0.3; exit 5")
    async with runtime(tmp_path) as running:
        started = await running.start(task(container("exec sleep 1000"), container(slow, "side")))
        await until_ready(tmp_path, "side")
        await running.stop(started, 5)
        assert started.ended.result() == {"app": 143, "side": 5}


async def test_a_container_is_stopped_once_those_have_ended_that_depend_on_it(
    tmp_path: Path,
) -> None:
    order = tmp_path / "order"

    def script(name: str, work: str) -> str:
        return trapping(f"{work}; echo {name} >> {order}; exit 0")

    web = container(script("web", "sleep 0.3"), "web", depends_on={"proxy": Condition.START})
    proxy = container(script("proxy", "sleep 0.1"), "proxy", depends_on={"log": Condition.START})
    async with runtime(tmp_path) as running:
        started = await running.start(task(web, container(script("log", ":"), "log"), proxy))
        await until_ready(tmp_path, "web", "proxy", "log")
        await running.stop(started, 5)
        assert started.ended.result() == {"web": 0, "log": 0, "proxy": 0}
    assert order.read_text().split() == ["web", "proxy", "log"]


async def test_a_process_that_ignores_sigterm_is_killed_after_the_stop_timeout(
    tmp_path: Path,
) -> None:
    async with runtime(tmp_path) as running:
        started = await running.start(task(container(trapping(""))))
        await until_ready(tmp_path, "app")
        await running.stop(started, 0.2)
        assert started.ended.result() == {"app": 137}


async def test_each_container_has_its_own_stop_timeout(tmp_path: Path) -> None:
    slow = trapping("sleep 0.3; exit 5")
    async with runtime(tmp_path) as running:
        started = await running.start(
            task(container(slow, stop_timeout=5), container(slow, "side", stop_timeout=0.1))
        )
        await until_ready(tmp_path, "app", "side")
        await running.stop(started, 5)
        assert started.ended.result() == {"app": 5, "side": 137}


@pytest.mark.parametrize(
    ("containers", "row", "message"),
    [
        ([container("true"), ContainerSpec(name="b", image="y")], Row(("x",)), "no command to run"),
        (
            [container("true")],
            Row(("x",), ("no-such",)),
            "CannotStartContainerError: no-such: No such file or directory$",
        ),
        (
            [container("true", "side"), container("true")],
            Row(("x",), ("no-such",)),
            "CannotStartContainerError: no-such: No such .*; local AWS: the container side$",
        ),
    ],
)
async def test_a_task_that_cannot_start_leaves_nothing(
    tmp_path: Path, containers: list[ContainerSpec], row: Row, message: str
) -> None:
    taken = Addresses(tmp_path)
    async with runtime(tmp_path, row, taken=taken) as running:
        with pytest.raises(TaskStartError, match=message):
            await running.start(task(*containers))
        assert not taken._taken


async def test_a_log_router_needs_containers(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        with pytest.raises(TaskStartError, match="FireLens needs tasks that run as containers"):
            await running.start(task(container("true", log_router=LogRouter())))


async def test_an_image_without_a_row_is_an_image_that_cannot_be_pulled(tmp_path: Path) -> None:
    images = Images((), tmp_path / "localaws-images.toml")
    processes = Processes(Launcher(), Addresses(tmp_path), lambda: images)
    running = Supervisor(processes, tmp_path)
    with pytest.raises(TaskStartError, match=r"CannotPullContainerError: .* image x; add a row"):
        await running.start(task(container("true")))
    await running.close()


async def test_without_privileges_a_container_listens_on_a_high_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        addresses, "can_bind", lambda address, port: port >= 1024 and can_bind(address, port)
    )
    async with runtime(tmp_path) as running:
        started = await running.start(task(container("echo $WHERE", ports=(80,))))
        await started.ended
        assert started.listen_address.port(80) == 8080
    assert (tmp_path / "logs/group/app").read_text().rstrip().endswith(":8080")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


WITHOUT_HOST = {
    # Python's own listens on [::], which takes the IPv4 addresses too, Node's as well.
    "python's": "exec {python} -m http.server {port}",
    "one of IPv4": "exec {python} -m http.server --bind 0.0.0.0 {port}",
    "node's": "exec node -e \"require('http').createServer().listen({port}, '0.0.0.0')\"",
}


@pytest.mark.parametrize("server", WITHOUT_HOST)
async def test_two_tasks_that_listen_on_all_addresses_both_get_a_note(
    tmp_path: Path, server: str
) -> None:
    if server == "node's" and shutil.which("node") is None:
        pytest.skip("there is no node")
    port = free_port()
    listen = container(WITHOUT_HOST[server].format(python=sys.executable, port=port), ports=(port,))
    async with runtime(tmp_path) as running:
        first = await running.start(task(listen))
        second = await running.start(task(listen))
        await eventually(lambda: first.note != "" and second.note != "", "both notes")
        # The one that couldn't listen has ended; which one that is isn't certain.
        ended, alive = (first, second) if first.ended.done() else (second, first)
        log = (tmp_path / "logs/group/app").read_text()
        for started, what in ((alive, "listens"), (ended, "can't listen")):
            assert (
                f"local AWS: the container {what} on port {port} of all addresses (0.0.0.0)"
                in started.note
            )
            assert started.note in log
        reason = (
            f"ResourceInitializationError: local AWS: another task's .* on port {port} "
            "of all addresses"
        )
        with pytest.raises(TaskStartError, match=reason):
            await running.start(task(listen))


async def test_tasks_that_listen_on_their_own_addresses_get_no_note(tmp_path: Path) -> None:
    port = free_port()
    script = f'exec {sys.executable} -m http.server --bind "${{WHERE%:*}}" {port}'
    async with runtime(tmp_path) as running:
        tasks = [await running.start(task(container(script, ports=(port,)))) for _ in range(2)]
        for each in tasks:
            where = (each.listen_address.address, port)
            await eventually(partial(answers, where), f"{where}")
        # The check of the addresses ends as soon as each task listens on its own.
        for each in tasks:
            await asyncio.wait_for(asyncio.gather(*each.background), 10)
        assert [each.note for each in tasks] == ["", ""]


async def until_ready(directory: Path, *names: str) -> None:
    """Wait until these containers have set their traps."""
    for name in names:
        log = directory / "logs/group" / name
        await eventually(partial(has_ready, log), f"the trap of {name}")


def has_ready(log: Path) -> bool:
    return "ready" in log.read_text()


def answers(where: tuple[str, int]) -> bool:
    with socket.socket() as client:
        return client.connect_ex(where) == 0
