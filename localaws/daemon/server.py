"""The daemon: provider, cloud, scheduler and load balancers of one project."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import grpc

from localaws.account import parameters
from localaws.account.cloud import Cloud
from localaws.daemon.connection_guard import Guard
from localaws.daemon.lifecycle import Running
from localaws.protocol.aws import AwsProvider
from localaws.protocol.awsx.provider import AwsxProvider
from localaws.protocol.docker_build_provider import DockerBuildProvider
from localaws.protocol.failures import FailureInterceptor
from localaws.protocol.messages import provider_pb2_grpc

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from localaws.daemon.state_directory import Address, StateDirectory

log = logging.getLogger("localaws")

_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
"""A state of many resources is larger than gRPC's 4 MiB."""


_LOCK_CHECK_SECONDS = 1.0

_LOST = (
    "the launcher was killed, and every task, load balancer and network with it; this local AWS "
    "stops, and the next command of pulumi-local starts it again as it was"
)


def _installed(package: str) -> str:
    """Return the version of an installed SDK; the provider of the same version serves it."""
    return importlib.metadata.version(package)


@asynccontextmanager
async def serving(
    servicer: provider_pb2_grpc.ResourceProviderServicer,
    folder: int,
    name: str,
    log_file: Path,
    listener: socket.socket | None = None,
) -> AsyncIterator[int]:
    """Serve the owner of this process and root, and yield the port.

    Args:
        servicer: Answers the calls.
        folder: Descriptor of a folder that only its owner may enter, for the socket behind the
            port. By the descriptor the socket's path is short enough: it has at most 107
            characters.
        name: The socket's name.
        log_file: Where this process's faults are logged.
        listener: A socket that listens on the port already; by default a new one.
    """
    path = f"/proc/self/fd/{folder}/{name}"
    server = grpc.aio.server(interceptors=[FailureInterceptor(log_file)], options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{path}")
    guard = Guard(path)
    await server.start()
    try:
        yield await guard.start(listener)
    finally:
        await server.stop(grace=1)
        await guard.close()


def _still_locked(directory: StateDirectory, lock: TextIO) -> bool:
    """Return whether the locked file is still the directory's, which may have been deleted."""
    try:
        return os.path.samestat(directory.lock.stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False


async def serve(
    directory: StateDirectory,
    address: Address,
    lock: TextIO,
    listeners: Sequence[socket.socket],
    *,
    publish: bool,
) -> None:
    """Run until SIGTERM, SIGINT, the deletion of the state directory or the loss of all that runs.

    Meanwhile `directory.ready` holds the address.

    Args:
        directory: The state directory to serve.
        address: How to reach this process.
        lock: The daemon's lock, which this process holds.
        listeners: Sockets that listen on the ports of aws, awsx and docker-build.
        publish: Whether the address is still to be published.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    cloud = Cloud(directory.resources)
    cloud.parameters = parameters.load(directory.parameters)

    def stop_after_loss() -> None:
        log.error(_LOST)
        stop.set()

    running = Running(cloud, directory, stop_after_loss)
    await running.start()
    try:
        provider = AwsProvider(
            cloud, running, version=_installed("pulumi-aws"), functions=running.functions
        )
        awsx = AwsxProvider(version=_installed("pulumi-awsx"), aws_version=_installed("pulumi-aws"))
        docker_build = DockerBuildProvider(
            running.registry, directory.project, version=_installed("pulumi-docker-build")
        )
        folder = os.open(directory.path, os.O_PATH)
        of_aws, of_awsx, of_docker_build = listeners
        log_file = directory.daemon_log
        async with (
            serving(provider, folder, "aws.sock", log_file, of_aws) as port,
            serving(awsx, folder, "awsx.sock", log_file, of_awsx) as awsx_port,
            serving(docker_build, folder, "docker-build.sock", log_file, of_docker_build),
        ):
            if publish:
                address.publish(directory)
            log.info("ready: aws on port %d, awsx on port %d", port, awsx_port)
            while not stop.is_set() and _still_locked(directory, lock):
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOCK_CHECK_SECONDS)
            log.info("stopping")
    finally:
        if _still_locked(directory, lock):
            directory.ready.unlink(missing_ok=True)
        await running.close()
    log.info("stopped")


def run(
    directory: StateDirectory,
    address: Address,
    lock: TextIO,
    listeners: Sequence[socket.socket],
    *,
    publish: bool,
) -> None:
    """Serve until the end.

    Raises:
        UserError: A user can correct what failed.
    """
    asyncio.run(serve(directory, address, lock, listeners, publish=publish))
