"""Import and run the program once, and fork a language host for each connection to a socket."""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from infra import startup

startup.import_in_parts("pulumi_aws")

import pulumi_aws  # noqa: E402 - as the program imports it

import infra.program  # noqa: E402
import infra.settings  # noqa: E402
from localaws import mocks  # noqa: E402
from localaws.account import parameters  # noqa: E402
from tests.engine.fork_server import serve  # noqa: E402

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from tools.pulumi.host import language_host, language_host_children, language_host_server
else:
    import language_host
    import language_host_children
    import language_host_server

_OF_THE_SDK = re.compile(r"(?<![\w.])aws\.(\w+)\.(\w+)")


def _import_what_runs_use() -> None:
    """Import the modules of the SDK that the program imports only while it runs."""
    for file in Path(infra.__path__[0]).rglob("*.py"):
        for service, name in _OF_THE_SDK.findall(file.read_text()):
            getattr(getattr(pulumi_aws, service), name)


def _run_once() -> None:
    """Run the program of the local stack under mocks, in a context that ends with the run.

    The SDK imports some modules when it first needs them, and finds out the types of a class's
    properties when it first registers one, which is a quarter of a fork's time. It keeps both.
    """
    folder = Path(infra.__path__[0]).parent
    cloud = mocks.Cloud(seed=1)
    cloud.parameters = parameters.load(folder / "local.parameters.toml")
    mocks.run(
        lambda: runpy.run_path(str(folder / "__main__.py")),
        project="fargate-web",
        stack="local",
        config=mocks.configuration(folder, "local"),
        cloud=cloud,
    )


def _serve_run(connection: socket.socket) -> NoReturn:
    """Be the language host of one run, until the other end closes the connection."""
    try:
        with connection.makefile("rw") as file:
            request = json.loads(file.readline())
            os.environ.clear()
            os.environ.update(request["environment"])
            command: Sequence[str] = request["command"]
            # The host asks for the command of its parent process, which is the CLI elsewhere.
            language_host_server.engine_command = lambda: command
            methods = language_host.of_engine((), language_host_children.Children())
            server, port = language_host.start_server(methods)
            file.write(f"{port}\n")
            file.flush()
            file.read()
            server.stop(None)
    except Exception:  # noqa: BLE001 - whatever it is, this process ends here
        traceback.print_exc()
    finally:
        os._exit(0)  # without what the process that was forked does at its end


if __name__ == "__main__":
    _import_what_runs_use()
    _run_once()
    serve(sys.argv[1], _serve_run)
