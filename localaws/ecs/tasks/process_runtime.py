"""The runtime `process`: a container is a process, a task has its own loopback address.

Nothing is isolated: no image, no limits, no security groups. A table names the command for
each image (images.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.ecs.scheduler import messages
from localaws.ecs.tasks.container_health import at
from localaws.ecs.tasks.images import ImageTableError, UnknownImageError, fill
from localaws.ecs.tasks.runtime import TaskStartError
from localaws.ecs.tasks.supervisor import Sandbox
from localaws.machine import sockets
from localaws.machine.addresses import NoAddressError
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from localaws.ecs.tasks.images import Images, Row
    from localaws.ecs.tasks.runtime import Command, ContainerSpec, TaskSpec
    from localaws.machine.addresses import Addresses, ListenAddress
    from localaws.machine.processes import ChildProcess, Launcher
    from localaws.machine.sockets import Listener

_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.defpath))

_FIRST_LOOK = 0.5
"""Seconds after a task's start in which its containers may begin to listen."""

_LONGEST_PAUSE = 30.0
"""Between two looks at one whose containers don't listen yet."""


class Processes:
    """Prepares tasks whose containers are processes of this machine, see `Sandboxes`."""

    def __init__(
        self, launcher: Launcher, addresses: Addresses, images: Callable[[], Images]
    ) -> None:
        """Start with no task.

        Args:
            launcher: Starts the containers' processes.
            addresses: Where tasks get theirs.
            images: Reads what to run for an image.
        """
        self._launcher = launcher
        self._addresses = addresses
        self._images = images

    async def prepare(self, spec: TaskSpec) -> ProcessSandbox:
        """Find what runs for each image, and an address."""
        if any(each.log_router for each in spec.containers):
            raise TaskStartError(
                "ResourceInitializationError: local AWS: FireLens needs tasks that run as "
                "containers; set LOCALAWS_RUNTIME=container, then run `pulumi-local stop` and the "
                "last `up` again"
            )
        try:
            images = self._images()
            rows = {each.name: images.find(each.image) for each in spec.containers}
        except (UnknownImageError, ImageTableError) as error:
            raise TaskStartError(f"CannotPullContainerError: {error}") from None
        try:
            listen_address = self._addresses.take_task(spec.ports)
        except NoAddressError as error:
            raise TaskStartError(
                f"ResourceInitializationError: {_why_no_address(spec) or error}"
            ) from None
        return ProcessSandbox(spec, rows, listen_address, self._launcher, self._addresses)

    async def close(self) -> None:
        """Kill every task, by closing the launcher."""
        await self._launcher.close()


class ProcessSandbox(Sandbox):
    """One task's address, and what runs for its images."""

    def __init__(
        self,
        spec: TaskSpec,
        rows: Mapping[str, Row],
        listen_address: ListenAddress,
        launcher: Launcher,
        addresses: Addresses,
    ) -> None:
        """Made by `Processes.prepare` only."""
        self.listen_address = listen_address
        self._spec = spec
        self._rows = rows
        self._launcher = launcher
        self._addresses = addresses
        self._in_use: dict[str, bytes] = {}
        """By container the first line that reports a port in use."""

        self._listeners: list[Listener] = []

    async def run(self, container: ContainerSpec, output: int) -> ChildProcess:
        """Start what stands in for a container's image."""
        row = self._rows[container.name]
        own = (*container.entry_point, *container.command)
        command = own if row.command is None else row.command
        if not command:
            raise CannotStartError(
                f"the task definition gives container {container.name} no command to run"
            )
        return await self._launcher.start_process(
            [self._fill(container, part) for part in command],
            env=self._environment(container),
            cwd=_directory(container),
            stdout=output,
            stderr=output,
        )

    async def run_check(self, container: ContainerSpec, nowhere: int) -> ChildProcess:
        """Start this machine's program, with the task's address for localhost."""
        words = container.health_check.command if container.health_check else ()
        return await self._launcher.start_process(
            [at(word, self.listen_address) for word in words],
            env=self._environment(container),
            cwd=_directory(container),
            stdout=nowhere,
            stderr=nowhere,
        )

    async def execute(self, container: ContainerSpec, command: Command) -> ChildProcess:  # noqa: ARG002
        """Refuse: there is no container to run it in."""
        raise CannotStartError(
            "tasks that run as processes have no container to run a command in; set "
            "LOCALAWS_RUNTIME=container, then run `pulumi-local stop` and the last `up` again"
        )

    async def stop(self, container: ContainerSpec, child: ChildProcess, time_limit: float) -> int:  # noqa: ARG002 — all stop alike
        """Send SIGTERM, and SIGKILL after `time_limit` seconds."""
        return await child.stop(time_limit)

    async def close(self) -> None:
        """Free the task's address."""
        self._addresses.release_task(self.listen_address)

    def notice(self, container: ContainerSpec, lines: list[bytes]) -> None:
        """Keep the first line that reports a port in use."""
        if container.name not in self._in_use:
            for line in filter(sockets.reports_port_in_use, lines):
                self._in_use[container.name] = line
                break

    async def watch(
        self, children: Mapping[str, ChildProcess], note: Callable[[ContainerSpec, str], None]
    ) -> None:
        """Note a container that listens on all addresses: other tasks need the port on theirs."""
        # Those that don't listen yet, by port.
        silent = {}
        for container in self._spec.containers:
            for port in container.ports:
                silent[self.listen_address.port(port)] = container
        pause = _FIRST_LOOK
        while silent:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            everywhere: dict[int, int] = {}
            for each in sockets.listening():
                if each.address == self.listen_address.address:
                    silent.pop(each.port, None)
                elif each.everywhere and each.port in silent:
                    everywhere[each.inode] = each.port
            if not everywhere:
                continue  # the sockets of processes are many files to read
            for inode in everywhere.keys() & _sockets_of(children):
                port = everywhere[inode]
                if port in silent:  # it may listen on all addresses of IPv4 and of IPv6
                    note(silent.pop(port), messages.listens_everywhere(port))

    def before_end(self) -> None:
        """Keep what listens, if a port was in use."""
        self._listeners = sockets.listening() if self._in_use else []

    def notes_at_end(self) -> Iterator[tuple[ContainerSpec, str]]:
        """Yield the containers that couldn't listen on all addresses, and why."""
        for container in self._spec.containers:
            line = self._in_use.get(container.name)
            if line is None:
                continue
            ports = list(map(self.listen_address.port, container.ports))
            address = self.listen_address.address
            port = sockets.refused_port(line, ports, address, self._listeners)
            if port:
                yield container, messages.cannot_listen_everywhere(port)

    def _environment(self, container: ContainerSpec) -> dict[str, str]:
        found = {"PATH": _PATH, "HOME": "/", **container.environment}
        for name, value in self._rows[container.name].environment.items():
            found[name] = self._fill(container, value)
        return {**found, "HOSTNAME": self._spec.hostname}

    def _fill(self, container: ContainerSpec, text: str) -> str:
        port = self.listen_address.port(container.ports[0]) if container.ports else 0
        return fill(text, address=self.listen_address.address, port=port)


def _directory(container: ContainerSpec) -> Path:
    return Path(container.working_directory or "/")


def _why_no_address(spec: TaskSpec) -> str:
    """Return why no address is free, if something listens on all addresses."""
    taken = {each.port for each in sockets.listening() if each.everywhere}
    wanted = taken.intersection(spec.ports)
    return messages.taken_everywhere(min(wanted)) if wanted else ""


def _sockets_of(children: Mapping[str, ChildProcess]) -> set[int]:
    """Return the inodes of a task's sockets; each container is a session."""
    found: set[int] = set()
    for child in children.values():
        found |= sockets.inodes(child.pid)
    return found
