"""What the language host needs the `pulumi` package for: to run programs, plugins and installers.

The package holds nearly all of it: `LanguageServer`, made for the Automation API's inline programs.
What a program in a folder needs on top is here. What is left to the official host is refused in one
sentence.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import grpc
from google.protobuf import empty_pb2
from pulumi import log
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tools.pulumi.host import choose_python
    from tools.pulumi.host.language_host_children import Children
else:
    import choose_python  # beside this file, wherever it was copied to

ONLY_OFFICIAL = (
    "only Pulumi's official language host for Python {}; install Pulumi from "
    "pulumi.com/docs/install"
)

_SHOWS_DEBUG_MESSAGES = re.compile(r"--(debug|verbose|log|tracing|otel)|-[a-zA-Z]*[dv]")
"""The beginning of the CLI's options with which it shows or records debug messages.

Any cluster of short options with such a letter counts, since an option too many only costs time.
"""

_OPTIONS_IN_VARIABLES = re.compile(r"PULUMI_OPTION_(DEBUG|VERBOSE|LOG|TRACING|OTEL)")


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
        """Accept an engine that attaches to a host that runs already, and take its address."""
        del context
        self._engine = [request.engine_address]
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
        if not shows_debug_messages(engine_command(), os.environ):
            log.debug = ignore_message
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
        found = {each.name: each.version for each in importlib.metadata.distributions()}
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


def engine_command() -> Sequence[str]:
    """Return the command line of the CLI that started this process; empty if it isn't known."""
    try:
        command = Path(f"/proc/{os.getppid()}/cmdline").read_text(errors="replace")
    except OSError:  # no Linux
        return ()
    name, *arguments = command.rstrip("\0").split("\0")
    return (name, *arguments) if Path(name).name == "pulumi" else ()


def shows_debug_messages(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether the CLI shows debug messages, or may: by default it doesn't.

    The SDK sends several for each resource, and waits for the engine to have taken each, which is
    a twelfth of the CPU time of an `up` without changes.
    """
    if not command:
        return True
    found = [each for each in command[1:] if _SHOWS_DEBUG_MESSAGES.match(each)]
    found += [each for each in environment if _OPTIONS_IN_VARIABLES.match(each)]
    return bool(found)


def ignore_message(*_: object, **__: object) -> None:
    """Replace `pulumi.log.debug` where the engine would drop its messages."""


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


class Collector:
    """Takes the handlers that generated code would add to a server."""

    handlers: Sequence[grpc.GenericRpcHandler] = ()

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Keep handlers that find a method by its name."""
        self.handlers = handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Leave out the same methods in another form, which a server that runs can't take."""


def handler(server: FolderLanguageServer) -> grpc.GenericRpcHandler:
    """Return what serves every method of the protocol."""
    collector = Collector()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(server, cast("grpc.Server", collector))
    (found,) = collector.handlers
    return found
