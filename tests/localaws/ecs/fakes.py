"""A task runtime and target groups for the controller, without processes and proxies."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from localaws.alb.targets import TargetHealth, TargetState
from localaws.ecs.scheduler.model import Health

if TYPE_CHECKING:
    from collections.abc import Callable


class Runtime:
    """A runtime whose tasks run from their start until they are stopped."""

    def __init__(self) -> None:
        self.running: list[Any] = []

    async def start(self, _spec: object) -> Any:
        ended = asyncio.get_running_loop().create_future()
        listen_address = SimpleNamespace(
            address=f"127.0.0.{len(self.running) + 1}", port=lambda port: port
        )
        self.running.append(
            SimpleNamespace(
                listen_address=listen_address,
                ended=ended,
                health=(Health.UNCHECKED, ""),
                note="",
                reasons={},
                host_ports={},
                ipv6="",
            )
        )
        return self.running[-1]

    async def stop(self, task: Any, _stop_timeout: float) -> None:
        task.ended.set_result({"web": 0})

    async def close(self) -> None:
        pass


class TargetGroups:
    """Target groups whose targets all have one state, which a test can change."""

    def __init__(self) -> None:
        self.state = TargetState.HEALTHY
        self.notify: list[Callable[[], None]] = []
        self.deregistered = 0
        self.on_sync: Callable[[], None] = lambda: None
        """Called when the load balancers would read the cloud and apply it."""

    def register(self, _group: str, _endpoint: object, notify: Callable[[], None]) -> None:
        self.notify.append(notify)

    def deregister(self, _group: str, _endpoint: object) -> None:
        self.deregistered += 1

    def forget(self, _group: str, _endpoint: object) -> None:
        pass

    def health(self, _group: str, _endpoint: object) -> TargetHealth:
        return TargetHealth(self.state)

    async def sync(self) -> None:
        self.on_sync()

    async def close(self) -> None:
        pass
