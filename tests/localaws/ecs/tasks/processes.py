"""The task runtime `process`, with containers that run a script."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from localaws.ecs.tasks.images import Images, Row
from localaws.ecs.tasks.process_runtime import Processes
from localaws.ecs.tasks.runtime import ContainerSpec, TaskSpec
from localaws.ecs.tasks.supervisor import Supervisor
from localaws.machine.addresses import Addresses
from localaws.machine.processes import Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "ip-10-0-1-4.eu-west-1.compute.internal"


@asynccontextmanager
async def runtime(
    directory: Path, *rows: Row, speed: float = 1, taken: Addresses | None = None
) -> AsyncIterator[Supervisor]:
    own = Row(match=("*",), environment={"WHERE": "{address}:{port}"})
    images = Images((*rows, own), directory / "localaws-images.toml")
    processes = Processes(Launcher(), taken or Addresses(directory), lambda: images)
    running = Supervisor(processes, directory / "logs", speed=speed)
    try:
        yield running
    finally:
        await running.close()


def container(script: str, name: str = "app", **how: Any) -> ContainerSpec:
    return ContainerSpec(
        name=name, image="x", command=("sh", "-c", script), log_stream=f"group/{name}", **how
    )


def task(*containers: ContainerSpec) -> TaskSpec:
    return TaskSpec(id="t1", hostname=HOST, containers=containers)
