"""Runs tasks, whatever their containers run in: starts in order, checks, logs, ends."""

from __future__ import annotations

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from localaws.ecs.tasks.container_health import ContainerCheck, of_task
from localaws.ecs.tasks.container_logs import ContainerLogs
from localaws.ecs.tasks.runtime import TaskStartError
from localaws.ecs.tasks.start_order import in_order, wait_for_others
from localaws.machine.processes import CannotStartError, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from pathlib import Path

    from localaws.ecs.scheduler.model import Health
    from localaws.ecs.tasks.runtime import (
        Command,
        ContainerSpec,
        PublicAddress,
        RunningTask,
        TaskSpec,
    )
    from localaws.machine.addresses import ListenAddress
    from localaws.machine.processes import ChildProcess

_NO_SUCH_COMMAND = 127
"""A shell's exit status for a command that it doesn't find."""

_LAST_OUTPUT = 1.0
"""Seconds to wait for the last output of killed containers: a process that left their process group
may keep it open.
"""


class Sandbox(ABC):
    """What the containers of one task run in, from before the first starts until all have ended."""

    listen_address: ListenAddress
    """Where its containers listen, for those that may connect to them."""

    public: PublicAddress | None = None
    ipv6: str = ""
    """Its IPv6 address in its VPC, if it has one."""
    host_ports: Mapping[tuple[str, int], int] = MappingProxyType({})

    @abstractmethod
    async def run(self, container: ContainerSpec, output: int) -> ChildProcess:
        """Start a container, which prints to the descriptor `output`.

        Raises:
            CannotStartError: It can't be run.
        """

    @abstractmethod
    async def run_check(self, container: ContainerSpec, nowhere: int) -> ChildProcess:
        """Start the command of a container's health check, which prints to `nowhere`.

        Raises:
            CannotStartError: There is no such command.
        """

    @abstractmethod
    async def stop(self, container: ContainerSpec, child: ChildProcess, time_limit: float) -> int:
        """Send a container its stop signal, and SIGKILL after `time_limit` seconds."""

    @abstractmethod
    async def close(self) -> None:
        """Release what the task held, once all of its containers have ended."""

    @abstractmethod
    async def execute(self, container: ContainerSpec, command: Command) -> ChildProcess:
        """Start one more program in a container that runs.

        Raises:
            CannotStartError: It can't be started there.
        """

    # The methods below are optional: by default they do nothing.

    def notice(self, container: ContainerSpec, lines: list[bytes]) -> None:  # noqa: B027
        """Receive the lines that a container prints."""

    async def watch(  # noqa: B027
        self, children: Mapping[str, ChildProcess], note: Callable[[ContainerSpec, str], None]
    ) -> None:
        """Look for what is wrong with the task here that isn't wrong on AWS, and note it."""

    def before_end(self) -> None:  # noqa: B027
        """Record what can be seen only before the containers are killed."""

    def notes_at_end(self) -> Iterable[tuple[ContainerSpec, str]]:
        """Return what was wrong here with containers that ended by themselves."""
        return ()

    def reasons(self, codes: Mapping[str, int]) -> dict[str, str]:  # noqa: ARG002 — of others
        """Return why containers ended, by name, where their exit status doesn't show it."""
        return {}


class Sandboxes(Protocol):
    """Makes the sandboxes of tasks."""

    async def prepare(self, spec: TaskSpec) -> Sandbox:
        """Make the sandbox of a task.

        Raises:
            TaskStartError: It can't be made; nothing of it is left.
        """

    async def close(self) -> None:
        """Kill whatever still runs in any sandbox."""


class SupervisedTask:
    """A task that was started."""

    def __init__(self, spec: TaskSpec, sandbox: Sandbox) -> None:
        """Made by `Supervisor.start` only."""
        self.spec = spec
        self.sandbox = sandbox
        self.children: dict[str, ChildProcess] = {}
        self.checks: dict[str, ContainerCheck] = {}
        """By container, of those that have one."""

        self.outputs: list[asyncio.Future[None]] = []
        """Done as each container's output has ended."""

        self.note = ""
        """What is wrong with it here that isn't wrong on AWS."""

        self.reasons: Mapping[str, str] = {}
        """Why containers ended, where their exit status doesn't say so."""

        self.background: list[asyncio.Task[None]] = []
        """What runs beside it until it ends: health checks, and a look at what is wrong here."""

        self.ended: asyncio.Future[Mapping[str, int]] = asyncio.get_running_loop().create_future()
        self.stopping: asyncio.Future[list[int]] | None = None
        """The end of all its containers, once it is being stopped."""

        self.essential = [each.name for each in spec.containers if each.essential]
        """The names of its essential containers."""

    @property
    def listen_address(self) -> ListenAddress:
        """Where its containers listen."""
        return self.sandbox.listen_address

    @property
    def host_ports(self) -> Mapping[tuple[str, int], int]:
        """The instance's ports, of a task on one."""
        return self.sandbox.host_ports

    @property
    def public(self) -> PublicAddress | None:
        """Its public address, if it has one."""
        return self.sandbox.public

    @property
    def ipv6(self) -> str:
        """Its IPv6 address, if it has one."""
        return self.sandbox.ipv6

    async def usage(self) -> Usage:
        """Return what its containers use, see `RunningTask`."""
        cpu_seconds = memory = 0.0
        for child in list(self.children.values()):  # one may start meanwhile
            used = await child.usage()
            cpu_seconds += used.cpu_seconds
            memory += used.memory
        return Usage(cpu_seconds, memory)

    async def execute(self, container: str, command: Command) -> ChildProcess:
        """Start a program in a container, see `RunningTask`."""
        name = container or self.essential[0]
        known = {each.name: each for each in self.spec.containers}
        if name not in known:
            raise CannotStartError(f"the task has no container {name}; it has {', '.join(known)}")
        return await self.sandbox.execute(known[name], command)

    @property
    def health(self) -> tuple[Health, str]:
        """The result of its essential containers' checks, see `RunningTask`."""
        return of_task(check for name, check in self.checks.items() if name in self.essential)


class Supervisor:
    """The task runtime, see `TaskRuntime`."""

    def __init__(self, sandboxes: Sandboxes, logs: Path, *, speed: float = 1) -> None:
        """Start with no task.

        Args:
            sandboxes: Makes what containers run in.
            logs: Folder for container output: `<log group>/<log stream>` below it.
            speed: How fast the time between two of a container's health checks passes.
        """
        self._sandboxes = sandboxes
        self._logs = ContainerLogs(logs)
        self._speed = speed
        self._watching: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()

    async def start(self, spec: TaskSpec) -> SupervisedTask:
        """Start a task's containers, see `TaskRuntime`."""
        order = in_order(spec.containers)
        task = SupervisedTask(spec, await self._sandboxes.prepare(spec))
        try:
            for container in order:
                await wait_for_others(container, task.children, task.checks)
                task.children[container.name] = await self._run(task, container)
        except (CannotStartError, OSError) as error:
            await self._end(task)
            which = f"; local AWS: the container {container.name}" if len(order) > 1 else ""
            raise TaskStartError(f"CannotStartContainerError: {error}{which}") from None
        except (TaskStartError, asyncio.CancelledError):
            await self._end(task)
            raise
        note = partial(self._note, task)
        self._run_beside(task, task.sandbox.watch(task.children, note))
        watch = asyncio.create_task(self._watch(task))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        return task

    async def stop(self, task: RunningTask, stop_timeout: float) -> None:
        """Stop a task's containers, see `TaskRuntime`.

        Each is stopped once those have ended that depend on it. Source: ECS API reference,
        "ContainerDependency".
        """
        ours = cast("SupervisedTask", task)
        depends_on = {each.name: each.depends_on for each in ours.spec.containers}
        stops: dict[str, asyncio.Task[int]] = {}
        # Dependents come first, so that their stops are known.
        for container in reversed(in_order(ours.spec.containers)):
            child = ours.children.get(container.name)
            if child is None:
                continue  # it hadn't started
            time_limit = min(stop_timeout, container.stop_timeout)
            stop = partial(ours.sandbox.stop, container, child, time_limit)
            dependents = [stops[name] for name in stops if container.name in depends_on[name]]
            stops[container.name] = asyncio.create_task(_after(dependents, stop))
        ours.stopping = asyncio.gather(*stops.values())
        await asyncio.shield(ours.ended)

    async def close(self) -> None:
        """Kill every task, once no health check starts a process."""
        await _cancel(self._background)
        await self._sandboxes.close()
        await asyncio.gather(*self._watching)

    async def _run(self, task: SupervisedTask, container: ContainerSpec) -> ChildProcess:
        notice = partial(task.sandbox.notice, container)
        pipe, finished = await self._logs.follow(container.log_stream, notice)
        task.outputs.append(finished)
        try:
            child = await task.sandbox.run(container, pipe)
        finally:
            os.close(pipe)
        if container.health_check is not None:
            check = task.checks[container.name] = ContainerCheck(
                container.name, container.health_check.at(self._speed)
            )
            run = partial(_check, task.sandbox, container, container.health_check.timeout)
            self._run_beside(task, check.watch(run))
        return child

    def _run_beside(self, task: SupervisedTask, work: Coroutine[None, None, None]) -> None:
        """Run something until a task ends."""
        running = asyncio.create_task(work)
        task.background.append(running)
        self._background.add(running)
        running.add_done_callback(self._background.discard)

    def _note(self, task: SupervisedTask, container: ContainerSpec, note: str) -> None:
        """Keep what is wrong with a container here, in its log too."""
        task.note = note
        self._logs.add(container.log_stream, note)

    async def _watch(self, task: SupervisedTask) -> None:
        """End a task with its first essential container.

        The others are killed at once, unless the task is being stopped and they have their own
        time to end.
        """
        ends = [task.children[name].ended for name in task.essential or task.children]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if task.stopping is not None:
            await task.stopping
        await self._end(task)

    async def _end(self, task: SupervisedTask) -> None:
        """Kill what still runs of a task, record how it ended, release what it held."""
        await _cancel(task.background)
        ended_by_itself = task.stopping is None
        if ended_by_itself:
            task.sandbox.before_end()
        for child in task.children.values():
            child.signal(signal.SIGKILL)
        codes = {}
        for container in task.spec.containers:
            if container.name in task.children:
                codes[container.name] = _exit_status(await task.children[container.name].wait())
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*task.outputs), _LAST_OUTPUT)
        if ended_by_itself:
            for container, note in task.sandbox.notes_at_end():
                self._note(task, container, note)
        task.reasons = task.sandbox.reasons(codes)
        await task.sandbox.close()
        task.ended.set_result(codes)


async def _check(sandbox: Sandbox, container: ContainerSpec, timeout: float) -> int | None:  # noqa: ASYNC109 — the check's own
    """Run a health check's command once; return its exit status, None after its time-out."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        child = await sandbox.run_check(container, nowhere)
    except CannotStartError:
        return _NO_SUCH_COMMAND
    finally:
        os.close(nowhere)
    try:
        async with asyncio.timeout(timeout):
            return _exit_status(await child.wait())
    except TimeoutError:
        return None
    finally:
        child.signal(signal.SIGKILL)


async def _after(
    others: Iterable[asyncio.Task[int]], stop: Callable[[], Coroutine[None, None, int]]
) -> int:
    """Stop a container once others have ended."""
    await asyncio.gather(*others)
    return await stop()


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    cancelled = [task for task in tasks if task.cancel()]
    await asyncio.gather(*cancelled, return_exceptions=True)


def _exit_status(code: int) -> int:
    """Return an exit status as a container engine gives it."""
    return 128 - code if code < 0 else code
