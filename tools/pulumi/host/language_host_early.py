"""A language host that starts before the engine, which attaches to it.

It imports Pulumi's SDK, and what the project's `preload.py` imports, while the CLI starts. It runs
one program itself. A command's next run, as an `up` after its preview, gets a process of its own,
which shares nothing with the first.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.pulumi.host import language_host_server
    from tools.pulumi.host.language_host_children import Children
    from tools.pulumi.host.language_host_server import FolderLanguageServer
else:
    import language_host_server  # beside this file, wherever it was copied to
    from language_host_server import FolderLanguageServer

PRELOAD = "preload.py"
"""A file beside Pulumi.yaml; what it imports, the program uses in most runs."""

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2

_preloaded = threading.Event()
"""Set when nothing is imported any more that a run may use."""


class Output:
    """What this process prints, which the engine takes as messages.

    It reads the output of a host that it starts, but not that of one that it attaches to.
    """

    def __init__(self) -> None:
        """Take what is printed from now on, and keep it until an engine runs the program."""
        reading, writing = os.pipe()
        for descriptor in (_STANDARD_OUTPUT, _STANDARD_ERROR):
            os.dup2(writing, descriptor)
        os.close(writing)
        self._printed = os.fdopen(reading, encoding="utf-8", errors="replace")
        self._engine: Any = None
        self._has_engine = threading.Event()
        self._mark = f"{uuid.uuid4()}\n"
        self._passed_on = threading.Semaphore(0)
        threading.Thread(target=self._pass_on, daemon=True).start()

    def send_to(self, engine: str) -> None:
        """Send what is printed to the engine with this address."""
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))
        self._has_engine.set()

    def flush(self) -> None:
        """Wait until the engine has all that was printed before."""
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(_STANDARD_OUTPUT, self._mark.encode())
        self._passed_on.acquire()

    def _pass_on(self) -> None:
        for line in self._printed:
            self._has_engine.wait()
            # What was printed last may lack its end, and have the mark behind it.
            text = line.removesuffix(self._mark)
            if text:
                self._send(text)
            if text != line:
                self._passed_on.release()

    def _send(self, text: str) -> None:
        message = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, streamId=1)
        with contextlib.suppress(grpc.RpcError):  # the engine is ending
            self._engine.Log(message)


class EarlyLanguageServer(FolderLanguageServer):
    """Serves the program of a project's folder to the engines of one command."""

    def __init__(self, children: Children, output: Output) -> None:
        """Take what else this process starts, and what it prints."""
        super().__init__([], children)
        self._output = output
        self._has_run = False

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run the program, in this process if nothing has run here yet."""
        # First, as what is imported waits if it prints more than a pipe holds.
        self._output.send_to(self._engine[0])
        _preloaded.wait()
        try:
            if self._has_run:
                return run_in_another_process(request, self._engine)
            self._has_run = True
            return super().Run(request, context)
        finally:
            self._output.flush()


def handler(children: Children) -> grpc.GenericRpcHandler:
    """Take what this process prints, begin to preload, and return what serves all methods."""
    server = EarlyLanguageServer(children, Output())
    threading.Thread(target=_preload, daemon=True).start()
    return language_host_server.handler(server)


def _preload() -> None:
    """Import what the project's preload.py does; a run waits for that."""
    try:
        file = Path.cwd() / PRELOAD
        if file.exists():
            sys.path[0] = str(file.parent)
            # A program that can't import that reports it in its run.
            with contextlib.suppress(Exception, SystemExit):
                runpy.run_path(str(file))
    finally:
        _preloaded.set()


def run_in_another_process(request: Any, engine: Sequence[str]) -> Any:
    """Start a language host as the engine does, and have it run the program."""
    host = subprocess.Popen(  # noqa: S603 - a file beside this one, by this Python
        [sys.executable, "-u", str(Path(__file__).with_name("language_host.py")), *engine],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # One pipe keeps the order of what is printed.
        stderr=subprocess.STDOUT,
    )
    with host:
        assert host.stdin is not None
        assert host.stdout is not None
        port = _port(host.stdout)
        printed = threading.Thread(target=_pass_on, args=(host.stdout,))
        printed.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            response: language_pb2.RunResponse = LanguageRuntimeStub(channel).Run(request)
        host.stdin.close()  # which ends it
        printed.join()
    return response


def _port(printed: Any) -> int:
    """Return the port that a host prints, and pass on what it prints before."""
    for line in printed:
        if line.strip().isdigit():
            return int(line)
        os.write(_STANDARD_OUTPUT, line)
    raise RuntimeError("the language host for another run has ended at its start")


def _pass_on(printed: Any) -> None:
    for line in printed:
        os.write(_STANDARD_OUTPUT, line)
