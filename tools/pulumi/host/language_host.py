"""Pulumi's Python language host, for where the official one can't be had.

The engine starts this process, reads a port from its first line of output, asks a few questions and
has it run the program, once. For most commands it starts another one before, which it asks only
what is answered here. So language_host_server.py imports the `pulumi` package when the first
question needs it. This file runs in the program's own environment, which choose_python.py has
found.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.pulumi.host import choose_python
    from tools.pulumi.host.language_host_children import Children
else:  # beside this file, wherever it was copied to
    import choose_python
    from language_host_children import Children


def cannot_run(error: ImportError) -> str:
    """Say which Python can't run programs, why it was chosen and what to do."""
    chosen = choose_python.choose(choose_python.of_project(Path.cwd()))
    return (
        f"{chosen.python} can't run a Pulumi program: {error}. It was chosen by {chosen.why}. "
        "Install the program's requirements there, by the project's own set-up or by: "
        f"{chosen.remedy}"
    )


try:
    import grpc

    if importlib.util.find_spec("pulumi") is None:
        raise ModuleNotFoundError("No module named 'pulumi'")
except ImportError as error:
    sys.exit(cannot_run(error))

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
EARLY = "--early"
"""The argument of a host that starts before the engine, which attaches to it."""

MAX_CALLS = 64
"""Calls at a time, each of which holds a thread: one for the program, one for each plugin that
runs.
"""


def varint(number: int) -> bytes:
    """Encode a number as protobuf does: seven bits a byte, the lowest first."""
    rest, low = divmod(number, 128)
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def string_field(number: int, text: str) -> bytes:
    """Encode a field of a message as protobuf does; the class of the message is in `pulumi`."""
    value = text.encode()
    return bytes([number << 3 | 2]) + varint(len(value)) + value


KNOWN_ANSWERS = {
    "GetPluginInfo": b"",
    "GetRequiredPackages": b"",
    "About": string_field(1, sys.executable)
    + string_field(2, ".".join(map(str, sys.version_info[:3]))),
    "Cancel": b"",
}
"""Answers that need nothing but this Python, by method: what language_host_server.py would send."""


class Answer:
    """Answers any call of a method alike."""

    def __init__(self, encoded: bytes = b"", refusal: str = "") -> None:
        """Take the encoded message, or the reason for refusing every call."""
        self._encoded = encoded
        self._refusal = refusal

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Answer a call."""
        del request
        if self._refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, self._refusal)
        return self._encoded


class Methods(grpc.GenericRpcHandler):
    """The methods of the protocol; those that need the `pulumi` package import it."""

    def __init__(self, load: Callable[[], grpc.GenericRpcHandler]) -> None:
        """Take what imports the package and returns all methods."""
        self._load = load
        self._loading = threading.Lock()
        self._all: grpc.GenericRpcHandler | None = None

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return what serves a call; gRPC requests one after the other."""
        answer = KNOWN_ANSWERS.get(call.method.rpartition("/")[2])
        if answer is not None:
            return grpc.unary_unary_rpc_method_handler(Answer(answer))
        try:
            return self.loaded().service(call)
        except ImportError as error:
            return grpc.unary_unary_rpc_method_handler(Answer(refusal=cannot_run(error)))

    def loaded(self) -> grpc.GenericRpcHandler:
        """Return what serves all methods.

        Raises:
            ImportError: The `pulumi` package can't be imported.
        """
        with self._loading:
            # Takes longer than all else that this process does before it runs a program.
            self._all = self._all or self._load()
            return self._all


def of_engine(engine: Sequence[str], children: Children) -> Methods:
    """Return the methods of a host that the engine starts, or attaches to for one run.

    Args:
        engine: The engine's address, unless the engine gives it by a handshake.
        children: What else this process starts.
    """

    def load() -> grpc.GenericRpcHandler:
        if TYPE_CHECKING:
            from tools.pulumi.host import language_host_server  # noqa: PLC0415
        else:
            import language_host_server  # noqa: PLC0415
        server = language_host_server.FolderLanguageServer(engine, children)
        return language_host_server.handler(server)

    return Methods(load)


def early(children: Children) -> Methods:
    """Return the methods of a host that starts before the engine."""

    def load() -> grpc.GenericRpcHandler:
        if TYPE_CHECKING:
            from tools.pulumi.host import language_host_early  # noqa: PLC0415
        else:
            import language_host_early  # noqa: PLC0415
        return language_host_early.handler(children)

    return Methods(load)


def start_server(methods: Methods) -> tuple[grpc.Server, int]:
    """Start serving the protocol on this machine; return the server and its port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=MAX_CALLS), options=UNLIMITED)
    server.add_generic_rpc_handlers((methods,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve() -> None:
    """Serve the engine until it interrupts this process or dies."""
    children = Children()

    def leave(*_: object) -> NoReturn:
        """End at once, as the engine interrupts its plugins and waits for their end."""
        children.end()
        os._exit(0)

    def leave_with_the_engine() -> None:
        """End when the engine has died and, with it, the other end of our standard input."""
        while sys.stdin.buffer.read(4096):
            pass
        leave()

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
    is_early = sys.argv[1:] == [EARLY]
    methods = early(children) if is_early else of_engine(sys.argv[1:2], children)
    server, port = start_server(methods)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=leave_with_the_engine, daemon=True).start()
    if is_early:
        with contextlib.suppress(ImportError):  # which the engine's first call gets
            methods.loaded()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
