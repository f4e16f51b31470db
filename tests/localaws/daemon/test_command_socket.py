"""The socket by which commands start programs through the daemon's launcher, with real programs."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localaws.daemon import command_socket
from localaws.daemon.command_socket import NAME, CommandError, CommandSocket, Request
from localaws.machine.processes import ChildProcess, Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = pytest.mark.slow  # real processes


class OnThisMachine:
    """Start programs on this machine."""

    def __init__(self) -> None:
        self.launcher = Launcher()
        self.children: list[ChildProcess] = []

    async def start_command(self, request: Request, streams: Sequence[int]) -> ChildProcess:
        if request.target == "nowhere":
            raise CommandError("no running task is nowhere")
        child = await self.launcher.start_process(
            request.argv,
            env=request.environment or {},
            cwd=Path(request.directory),
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )
        self.children.append(child)
        return child


@asynccontextmanager
async def serve(folder: Path) -> AsyncIterator[tuple[OnThisMachine, socket.socket]]:
    """Serve the socket in a folder, and connect a client."""
    commands = OnThisMachine()
    server = CommandSocket(folder, commands)
    await server.start()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(folder / NAME))
            yield commands, client
    finally:
        await server.close()
        await commands.launcher.close()


async def answer(client: socket.socket) -> dict[str, object]:
    """Read the next line that the daemon sends."""
    text = b""
    client.settimeout(0)
    while not text.endswith(b"\n"):
        text += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 10)
    return dict(json.loads(text))


def shell(script: str, **more: str) -> Request:
    return Request("internet", ("/bin/sh", "-c", script), environment={"A": "1", **more})


@pytest.mark.usefixtures("sockets_are_closed")
@pytest.mark.parametrize("passes", range(4))
async def test_closing_the_server_ends_a_connection_that_is_being_accepted(
    tmp_path: Path, passes: int
) -> None:
    async with serve(tmp_path) as (_, client):
        for _ in range(passes):
            await asyncio.sleep(0)
    with suppress(OSError):  # closed already
        assert client.recv(1) == b""


async def test_a_program_gets_its_environment_and_its_exit_status_is_sent(
    tmp_path: Path,
) -> None:
    async with serve(tmp_path) as (_, client):
        command_socket.send(client, shell('exit "$A"'))
        assert await answer(client) == {"started": True}
        assert await answer(client) == {"code": 1}


async def test_a_request_may_be_longer_than_a_sockets_buffer(tmp_path: Path) -> None:
    async with serve(tmp_path) as (_, client):
        request = shell("exit ${#LONG}", LONG="x" * 100_000)
        await asyncio.to_thread(command_socket.send, client, request)
        assert await answer(client) == {"started": True}
        assert await answer(client) == {"code": 100_000 % 256}


async def test_a_program_that_cannot_be_started_is_an_error_with_the_reason(tmp_path: Path) -> None:
    async with serve(tmp_path) as (_, client):
        command_socket.send(client, Request("exec", ("true",), target="nowhere"))
        assert await answer(client) == {"error": "no running task is nowhere"}


async def test_signals_are_forwarded_and_a_killed_program_has_a_shells_status(
    tmp_path: Path,
) -> None:
    async with serve(tmp_path) as (_, client):
        command_socket.send(client, shell("exec sleep 60"))
        assert await answer(client) == {"started": True}
        client.send(bytes([signal.SIGTERM]))
        assert await answer(client) == {"code": 128 + signal.SIGTERM}


async def test_a_program_ends_with_its_client(tmp_path: Path) -> None:
    async with serve(tmp_path) as (commands, client):
        command_socket.send(client, shell("trap '' TERM HUP INT; sleep 60"))
        assert await answer(client) == {"started": True}
        client.close()
        assert await asyncio.wait_for(commands.children[0].wait(), 10) == -signal.SIGKILL


async def test_a_message_that_is_no_request_is_answered_with_an_error(tmp_path: Path) -> None:
    async with serve(tmp_path) as (_, client):
        client.sendall(b"\0\0\0\2{}")
        assert await answer(client) == {"error": "no request with three standard streams came"}


async def test_a_leftover_socket_is_replaced_and_the_socket_is_removed_at_the_end(
    tmp_path: Path,
) -> None:
    (tmp_path / NAME).write_text("left by a killed daemon")
    async with serve(tmp_path):
        assert (tmp_path / NAME).is_socket()
    assert not (tmp_path / NAME).exists()
