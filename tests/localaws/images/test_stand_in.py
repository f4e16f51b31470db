"""The stand-in that set-up made runs this project's own command, in real containers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from localaws.images import stand_in
from localaws.images.config import merge
from localaws.images.errors import UnreachableRegistryError
from localaws.images.platforms import of_this_machine
from localaws.images.puller import Image, Puller, Sources
from localaws.images.registry import Registry
from localaws.images.store import Store
from localaws.machine.container import Container
from localaws.machine.isolation import Isolation
from tests.localaws.machine.conftest import Output, add_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.machine.processes import Launcher

pytestmark = pytest.mark.slow  # real containers

DEFAULTS = yaml.safe_load(Path("Pulumi.yaml").read_text())["config"]
NGINX: str = DEFAULTS["image"]["default"]
COMMAND: list[str] = DEFAULTS["command"]["default"]


class UnreachableRegistry(Registry):
    """A registry whose name can't be resolved."""

    async def resolve(self, *_: object) -> str:
        raise UnreachableRegistryError("no such host")


@pytest.fixture
def layout() -> Path:
    found = stand_in.find_layout()
    if found is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no stand-in for nginx: run `make setup`")
    return found


@pytest.fixture(params=[Isolation.ROOT, Isolation.ONE_ID])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    chosen: Isolation = request.param
    if chosen == Isolation.ROOT and os.geteuid() != 0:
        pytest.skip("needs root")
    return chosen


async def pull(launcher: Launcher, layout: Path, folder: Path) -> Image:
    nowhere = UnreachableRegistry(launcher, "crane", {})
    puller = Puller(Store(folder, launcher), Sources(registry=nowhere, stand_in=layout))
    return await puller.pull(NGINX, platform=of_this_machine())


async def get(launcher: Launcher, time_limit: float = 20) -> str:
    """The answer of what listens on port 80 of the container's loopback, once something does."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(time_limit):
        while True:
            client = await launcher.open_socket(
                "task", family=socket.AF_INET, type=socket.SOCK_STREAM
            )
            try:
                await loop.sock_connect(client, ("127.0.0.1", 80))
            except ConnectionRefusedError:
                client.close()
                await asyncio.sleep(0.02)
                continue
            reader, writer = await asyncio.open_connection(sock=client)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.decode()


def container(image: Image, work: Path, command: Sequence[str]) -> Container:
    process = merge(image.config, command=command)
    return Container(
        network="task",
        hostname="ip-10-0-1-21",
        image=str(image.root),
        work=str(work),
        argv=process.argv,
        environment=process.environment,
        user=process.user,
        working_directory=process.working_directory,
        files={"/etc/hostname": "ip-10-0-1-21\n"},
    )


@pytest.mark.parametrize("command", [COMMAND, []], ids=["the stack files' command", "its own"])
async def test_the_stand_in_answers_and_ends_well_when_it_is_stopped(
    launcher: Launcher, layout: Path, tmp_path: Path, command: list[str]
) -> None:
    image = await pull(launcher, layout, tmp_path / "store")
    await add_network(launcher)
    described = container(image, tmp_path / "work", command)
    with Output() as output:
        child = await launcher.start_container(
            described, stdout=output.descriptor, stderr=output.descriptor
        )
        page = await get(launcher)
        code = await child.stop(20, signal.Signals[image.config.stop_signal])
        log = output.text()
    assert page.startswith("HTTP/1.1 200 OK")
    expected = "<h1>Hello from ip-10-0-1-21</h1>" if command else "<h1>Welcome to nginx!</h1>"
    assert expected in page
    assert '"GET / HTTP/1.0" 200' in log, "the access log is the container's output"
    assert code == 0, log
