"""What runs tasks: the protocol between the controller and a task runtime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from localaws.ecs.scheduler.model import Health
    from localaws.machine.addresses import ListenAddress


class Condition(StrEnum):
    """What a container waits for before it starts."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


class TaskStartError(Exception):
    """A task failed to start; the message is its stopped reason, with ECS's error name first."""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A container's own health check, with ECS's defaults; durations in seconds."""

    command: tuple[str, ...]
    """Program and arguments."""

    retries: int = 3
    interval: float = 30
    timeout: float = 5
    start_period: float = 0

    def at(self, speed: float) -> HealthCheck:
        """Return the check at another speed, but with its time-out: commands aren't faster."""
        return replace(self, interval=self.interval / speed, start_period=self.start_period / speed)


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """One container of a task."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    """Entry point and command of the task definition, or nothing where the image's own is to be
    used.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """With secrets resolved; never logged."""

    ports: tuple[int, ...] = ()
    essential: bool = True
    health_check: HealthCheck | None = None
    depends_on: Mapping[str, Condition] = field(default_factory=dict)
    """By name of the other container."""

    working_directory: str = "/"
    log_stream: str | None = None
    """Log group and stream as a relative path; None where output isn't kept."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One task to start."""

    id: str
    hostname: str
    containers: tuple[ContainerSpec, ...]


class RunningTask(Protocol):
    """A task that was started."""

    @property
    def listen_address(self) -> ListenAddress:
        """Where its containers listen."""

    @property
    def ended(self) -> asyncio.Future[Mapping[str, int]]:
        """Exit status by container when it is over; 128 plus the number of a signal."""

    @property
    def note(self) -> str:
        """What is wrong with it here that isn't wrong on AWS, or nothing."""

    @property
    def health(self) -> tuple[Health, str]:
        """What its containers' own checks say together, and what the one that fails got."""


class TaskRuntime(Protocol):
    """Starts and stops tasks."""

    async def start(self, spec: TaskSpec) -> RunningTask:
        """Start a task.

        Raises:
            TaskStartError: It can't be started; nothing of it is left.
        """

    async def stop(self, task: RunningTask, stop_timeout: float) -> None:
        """SIGTERM, SIGKILL after `stop_timeout` seconds; returns when it is over."""

    async def close(self) -> None:
        """Kill whatever still runs."""
