"""`pulumi-local cost`: what a stack costs on AWS, as the project itself estimates it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from localaws.cli.pulumi_state import StackState
from localaws.daemon.file_permissions import UnusableFolder
from localaws.user_error import UserError

if TYPE_CHECKING:
    from localaws.daemon.state_directory import StateDirectory

_MODULE = "infra.costs"
OUTPUT = "monthlyCostUsd"
"""The stack output that says what a deployed stack costs."""


class NoEstimate(UserError):  # noqa: N818 — names the finding
    """There is no estimate; the message says why and what to do."""


def show(directory: StateDirectory, project: str | None, stack: str, form: str) -> int:
    """Print what a stack costs, compared with what is deployed, and return the exit code.

    Args:
        directory: The state directory, beside the project's files.
        project: The project's name, None if its file has none.
        stack: The stack's name.
        form: The format: text, markdown or json.

    Raises:
        NoEstimate: The project has no module that estimates costs.
    """
    module = directory.project.joinpath(*_MODULE.split("."))
    if not (module / "__main__.py").exists():
        raise NoEstimate(
            f"{directory.project} has no {_MODULE}, with which a project estimates its costs; "
            "`pulumi-local -C FOLDER cost` names another project's folder"
        )
    command = [sys.executable, "-m", _MODULE, "--stack", stack, "--format", form]
    deployed: object = None
    if project is not None:
        try:
            deployed = StackState(directory.backend, project, stack).outputs().get(OUTPUT)
        except UnusableFolder as reason:
            # The estimate needs the project's files only.
            message = f"pulumi-local: not compared with the deployed stack: {reason}"
            print(message, file=sys.stderr)
    if deployed is not None:
        command += ["--deployed", "-"]
    done = subprocess.run(  # noqa: S603 — this Python and the project's own module
        command,
        cwd=directory.project,
        input=json.dumps(deployed),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        # Ctrl-C reaches this process only, which kills the other one: that would print a traceback.
        process_group=0,
    )
    if done.stderr:
        print(f"pulumi-local: {done.stderr}", end="", file=sys.stderr)
    return done.returncode
