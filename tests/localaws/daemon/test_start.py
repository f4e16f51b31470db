"""What the daemon does before it imports what it serves, without a daemon process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import grpc
import pytest

from localaws.daemon import failed_start, functions, start_settings
from localaws.daemon.client import DaemonFailed
from localaws.daemon.start import check_and_run, listen
from localaws.daemon.state_directory import Address, StateDirectory, try_lock
from localaws.machine.stream_server import StreamServer
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


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

    def run(*_: object, publish: bool) -> None:
        known.append(Address.read(directory))
        assert publish is (known[-1] is None), "an address is published once"

    monkeypatch.setattr("localaws.daemon.server.run", run)
    return start(directory, listeners), known


def start(directory: StateDirectory, listeners: list[socket.socket]) -> int:
    """Return the exit code of a daemon that isn't ended."""
    lock = try_lock(directory)
    assert lock is not None
    with lock:
        print(os.getpid(), file=lock, flush=True)
        return check_and_run(directory, "code", lock, listeners)


def test_a_new_local_aws_is_found_before_the_rest_is_imported(
    directory: StateDirectory, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, known = seen_by_commands(directory, listeners, monkeypatch)
    assert code == 0
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
    assert seen_by_commands(directory, listeners, monkeypatch) == (0, [None])


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


def test_the_command_that_went_on_gets_why_the_start_failed_and_the_next_one_starts_anew(
    directory: StateDirectory, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "localaws.daemon.server", None)
    ports = [each.getsockname()[1] for each in listeners]
    with ThreadPoolExecutor() as pool:
        failed = pool.submit(start, directory, listeners)
        why = refusal_of(ports[-1])
        assert Address.read(directory) is None
        another = try_lock(directory)
        assert another is not None, "another daemon may start"
        another.close()
        assert failed.result(timeout=10) == 1
    assert why.startswith("the local AWS failed to start: ModuleNotFoundError: ")
    assert f". The whole log is {directory.daemon_log}. Fix the cause, then run" in why


def refusal_of(port: int) -> str:
    """Return why a daemon that couldn't start refuses a call."""
    # The first connection is that of the daemon's own listener, which is closed.
    soon = [(f"grpc.{which}_reconnect_backoff_ms", 50) for which in ("initial", "min")]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=soon) as channel:
        method = "/pulumirpc.ResourceProvider/Handshake"
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", wait_for_ready=True, timeout=10)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    return str(refused.value.details())


def test_a_commands_own_call_is_refused_with_the_same_words() -> None:
    with ExitStack() as stack:
        port = listen(stack).getsockname()[1]
    with ThreadPoolExecutor() as pool:
        answering = pool.submit(failed_start.answer, [port], "the local AWS failed to start: …")
        wait_for_port(port)
        with pytest.raises(DaemonFailed, match=r"^the local AWS failed to start: …$"):
            functions.call(Address(0, port, 0, ""), functions.STATUS)
        answering.result(timeout=10)


def wait_for_port(port: int) -> None:
    """Wait until a port takes connections."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def fail_with(
    error: Exception, monkeypatch: pytest.MonkeyPatch, *, served: Sequence[socket.socket] = ()
) -> None:
    """Have the daemon fail once the rest has been imported, or it has served on these sockets."""

    def run(*_: object, **__: object) -> None:
        for each in served:
            each.close()
        raise error

    monkeypatch.setattr("localaws.daemon.server.run", run)


def test_what_a_user_can_correct_is_reported_without_a_traceback(
    directory: StateDirectory,
    listeners: list[socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail_with(UserError("Envoy isn't installed"), monkeypatch)
    port = listeners[0].getsockname()[1]
    with ThreadPoolExecutor() as pool:
        failed = pool.submit(start, directory, listeners)
        assert refusal_of(port).startswith("the local AWS failed to start: Envoy isn't installed.")
        assert failed.result(timeout=10) == 1
    assert "Envoy isn't installed" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("why_none_waits", ["it isn't found yet", "it has served"])
def test_a_failure_that_no_command_waits_for_ends_the_daemon_at_once(
    why_none_waits: str,
    directory: StateDirectory,
    listeners: list[socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    has_served = why_none_waits == "it has served"
    served = listeners if has_served else []
    fail_with(RuntimeError("out of order"), monkeypatch, served=served)
    monkeypatch.setattr(failed_start, "answer", lambda *_: pytest.fail("it answers"))
    if not has_served:
        directory.path.mkdir()
        directory.resources.write_text("")
    assert start(directory, listeners) == 1
    assert "RuntimeError: out of order" in caplog.text


@pytest.mark.slow  # a new Python
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
