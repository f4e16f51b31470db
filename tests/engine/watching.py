"""Runs of `verify watch` while a command changes the stack."""

from __future__ import annotations

import json
import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.stack import Stack

UP = "pulumi-local up --yes --non-interactive --skip-preview"
INTERVAL_MS = 100
"""Of `verify watch`, whose rate is ten requests a second."""

BEFORE = "1s"
"""How long `verify watch` watches before its command starts, half as long as by default: twenty
requests show all tasks of a test.
"""


def watch(stack: Stack, url: str, *options: str, command: str, then: str = "") -> dict[str, Any]:
    """Watch a URL while a command runs, which must succeed, and return the report.

    Args:
        stack: The stack that serves the URL.
        url: What is requested.
        options: More options of `verify watch`.
        command: The command, as a shell takes it, which deploys once.
        then: Another deployment, once the first one has succeeded.
    """
    given = " ".join(("--before", BEFORE, *options))
    with ExitStack() as hosts:
        variables = hosts.enter_context(stack.with_host(("up",)))
        if then:
            # A host serves one run.
            of_second = hosts.enter_context(stack.with_host(("up",)))
            host = of_second.get("PULUMI_DEBUG_LANGUAGES", "")
            both = f"{command} && PULUMI_DEBUG_LANGUAGES={host} {then}"
            command = shlex.join(["sh", "-c", both])
        line = f"verify watch {url} --format json --quiet {given} -- {command}"
        run = stack.shell(line, variables=variables)
    assert run.stdout, run.stderr
    assert "older code" not in run.stderr, (
        "localaws/ was edited meanwhile, so a new daemon has cut all connections"
    )
    (report,) = json.loads(run.stdout)["reports"]
    assert report["exit_code"] == run.returncode
    assert report["watch"]["command"]["exit_code"] == 0, run.stderr
    return dict(report)
