"""What runs tasks: the protocol between the controller and a task runtime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from localaws.machine.root_file_system import SHARED_MEMORY, TemporaryFolder

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from localaws.ecs.scheduler.model import Health
    from localaws.machine.addresses import ListenAddress
    from localaws.machine.processes import ChildProcess, Usage


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
class MountPoint:
    """A folder of a container that its task has beside the image."""

    volume: str
    """Name of one of the task's volumes; containers that mount the same one share its files."""

    path: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Ulimit:
    """A limit on what a container's processes may use of something, as `setrlimit` names it."""

    name: str
    """In small letters and without its prefix: `nofile`."""

    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True)
class LogRouter:
    """The FireLens configuration of a container that routes the logs of others by Fluent Bit."""

    include: str = ""
    """A file of the image with further configuration."""

    metadata: bool = True
    """Whether it adds cluster, task and task definition to each record."""


@dataclass(frozen=True, kw_only=True)
class RoutedLogs:
    """How a container's output is routed."""

    options: Mapping[str, str]
    """Options of its output in Fluent Bit."""

    limit: int
    """Lines that wait at most while the router doesn't take them."""


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """One container of a task."""

    name: str
    image: str
    entry_point: tuple[str, ...] = ()
    """The task definition's, which replaces the image's entry point and command; else nothing."""

    command: tuple[str, ...] = ()
    """The task definition's, which replaces the image's command; else nothing."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """With secrets resolved; never logged."""

    ports: tuple[int, ...] = ()
    host_ports: Mapping[int, int] = field(default_factory=dict)
    """The instance's ports by its own, 0 for one that the instance chooses; on instances only."""

    hostname: str = ""
    """Its own, on an instance; nothing for its task's."""

    essential: bool = True
    health_check: HealthCheck | None = None
    depends_on: Mapping[str, Condition] = field(default_factory=dict)
    """By name of the other container."""

    working_directory: str = ""
    """The task definition's; nothing for the image's own."""

    user: str = ""
    """`user` or `user:group`, by name or number; nothing for the image's own."""

    read_only: bool = False
    """Whether its root file system is."""

    mounts: tuple[MountPoint, ...] = ()
    temporary: tuple[TemporaryFolder, ...] = ()
    shared_memory: int = SHARED_MEMORY
    """MiB that fit into /dev/shm."""

    added_capabilities: frozenset[str] = frozenset()
    dropped_capabilities: frozenset[str] = frozenset()
    """Linux capabilities as ECS spells them, without `CAP_`; ALL is all of them."""

    ulimits: tuple[Ulimit, ...] = ()
    init: bool = False
    """Whether a small init process runs it, which reaps what it leaves behind."""

    stop_timeout: float = 30
    """Seconds between SIGTERM and SIGKILL."""

    cpu: int | None = None
    """CPU units that it gets; 1024 are one vCPU. None where only the task has a limit."""

    memory: int | None = None
    """MiB above which it is killed; None where only the task has a limit."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Docker labels, which the container finds in its metadata."""

    log_stream: str | None = None
    """Log group and stream as a relative path; None where output isn't kept."""

    log_router: LogRouter | None = None
    """What it does as its task's log router; None for others."""

    routed_logs: RoutedLogs | None = None
    """How its output goes to its task's log router; None where it doesn't."""


@dataclass(frozen=True, kw_only=True)
class TaskNetwork:
    """The network interface of a task that has one (`awsvpc`)."""

    vpc: str = ""
    """Its id; nothing where the local AWS doesn't hold the subnet."""

    subnet: str = ""
    address: str = ""
    """Private address, in the subnet."""

    security_groups: tuple[str, ...] = ()
    """Ids; none for the VPC's default one."""

    assign_public_address: bool = False


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One task to start."""

    id: str
    hostname: str
    containers: tuple[ContainerSpec, ...]
    network: TaskNetwork = TaskNetwork()
    instance: str = ""
    """The id of the EC2 instance that it is on, in network mode `bridge`; else it has `network`."""

    platform: str = "linux/amd64"
    """Operating system and processor for which images are chosen, as registries name them."""

    cpu: int | None = None
    """CPU units that its containers have together; None without a limit."""

    memory: int | None = None
    """MiB that its containers have together; None without a limit."""

    cluster: str = ""
    family: str = ""
    revision: str = ""
    """Of its task definition."""

    role: str = ""
    """The ARN of its task role; nothing for none."""

    @property
    def ports(self) -> list[int]:
        """The ports of all its containers."""
        found: list[int] = []
        for container in self.containers:
            found += container.ports
        return found


@dataclass(frozen=True)
class PublicAddress:
    """An address of the internet, and where this machine shows what the internet sees of it."""

    address: str
    shown: ListenAddress


@dataclass(frozen=True)
class Command:
    """A program to run in a container beside what runs there."""

    argv: tuple[str, ...]
    streams: tuple[int, ...]
    """Descriptors of its standard input, output and errors."""

    terminal: bool = False
    """Whether it gets a terminal instead of them."""


class RunningTask(Protocol):
    """A task that was started."""

    @property
    def listen_address(self) -> ListenAddress:
        """Where its containers listen, as the load balancers see it."""

    @property
    def host_ports(self) -> Mapping[tuple[str, int], int]:
        """The instance's ports by container and its port, of a task on an instance."""

    @property
    def public(self) -> PublicAddress | None:
        """Its public address, if it has one."""

    @property
    def ipv6(self) -> str:
        """Its IPv6 address, if it has one."""

    @property
    def ended(self) -> asyncio.Future[Mapping[str, int]]:
        """Exit status by container when it is over; 128 plus the number of a signal."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why each container ended, where its exit status doesn't show it."""

    @property
    def note(self) -> str:
        """What is wrong with it here that isn't wrong on AWS, or nothing."""

    @property
    def health(self) -> tuple[Health, str]:
        """Its health by its containers' own checks, and the result of the one that fails."""

    async def usage(self) -> Usage:
        """Return what its containers use of CPU and memory."""

    async def execute(self, container: str, command: Command) -> ChildProcess:
        """Start one more program in one of its containers.

        Args:
            container: The container's name; empty for the first essential one.
            command: What to start.

        Raises:
            CannotStartError: It can't be started there.
        """


class TaskRuntime(Protocol):
    """Starts and stops tasks."""

    async def start(self, spec: TaskSpec) -> RunningTask:
        """Start a task.

        Raises:
            TaskStartError: It can't be started; nothing of it is left.
        """

    async def stop(self, task: RunningTask, stop_timeout: float) -> None:
        """Send SIGTERM, and SIGKILL after `stop_timeout` seconds; return when the task is over."""

    async def close(self) -> None:
        """Kill whatever still runs."""
