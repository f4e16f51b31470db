"""What the daemon does before it imports what it serves, without a daemon process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from localaws.daemon import start_settings
from localaws.daemon.start import check_and_run, listen
from localaws.daemon.state_directory import Address, StateDirectory, try_lock
from localaws.machine.stream_server import StreamServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVED = 7
"""The exit code of the process that has served."""


@pytest.fixture(autouse=True)
def as_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in start_settings.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALAWS_RUNTIME", "process")


@pytest.fixture
def directory(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path, tmp_path / ".local")


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [listen(stack) for _ in range(3)]


def seen_by_commands(
    directory: StateDirectory, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[Address | None]]:
    """Return the exit code, and the address that is known when the rest has been imported."""
    known: list[Address | None] = []

    def run(*_: object, publish: bool) -> int:
        known.append(Address.read(directory))
        assert publish is (known[-1] is None), "an address is published once"
        return SERVED

    monkeypatch.setattr("localaws.daemon.server.run", run)
    lock = try_lock(directory)
    assert lock is not None
    with lock:
        print(os.getpid(), file=lock, flush=True)
        return check_and_run(directory, "code", lock, listeners), known


def test_a_new_local_aws_is_found_before_the_rest_is_imported(
    directory: StateDirectory, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, known = seen_by_commands(directory, listeners, monkeypatch)
    assert code == SERVED
    (address,) = known
    assert address is not None
    assert address.code == "code"
    assert address.settings == {"LOCALAWS_RUNTIME": "process"}
    assert address.runtime.startswith("tasks run in the runtime `process`")
    ports = (address.aws_port, address.awsx_port, address.docker_build_port)
    assert ports == tuple(each.getsockname()[1] for each in listeners)
    for port in ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_local_aws_with_resources_is_found_only_once_they_are_restored(
    directory: StateDirectory, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.path.mkdir()
    directory.resources.write_text("")
    assert seen_by_commands(directory, listeners, monkeypatch) == (SERVED, [None])


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LOCALAWS_SPEED", "fast", "LOCALAWS_SPEED: fast; allowed"),
        ("LOCALAWS_RUNTIME", "vm", "LOCALAWS_RUNTIME: vm; allowed"),
        ("LOCALAWS_REGISTRY_MIRROR", "a", "LOCALAWS_REGISTRY_MIRROR: a has no ="),
    ],
)
def test_a_wrong_setting_ends_the_daemon_before_it_is_found(
    *,
    variable: str,
    value: str,
    message: str,
    directory: StateDirectory,
    listeners: list[socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(variable, value)
    assert seen_by_commands(directory, listeners, monkeypatch) == (1, [])
    assert message in caplog.text
    assert not directory.ready.exists()


def test_wrong_parameters_end_the_daemon_before_it_is_found(
    directory: StateDirectory,
    listeners: list[socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    directory.parameters.write_text("x =")
    assert seen_by_commands(directory, listeners, monkeypatch) == (1, [])
    assert "local.parameters.toml is not valid TOML" in caplog.text
    assert not directory.ready.exists()


def test_a_daemon_listens_before_it_imports_asyncio_and_grpc() -> None:
    program = (
        "import sys, localaws.daemon.start; print({'asyncio', 'grpc', 'pulumi'} & {*sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "set()\n"), ran.stderr


async def test_answers_are_sent_at_once(listeners: list[socket.socket]) -> None:
    undelayed: list[int] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        undelayed.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    server = StreamServer(serve)
    await server.listen(sock=listeners[0])
    try:
        with socket.create_connection(listeners[0].getsockname()) as client:
            await asyncio.to_thread(client.recv, 1)
    finally:
        await server.close()
    assert undelayed == [1]
