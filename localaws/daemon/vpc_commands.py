"""Programs that users run in a task's container, on the internet or in a VPC."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import SUBNET, VPC, is_default
from localaws.daemon.command_socket import CommandError
from localaws.ecs.services.task_choice import NoSuchTaskError
from localaws.ecs.tasks.runtime import Command
from localaws.machine.addresses import NoAddressError
from localaws.machine.processes import CannotStartError, CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.daemon.command_socket import Request
    from localaws.ecs.services.controller import Controller
    from localaws.machine.addresses import SubnetAddresses
    from localaws.machine.processes import ChildProcess, Launcher
    from localaws.vpc.attachments import Attachments
    from localaws.vpc.model import Interface


class TaskCommands:
    """Runs programs in tasks, see `Commands`; there is no network to run others in."""

    def __init__(self, controller: Controller) -> None:
        """Run them in this controller's tasks."""
        self._controller = controller

    async def start_command(self, request: Request, streams: Sequence[int]) -> ChildProcess:
        """Start a program, see `Commands`."""
        try:
            if request.action == "exec":
                task = self._controller.find_task(request.target)
                command = Command(request.argv, tuple(streams), request.terminal)
                return await task.execute(request.container, command)
            return await self.start_in_network(request, streams)
        except (CannotStartError, NoSuchTaskError) as error:
            raise CommandError(str(error)) from None

    async def start_in_network(self, request: Request, streams: Sequence[int]) -> ChildProcess:  # noqa: ARG002
        """Start a program on the internet or in a VPC.

        Raises:
            CommandError: It can't be started.
        """
        raise CommandError(
            "tasks run as processes on this machine, so there is no VPC and no internet beside it; "
            "set LOCALAWS_RUNTIME=container, then run `pulumi-local stop` and the last `up` again"
        )


class VpcCommands(TaskCommands):
    """Runs programs in tasks, on the internet and in VPCs."""

    def __init__(
        self,
        controller: Controller,
        cloud: Account,
        launcher: Launcher,
        attachments: Attachments,
        subnet_addresses: SubnetAddresses,
    ) -> None:
        """Start with no program.

        Args:
            controller: Finds tasks.
            cloud: Where VPCs and subnets are.
            launcher: Starts programs on the internet and in VPCs.
            attachments: Attaches them to a subnet.
            subnet_addresses: Where they get their addresses in there.
        """
        super().__init__(controller)
        self._cloud = cloud
        self._launcher = launcher
        self._attachments = attachments
        self._subnet_addresses = subnet_addresses
        self._numbers = itertools.count(1)
        self._leaving: set[asyncio.Task[None]] = set()

    async def start_in_network(self, request: Request, streams: Sequence[int]) -> ChildProcess:
        """Start a program on the internet, or in a VPC with its own interface.

        Its own groups hold nothing back; those of what it connects to do.
        """
        if not request.source:
            return await self._start(request, streams, None)
        subnet = self._subnet(request.source)
        address = self._subnet_addresses.take(subnet.id, str(subnet.outputs["cidrBlock"]))
        try:
            interface = await self._attachments.attach(
                f"visitor-{next(self._numbers)}",
                subnet=subnet.id,
                address=address,
                groups=(),
                filtered=False,
            )
        except (NoAddressError, CommandFailedError) as error:
            self._subnet_addresses.release(subnet.id, address)
            raise CommandError(str(error)) from None
        try:
            child = await self._start(request, streams, interface.id)
        except BaseException:
            await self._leave(interface)
            raise
        child.ended.add_done_callback(lambda _: self._begin_to_leave(interface))
        return child

    async def _start(
        self, request: Request, streams: Sequence[int], network: str | None
    ) -> ChildProcess:
        stdin, stdout, stderr = streams
        return await self._launcher.start_process(
            request.argv,
            env=request.environment or {},
            cwd=Path(request.directory),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            network=network,
        )

    def _begin_to_leave(self, interface: Interface) -> None:
        leaving = asyncio.get_running_loop().create_task(self._leave(interface))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, interface: Interface) -> None:
        await self._attachments.detach(interface)
        self._subnet_addresses.release(interface.subnet, interface.address)

    def _subnet(self, source: str) -> Resource:
        """Return the subnet that a source means: its id, its VPC's, or `vpc` for the only VPC.

        Raises:
            CommandError: There is no such subnet.
        """
        found = self._cloud.get(SUBNET, source)
        if found is not None:
            return found
        vpcs = [each.id for each in self._cloud.all(VPC) if not is_default(each)]
        if source == "vpc" and len(vpcs) == 1:
            source = vpcs[0]
        subnets = self._cloud.where(SUBNET, "vpcId", source)
        if subnets:
            return subnets[0]
        allowed = ["vpc"] if len(vpcs) == 1 else []
        allowed += [*vpcs, *(each.id for each in self._cloud.all(SUBNET))]
        if not allowed:
            raise CommandError(
                f"--from {source}: there is no VPC; `pulumi-local up` deploys a stack with one"
            )
        raise CommandError(f"--from {source}: no VPC or subnet; allowed: {', '.join(allowed)}")
