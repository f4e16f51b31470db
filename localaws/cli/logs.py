"""`pulumi-local logs`: print the output of containers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from localaws.daemon.file_permissions import explained
from localaws.daemon.log_streams import container_of, follow, streams
from localaws.daemon.state_directory import Address

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.daemon.state_directory import StateDirectory


def show(directory: StateDirectory, group: str, container: str, *, forever: bool) -> int:
    """Print log streams, and return the exit code: 1 if none of those that exist is chosen.

    Args:
        directory: The state directory.
        group: A part of the log groups' names; empty for all.
        container: The container; empty for all.
        forever: Go on with what comes.

    Raises:
        UnusableFolder: The state directory is another user's.
    """
    with explained():
        return _show(directory, group, container, forever=forever)


def _show(directory: StateDirectory, group: str, container: str, *, forever: bool) -> int:
    if not any(streams(directory.logs, group, container)):
        _print_message(_no_streams(directory.logs, group, container))
        if not forever and any(streams(directory.logs)):
            return 1
    if forever and Address.read(directory) is None:
        _print_message(
            "the local AWS is not running, so nothing new comes until `pulumi-local up` "
            "starts it; Ctrl-C ends this command"
        )
    follow(directory.logs, group, container, forever=forever)
    return 0


def _no_streams(logs: Path, group: str, container: str) -> str:
    """Describe that no log stream is chosen, with the containers or groups that have some."""
    wanted = f" of container {container!r}" if container else ""
    wanted += f" in groups like {group!r}" if group else ""
    containers = sorted({container_of(path) for path in streams(logs, group)})
    if containers:
        return f"no log streams{wanted} yet; there are those of {', '.join(containers)}"
    groups = sorted({f"/{path.relative_to(logs).parent}" for path in streams(logs)})
    if groups:
        return f"no log streams{wanted} yet; there are those in {', '.join(groups)}"
    return f"no log streams{wanted} yet"


def _print_message(message: str) -> None:
    print(message, file=sys.stderr)
