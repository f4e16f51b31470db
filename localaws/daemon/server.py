"""The daemon: provider, cloud, scheduler and load balancers of one project."""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import logging
import os
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import grpc

from localaws.account import parameters
from localaws.account.cloud import Cloud, StateFileError
from localaws.alb.envoy import EnvoyError
from localaws.daemon import start_settings
from localaws.daemon.connection_guard import Guard
from localaws.daemon.file_permissions import UMASK, SharedFolder, make_folder, take_from_others
from localaws.daemon.lifecycle import Running
from localaws.daemon.runtime_choice import BadRuntime
from localaws.daemon.state_directory import Address, StateDirectory, fingerprint, try_lock
from localaws.images.mirrors import MirrorError
from localaws.machine.addresses import NoAddressError
from localaws.machine.files import write_atomically
from localaws.protocol.aws import AwsProvider
from localaws.protocol.awsx.provider import AwsxProvider
from localaws.protocol.docker_build_provider import DockerBuildProvider
from localaws.protocol.messages import provider_pb2_grpc
from localaws.speed import BadSpeed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

log = logging.getLogger("localaws")

_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
"""A state of many resources is larger than gRPC's 4 MiB."""


_LOCK_CHECK_SECONDS = 1.0

_LOST = (
    "the launcher was killed, and every task, load balancer and network with it; this local AWS "
    "stops, and the next command of pulumi-local starts it again as it was"
)

_USER_ERRORS = (
    StateFileError,
    NoAddressError,
    parameters.BadParameters,
    EnvoyError,
    BadSpeed,
    BadRuntime,
    MirrorError,
)
"""Errors that a user can correct; their messages say how."""


def _installed(package: str) -> str:
    """Return the version of an installed SDK; the provider of the same version serves it."""
    return importlib.metadata.version(package)


@asynccontextmanager
async def serving(
    servicer: provider_pb2_grpc.ResourceProviderServicer, folder: int, name: str
) -> AsyncIterator[int]:
    """Serve the owner of this process and root, and yield the port.

    Args:
        servicer: Answers the calls.
        folder: Descriptor of a folder that only its owner may enter, for the socket behind the
            port. By the descriptor the socket's path is short enough: it has at most 107
            characters.
        name: The socket's name.
    """
    socket = f"/proc/self/fd/{folder}/{name}"
    server = grpc.aio.server(options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    guard = Guard(socket)
    await server.start()
    try:
        yield await guard.start()
    finally:
        await server.stop(grace=1)
        await guard.close()


def _still_locked(directory: StateDirectory, lock: TextIO) -> bool:
    """Return whether the locked file is still the directory's, which may have been deleted."""
    try:
        return os.path.samestat(directory.lock.stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False


async def serve(directory: StateDirectory, code: str, lock: TextIO) -> None:
    """Run until SIGTERM, SIGINT, the deletion of the state directory or the loss of all that runs.

    Meanwhile `directory.ready` holds the address.

    Args:
        directory: The state directory to serve.
        code: Fingerprint of the code that runs, for the address.
        lock: The daemon's lock, which this process holds.
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
        async with (
            serving(provider, folder, "aws.sock") as port,
            serving(awsx, folder, "awsx.sock") as awsx_port,
            serving(docker_build, folder, "docker-build.sock") as docker_build_port,
        ):
            address = Address(
                pid=os.getpid(),
                aws_port=port,
                awsx_port=awsx_port,
                docker_build_port=docker_build_port,
                code=code,
                runtime=running.choice.sentence,
                settings=start_settings.of(os.environ),
            )
            write_atomically(directory.ready, json.dumps(asdict(address)))
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one state directory; end at once if a daemon serves it already."""
    parser = argparse.ArgumentParser(prog="python -m localaws.daemon.server", description=__doc__)
    parser.add_argument("project", type=Path, help="folder that holds Pulumi.yaml")
    parser.add_argument("directory", type=Path, help="folder for the local AWS's files")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    os.umask(UMASK)
    code = fingerprint()
    directory = StateDirectory(chosen.project, chosen.directory)
    try:
        make_folder(directory.path)
        take_from_others(directory.path)
    except SharedFolder as error:
        log.error("%s", error)  # noqa: TRY400 — the message says what to do, a traceback wouldn't
        return 1
    lock = try_lock(directory)
    if lock is None:
        log.info("a daemon serves %s already", directory.path)
        return 0
    lock.truncate(0)
    print(os.getpid(), file=lock, flush=True)
    os.dup(lock.fileno())  # never closed, so that only the process's end releases the lock
    try:
        asyncio.run(serve(directory, code, lock))
    except _USER_ERRORS as error:
        log.error("%s", error)  # noqa: TRY400 — the message says what to do, a traceback wouldn't
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
