"""Pulumi's Python language host, for where the official one can't be had.

The engine starts this process, reads a port from its first line of output, asks a few questions and
has it run the program, once. The `pulumi` package holds nearly all of that: `LanguageServer`, made
for the Automation API's inline programs. What a program in a folder needs on top is here. This file
runs in the program's own environment, which choose_python.py has found. What it leaves to the
official host it refuses in one sentence.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from tools.pulumi.host import choose_python
else:
    import choose_python  # beside this file, wherever it was copied to

try:
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc
except ImportError as error:
    chosen = choose_python.choose(choose_python.of_project(Path.cwd()))
    sys.exit(
        f"{chosen.python} can't run a Pulumi program: {error}. It was chosen by {chosen.why}. "
        "Install the program's requirements there, by the project's own set-up or by: "
        f"{chosen.remedy}"
    )

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
MAX_CALLS = 64
"""Calls at a time, each of which holds a thread: one for the program, one for each plugin that
runs.
"""

ONLY_OFFICIAL = (
    "only Pulumi's official language host for Python {}; install Pulumi from "
    "pulumi.com/docs/install"
)


def left_to_the_official_host(what: str) -> Callable[..., Any]:
    """Make a method that refuses its call by a sentence."""

    def refuse(self: Any, request: Any, context: grpc.ServicerContext) -> NoReturn:
        del self, request
        context.abort(grpc.StatusCode.UNIMPLEMENTED, ONLY_OFFICIAL.format(what))

    return refuse


class FolderLanguageServer(LanguageServer):
    """Serves the program of a project's folder to the engine."""

    def __init__(self, engine: Sequence[str], children: Children) -> None:
        """Start without a program: which one it is comes with the request to run it.

        Args:
            engine: The engine's address, if it gave one, which takes the program's messages.
            children: What else this process started.
        """
        super().__init__(lambda: None)
        self._engine = engine
        self._children = children

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - the protocol's names
        """Accept an engine that attaches to a host that runs already."""
        del request, context
        return language_pb2.LanguageHandshakeResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Let the program end by itself; the engine refuses further registrations."""
        del request, context
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run the program once and report how it ended."""
        if request.attach_debugger:
            return language_pb2.RunResponse(error=ONLY_OFFICIAL.format("attaches a debugger"))
        self.program = lambda: run_program(
            Path(request.pwd), Path(request.info.entry_point or request.program)
        )
        request.args[:] = self._engine  # where the SDK looks for it
        response = super().Run(request, context)  # type: ignore[no-untyped-call]
        # The server has already logged the error. Given back as `error` the engine would print it
        # again.
        return language_pb2.RunResponse(bail=True) if response.error else response

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Install the requirements of a project or plugin, as `pulumi install` asks for."""
        with refused(context, grpc.StatusCode.FAILED_PRECONDITION):
            options = options_of(request.info, is_plugin=request.is_plugin)
            chosen = choose_python.choose(options)
        environment = choose_python.installing(chosen, dict(os.environ))
        for command in choose_python.installation(chosen, options, is_plugin=request.is_plugin):
            yield language_pb2.InstallDependenciesResponse(
                stdout=f"$ {' '.join(command)}\n".encode()
            )
            code = yield from self._children.run(
                command,
                options.program,
                environment,
                context,
                language_pb2.InstallDependenciesResponse,
            )
            if code != 0:
                context.abort(
                    grpc.StatusCode.UNKNOWN, f"`{' '.join(command)}` failed with exit code {code}"
                )

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Run a provider or component written in Python, until it or the engine ends it."""
        # The official host stands between engine and policy pack, to hand over the stack's
        # configuration.
        if request.kind == "analyzer":
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, ONLY_OFFICIAL.format("runs policy packs in Python")
            )
        if request.attach_debugger:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, ONLY_OFFICIAL.format("attaches a debugger")
            )
        with refused(context, grpc.StatusCode.FAILED_PRECONDITION):
            options = options_of(request.info, is_plugin=True)
            chosen = choose_python.ready(options)
            command = [chosen.python, *choose_python.plugin(options), *request.args]
        # The engine passes its whole environment, PATH too; the official host lets that win as
        # well.
        environment = choose_python.activated(chosen, dict(os.environ))
        environment.update(each.partition("=")[::2] for each in request.env)
        code = yield from self._children.run(
            command, Path(request.pwd), environment, context, language_pb2.RunPluginResponse
        )
        if code != 0:
            yield language_pb2.RunPluginResponse(exitcode=code)

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """List the environment's packages, for `pulumi about`."""
        del request, context
        found = {found.name: found.version for found in importlib.metadata.distributions()}
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=found[name])
                for name in sorted(found)
            ]
        )

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Leave a new project's runtime options as its template has them."""
        del request, context
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Leave a new project's files as its template has them, which suits pip."""
        del request, context
        return language_pb2.TemplateResponse()

    def GenerateProgram(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Answer a completed `pulumi import` with a note about the program's code."""
        del request, context
        note = (
            f"# No code here: {ONLY_OFFICIAL.format('writes it')}.\n"
            "# The import itself is complete; `pulumi stack export` shows the inputs to "
            "write down.\n"
        )
        return language_pb2.GenerateProgramResponse(source={"imported.py": note.encode()})

    GenerateProject = left_to_the_official_host("converts programs")
    GeneratePackage = left_to_the_official_host("generates SDKs")
    Pack = left_to_the_official_host("packs SDKs")
    Link = left_to_the_official_host("links SDKs")


@contextlib.contextmanager
def refused(context: grpc.ServicerContext, code: grpc.StatusCode) -> Iterator[None]:
    """Answer a call with the reason why no Python can serve it."""
    try:
        yield
    except choose_python.NoPythonError as error:
        context.abort(code, str(error))


def options_of(info: Any, *, is_plugin: bool) -> choose_python.Options:
    """Return a call's runtime options; a plugin's default environment is `venv`."""
    given = {key: value for key, value in info.options.items() if isinstance(value, str)}
    options = choose_python.Options(
        Path(info.root_directory, "PulumiPlugin.yaml" if is_plugin else "Pulumi.yaml"),
        Path(info.program_directory),
        given.get("toolchain", ""),
        given.get("virtualenv", ""),
    )
    wants_default = is_plugin and not options.virtualenv and options.toolchain in ("", "pip")
    return options._replace(virtualenv="venv") if wants_default else options


class Children:
    """The processes of plugins and installers that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        context: grpc.ServicerContext,
        response: Callable[..., Any],
    ) -> Generator[Any, None, int]:
        """Run a command until it or the call ends; yield its output and return its exit code."""
        process = subprocess.Popen(  # noqa: S603 - running the project's own Python is the purpose
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._running.add(process)
        context.add_callback(process.kill)
        output: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def pump(name: str, pipe: Any) -> None:
            while text := pipe.read1(65536):
                output.put(response(**{name: text}))
            output.put(None)

        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=pump, args=(name, pipe), daemon=True).start()
        for _ in range(2):
            yield from iter(output.get, None)
        code = process.wait()
        self._running.discard(process)
        return code

    def end(self) -> None:
        """End what still runs."""
        for process in list(self._running):
            process.kill()


def run_program(directory: Path, entry_point: Path) -> None:
    """Run a program as `python <entry point>` in its directory would.

    Args:
        directory: The program's folder, which becomes the working directory.
        entry_point: A file, or a folder with a `__main__.py`; relative to `directory` unless
            absolute.
    """
    path = directory / entry_point
    if path.is_dir():
        path /= "__main__.py"
    os.chdir(directory)
    sys.path[0] = str(path.parent)
    sys.argv = [str(path)]
    runpy.run_path(str(path), run_name="__main__")


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
    server = grpc.server(ThreadPoolExecutor(max_workers=MAX_CALLS), options=UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        FolderLanguageServer(sys.argv[1:2], children), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=leave_with_the_engine, daemon=True).start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
