"""Find the project's Python and become the language host in it.

`pulumi-language-python` starts this with whichever Python is at hand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tools.pulumi.host import choose_python
else:
    import choose_python  # beside this file, wherever it was copied to


def main() -> NoReturn:
    """Become the language host or the dynamic providers' server, in the project's Python."""
    try:
        chosen = choose_python.ready(choose_python.of_project(Path.cwd()))
    except choose_python.NoPythonError as error:
        sys.exit(str(error))
    environment = choose_python.activated(chosen, dict(os.environ))
    if sys.argv[1:2] == ["--dynamic"]:
        arguments = ["-m", "pulumi.dynamic", *sys.argv[2:]]
    elif runs_here(chosen):
        os.environ.clear()
        os.environ.update(environment)
        serve()
    else:
        arguments = [str(Path(__file__).with_name("language_host.py")), *sys.argv[1:]]
    command = [chosen.python, "-u", *arguments]
    os.execve(chosen.python, command, environment)  # noqa: S606 - becoming it is the purpose


def runs_here(chosen: choose_python.Chosen) -> bool:
    """Whether this process is the chosen Python, started as that would be started."""
    return (
        chosen.python == sys.executable and not sys.flags.no_site and "PYTHONHOME" not in os.environ
    )


def serve() -> NoReturn:
    """Be the language host in this process, which spares a start of Python."""
    # It imports gRPC, which another Python than the project's may lack.
    if TYPE_CHECKING:
        from tools.pulumi.host import language_host  # noqa: PLC0415
    else:
        import language_host  # noqa: PLC0415
    language_host.serve()
    sys.exit()
