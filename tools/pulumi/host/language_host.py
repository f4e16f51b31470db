"""Pulumi's Python language host, for where the official one can't be had.

The engine starts this process, reads a port from its first line of output, asks a few questions and has it run the
program, once. The `pulumi` package holds nearly all of that: `LanguageServer`, made for the Automation API's inline
programs. What a program in a folder needs on top is here. This file runs in the program's own environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import runpy
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc
except ImportError as error:
    sys.exit(f"{sys.executable} can't import the Pulumi SDK ({error}). Install the project's requirements: make setup")

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class FolderLanguageServer(LanguageServer):
    """Serves the program of a project's folder to the engine."""

    def __init__(self) -> None:
        """Starts without a program: which one it is comes with the request to run it."""
        super().__init__(lambda: None)

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - the protocol's name
        """Runs the program once and tells the engine how it ended."""
        self.program = lambda: run_program(Path(request.pwd), Path(request.info.entry_point or request.program))
        response = super().Run(request, context)  # type: ignore[no-untyped-call]
        # The server has already logged the error. Given back as `error` the engine would print it again.
        return language_pb2.RunResponse(bail=True) if response.error else response

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Answers `pulumi install`; set-up owns the environment, so there is nothing to do but say so."""
        del request, context
        note = f"{sys.prefix} is used as it is; `make setup` installs this project's requirements.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=note.encode())

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Lists the environment's packages, for `pulumi about`."""
        del request, context
        found = {found.name: found.version for found in importlib.metadata.distributions()}
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=found[name]) for name in sorted(found)]
        )


def run_program(directory: Path, entry_point: Path) -> None:
    """Runs a program as `python <entry point>` in its directory would.

    Args:
        directory: The program's folder, which becomes the working directory.
        entry_point: A file, or a folder with a `__main__.py`; relative to `directory` unless absolute.
    """
    path = directory / entry_point
    if path.is_dir():
        path /= "__main__.py"
    os.chdir(directory)
    sys.path[0] = str(path.parent)
    sys.argv = [str(path)]
    runpy.run_path(str(path), run_name="__main__")


def leave(*_: object) -> NoReturn:
    """Ends the process at once: when a command is over the engine interrupts its plugins, then waits for their end."""
    os._exit(0)


def leave_with_the_engine() -> None:
    """Ends the process when the engine has died and, with it, the other end of our standard input."""
    while sys.stdin.buffer.read(4096):
        pass
    leave()


def serve() -> None:
    """Serves the engine until it interrupts this process or dies."""
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(FolderLanguageServer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=leave_with_the_engine, daemon=True).start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
