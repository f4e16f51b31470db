"""The language host that is started before the CLI, where the CLI has this project's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOST = "pulumi-language-python"
_ATTACH = "PULUMI_DEBUG_LANGUAGES"
"""The variable by which the engine attaches to a language host that runs."""


class EarlyHost:
    """A language host that imports what the program needs, while the CLI starts.

    It ends with this process, which becomes the CLI.
    """

    def __init__(self, host: Path, project: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            host: Its executable.
            project: The folder of Pulumi.yaml.
            environment: The CLI's variables, which the program gets, too.
        """
        self._process = subprocess.Popen(  # noqa: S603 — the CLI's own language host
            [host, "--early"],
            cwd=project,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # If it can't start, the one that the CLI then starts says why.
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal is for the CLI, as with the hosts that it starts itself.
            process_group=0,
        )

    def variables(self) -> dict[str, str]:
        """Return variables by which the CLI attaches; none if it is to start a host itself."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        if not port:
            process.wait()
            return {}
        # The host ends with its input, whose other end the CLI keeps as long as it runs.
        os.set_inheritable(process.stdin.fileno(), True)  # noqa: FBT003 — takes no keyword
        return {_ATTACH: f"python:{port}"}


def start(cli: str, project: Path, environment: Mapping[str, str]) -> EarlyHost | None:
    """Start a language host for a program in Python.

    Pulumi's official host can't be started before the engine, so where the CLI may choose that one,
    none is started. Neither is one if the caller has the CLI attach to another.

    Args:
        cli: The CLI's path.
        project: The folder of Pulumi.yaml.
        environment: The CLI's variables.
    """
    hosts = set(_installed(cli, environment))
    if _ATTACH in environment or len(hosts) != 1:
        return None
    (host,) = hosts
    if not host.with_name("language_host_early.py").exists():
        return None
    return EarlyHost(host, project, environment)


def _installed(cli: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the language hosts that the CLI may choose: one on PATH, and one beside it."""
    for folders in (environment.get("PATH", os.defpath), str(Path(cli).resolve().parent)):
        found = shutil.which(_HOST, path=folders)
        if found:
            yield Path(found).resolve()
