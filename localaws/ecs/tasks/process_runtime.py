"""The task runtime `process`: a container is a process, a task has a loopback address of its own.

Nothing is isolated: no image, no limits, no security groups. A table names the command for
each image (images.py).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Health
from localaws.ecs.tasks.container_health import ContainerCheck, at, of_task
from localaws.ecs.tasks.images import ImageTableError, UnknownImageError, fill
from localaws.ecs.tasks.runtime import Condition, TaskStartError
from localaws.machine import sockets
from localaws.machine.addresses import NoAddressError
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from localaws.ecs.tasks.images import Images, Row
    from localaws.ecs.tasks.runtime import ContainerSpec, HealthCheck, RunningTask, TaskSpec
    from localaws.machine.addresses import Addresses, ListenAddress
    from localaws.machine.processes import ChildProcess, Launcher
    from localaws.machine.sockets import Listener

_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.defpath))
_LONGEST_LINE = 16 * 1024
"""awslogs cuts longer lines into several events."""

_NO_SUCH_COMMAND = 127
"""What a shell says."""

_FIRST_LOOK = 0.5
"""Seconds after a task's start in which its containers may begin to listen."""

_LONGEST_PAUSE = 30.0
"""Between two looks at one whose containers don't listen yet."""


class _LineLog(asyncio.Protocol):
    """Appends what a container prints to its log stream, each line stamped with its time."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._begun = b""
        self.in_use = b""
        """The first line that reports a port in use."""

        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            lines, self._begun = [*lines, self._begun], b""
        self._write(lines)

    # The protocol's signature
    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._begun:
            self._write([self._begun])
        if self._file is not None:
            self._file.close()
        if not self.finished.done():
            self.finished.set_result(None)

    def _write(self, lines: list[bytes]) -> None:
        self.in_use = self.in_use or next(filter(sockets.reports_port_in_use, lines), b"")
        if self._file is None or not lines:
            return
        self._file.write(_stamped(lines))
        self._file.flush()


class ProcessTask:
    """A task whose containers are processes."""

    def __init__(self, listen_address: ListenAddress, spec: TaskSpec) -> None:
        """Made by `ProcessRuntime.start` only."""
        self.listen_address = listen_address
        self.children: dict[str, ChildProcess] = {}
        self.checks: dict[str, ContainerCheck] = {}
        """By container, of those that have one."""

        self.outputs: dict[str, _LineLog] = {}
        """By container."""

        self.note = ""
        """What is wrong with it here that isn't wrong on AWS."""

        self.checking: list[asyncio.Task[None]] = []
        self.ended: asyncio.Future[Mapping[str, int]] = asyncio.get_running_loop().create_future()
        self.stopping: asyncio.Future[list[int]] | None = None
        """The end of all its containers, once it is being stopped."""

        self._vital = {container.name for container in spec.containers if container.essential}

    @property
    def health(self) -> tuple[Health, str]:
        """What the checks of its essential containers say, see `RunningTask`."""
        return of_task(check for name, check in self.checks.items() if name in self._vital)


class ProcessRuntime:
    """Starts tasks as processes of this machine."""

    def __init__(
        self,
        launcher: Launcher,
        addresses: Addresses,
        images: Callable[[], Images],
        logs: Path,
        *,
        speed: float = 1,
    ) -> None:
        """Start with no task.

        Args:
            launcher: Starts the containers' processes.
            addresses: Where tasks get theirs.
            images: Reads what to run for an image.
            logs: Folder for container output: `<log group>/<log stream>` below it.
            speed: How fast the time between two of a container's health checks passes.
        """
        self._launcher = launcher
        self._addresses = addresses
        self._images = images
        self._logs = logs
        self._speed = speed
        self._watching: set[asyncio.Task[None]] = set()
        self._checking: set[asyncio.Task[None]] = set()

    async def start(self, spec: TaskSpec) -> ProcessTask:
        """Start a task's containers, see `TaskRuntime`."""
        try:
            rows = {each.name: self._images().find(each.image) for each in spec.containers}
            order = _in_order(spec.containers)
        except (UnknownImageError, ImageTableError) as error:
            raise TaskStartError(f"CannotPullContainerError: {error}") from None
        except CycleError as error:
            raise TaskStartError(
                f"TaskDependencyError: containers wait for each other: {error.args[1]}"
            ) from None
        try:
            listen_address = self._addresses.take_task(
                [port for container in spec.containers for port in container.ports]
            )
        except NoAddressError as error:
            raise TaskStartError(
                f"ResourceInitializationError: {_why_no_address(spec) or error}"
            ) from None
        task = ProcessTask(listen_address, spec)
        try:
            for container in order:
                await _wait_for_others(task, container)
                task.children[container.name] = await self._run(
                    task, spec, container, rows[container.name]
                )
        except (CannotStartError, OSError) as error:
            await self._end(task, spec)
            raise TaskStartError(f"CannotStartContainerError: {error}") from None
        except (TaskStartError, asyncio.CancelledError):
            await self._end(task, spec)
            raise
        self._in_background(task, self._look_where_it_listens(task, spec))
        watch = asyncio.create_task(self._watch(task, spec))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        return task

    async def stop(self, task: RunningTask, stop_timeout: float) -> None:
        """Stop a task's containers, see `TaskRuntime`."""
        ours = cast("ProcessTask", task)
        ours.stopping = asyncio.gather(
            *(child.stop(stop_timeout) for child in ours.children.values())
        )
        await asyncio.shield(ours.ended)

    async def close(self) -> None:
        """Kill every task, by closing the launcher once no health check starts a process."""
        await _cancel(self._checking)
        await self._launcher.close()
        await asyncio.gather(*self._watching)

    async def _run(
        self, task: ProcessTask, spec: TaskSpec, container: ContainerSpec, row: Row
    ) -> ChildProcess:
        listen_address = task.listen_address
        port = listen_address.port(container.ports[0]) if container.ports else 0
        own = (*container.entry_point, *container.command)
        command = own if row.command is None else row.command
        if not command:
            raise CannotStartError(
                f"the task definition gives container {container.name} no command to run"
            )
        environment = {
            "PATH": _PATH,
            "HOME": "/",
            **container.environment,
            **{
                name: fill(value, address=listen_address.address, port=port)
                for name, value in row.environment.items()
            },
            "HOSTNAME": spec.hostname,
        }
        directory = Path(container.working_directory or "/")
        listen, pipe = os.pipe()
        try:
            output = _LineLog(self._open_log(container.log_stream))
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: output, os.fdopen(listen, "rb", 0)
            )
            task.outputs[container.name] = output
            child = await self._launcher.start_process(
                [fill(part, address=listen_address.address, port=port) for part in command],
                env=environment,
                cwd=directory,
                stdout=pipe,
                stderr=pipe,
            )
        finally:
            os.close(pipe)
        if container.health_check is not None:
            check = task.checks[container.name] = ContainerCheck(
                container.name, container.health_check.at(self._speed)
            )
            run = partial(
                self._check, container.health_check, listen_address, environment, directory
            )
            self._in_background(task, check.watch(run))
        return child

    def _in_background(self, task: ProcessTask, work: Coroutine[None, None, None]) -> None:
        """Run something beside a task until it ends."""
        running = asyncio.create_task(work)
        task.checking.append(running)
        self._checking.add(running)
        running.add_done_callback(self._checking.discard)

    async def _look_where_it_listens(self, task: ProcessTask, spec: TaskSpec) -> None:
        """Note a container that listens on all addresses: other tasks need the port on theirs."""
        owners = {}
        for container in spec.containers:
            for port in container.ports:
                owners[task.listen_address.port(port)] = container
        pause = _FIRST_LOOK
        while owners:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            found = [each for each in sockets.listening() if each.port in owners]
            for port in {
                each.port for each in found if each.address == task.listen_address.address
            }:
                del owners[port]
            everywhere = {
                each.inode: each.port for each in found if each.everywhere and each.port in owners
            }
            own = everywhere.keys() & _sockets_of(task) if everywhere else ()
            for port in {everywhere[inode] for inode in own}:
                self._note(task, owners.pop(port), messages.listens_everywhere(port))

    def _note(self, task: ProcessTask, container: ContainerSpec, note: str) -> None:
        """Keep what is wrong with a container here, in its log too."""
        task.note = note
        if log := self._open_log(container.log_stream):
            with log:
                log.write(_stamped([note.encode()]))

    async def _check(
        self,
        check: HealthCheck,
        listen_address: ListenAddress,
        environment: Mapping[str, str],
        directory: Path,
    ) -> int | None:
        """Run a health check's command once; return its exit status, None after its time-out."""
        words = [at(word, listen_address) for word in check.command]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            child = await self._launcher.start_process(
                words, env=environment, cwd=directory, stdout=nowhere, stderr=nowhere
            )
        except CannotStartError:
            return _NO_SUCH_COMMAND
        finally:
            os.close(nowhere)
        try:
            async with asyncio.timeout(check.timeout):
                return _exit_status(await child.wait())
        except TimeoutError:
            return None
        finally:
            child.signal(signal.SIGKILL)

    def _open_log(self, stream: str | None) -> IO[bytes] | None:
        if stream is None:
            return None
        parts = [part for part in stream.split("/") if part not in {"", ".", ".."}]
        file = self._logs.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("ab")

    async def _watch(self, task: ProcessTask, spec: TaskSpec) -> None:
        """End a task with its first essential container.

        The others are killed at once, unless the task is being stopped and they have their own
        time to end.
        """
        essential = [
            task.children[container.name].ended
            for container in spec.containers
            if container.essential
        ]
        await asyncio.wait(
            essential or [child.ended for child in task.children.values()],
            return_when="FIRST_COMPLETED",
        )
        if task.stopping is not None:
            await task.stopping
        await self._end(task, spec)

    async def _end(self, task: ProcessTask, spec: TaskSpec) -> None:
        """Kill what still runs of a task, keep how it ended, free its address."""
        await _cancel(task.checking)
        refused = task.stopping is None and any(output.in_use for output in task.outputs.values())
        listeners = sockets.listening() if refused else []
        for child in task.children.values():
            child.signal(signal.SIGKILL)
        codes = {name: _exit_status(await child.wait()) for name, child in task.children.items()}
        with suppress(TimeoutError):  # a process that left its group may keep the pipe open
            await asyncio.wait_for(
                asyncio.gather(*(output.finished for output in task.outputs.values())), 1.0
            )
        for container in spec.containers if task.stopping is None else ():
            if port := _refused_port(task, container, listeners):
                self._note(task, container, messages.cannot_listen_everywhere(port))
        self._addresses.release_task(task.listen_address)
        task.ended.set_result(
            {each.name: codes[each.name] for each in spec.containers if each.name in codes}
        )


def _stamped(lines: Iterable[bytes]) -> bytes:
    """Return lines of a log, each after the time."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    return b"".join(b"%s %s\n" % (stamp, line) for line in lines)


def _why_no_address(spec: TaskSpec) -> str:
    """Return why no address is free, if something listens on all addresses."""
    ports = {port for container in spec.containers for port in container.ports}
    taken = {each.port for each in sockets.listening() if each.everywhere}
    return messages.taken_everywhere(min(ports & taken)) if ports & taken else ""


def _sockets_of(task: ProcessTask) -> set[int]:
    """Return the inodes of a task's sockets; each container is a session."""
    found: set[int] = set()
    for child in task.children.values():
        found |= sockets.inodes(child.pid)
    return found


def _refused_port(
    task: ProcessTask, container: ContainerSpec, listeners: Sequence[Listener]
) -> int | None:
    """Return the port that an ended container reported as in use on all addresses."""
    output = task.outputs.get(container.name)
    if output is None or not output.in_use:
        return None
    ports = [task.listen_address.port(port) for port in container.ports]
    return sockets.refused_port(output.in_use, ports, task.listen_address.address, listeners)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    cancelled = [task for task in tasks if task.cancel()]
    await asyncio.gather(*cancelled, return_exceptions=True)


def _in_order(containers: Sequence[ContainerSpec]) -> list[ContainerSpec]:
    """Those first on which others depend."""
    by_name = {each.name: each for each in containers}
    order = TopologicalSorter(
        {each.name: sorted(each.depends_on) for each in containers}
    ).static_order()
    return [by_name[name] for name in order]


async def _wait_for_others(task: ProcessTask, container: ContainerSpec) -> None:
    """Until the conditions hold under which a container starts.

    Raises:
        TaskStartError: One never will.
    """
    for name, condition in container.depends_on.items():
        child = task.children[name]
        if condition in {Condition.COMPLETE, Condition.SUCCESS}:
            code = await child.wait()
            missed = "exit successfully" if condition is Condition.SUCCESS and code != 0 else ""
        else:
            well = condition is Condition.START or await _healthy_before_it_ends(
                task.checks[name], child
            )
            missed = "" if well else "become healthy"
        if missed:
            raise TaskStartError(
                "TaskDependencyError: failed to resolve container ordering dependency "
                f"[{name}] for target "
                f"[{container.name}] as dependency did not {missed}"
            )


async def _healthy_before_it_ends(check: ContainerCheck, child: ChildProcess) -> bool:
    decided = asyncio.create_task(check.decided.wait())
    either: list[asyncio.Future[Any]] = [decided, child.ended]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        decided.cancel()
    return check.health is Health.HEALTHY and not child.ended.done()


def _exit_status(code: int) -> int:
    """As a container engine gives it."""
    return 128 - code if code < 0 else code
