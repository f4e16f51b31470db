"""`pulumi-local`: Pulumi with an AWS of its own on this machine.

Any Pulumi command works; its stack is `local` unless --stack or PULUMI_STACK says otherwise. Of its own it has:
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from localaws import pulumi_command
from localaws.daemon_client import DaemonFailed, ensure, stop
from localaws.home import Home, NoProject
from localaws.logs import follow, streams

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = """\
examples:
  pulumi-local up --yes
  pulumi-local stack output albDns | verify --expect-tasks 2
  pulumi-local preview --stack prod        needs no AWS account
  pulumi-local logs --no-follow
  pulumi-local destroy --yes && pulumi-local stop

environment:
  LOCALAWS_HOME     folder for the local AWS's files, instead of .local beside Pulumi.yaml
  LOCALAWS_IMAGES   a table of images and their commands, instead of localaws-images.toml there
"""

_GLOBAL_OPTIONS_WITH_VALUE = frozenset({"-C", "--cwd", "--color", "-v", "--verbose", "--profiling", "--tracing"})


def entry_point() -> NoReturn:
    """The console script."""
    try:
        raise SystemExit(main(sys.argv[1:]))
    except (DaemonFailed, NoProject, pulumi_command.NoCli) as error:
        print(f"pulumi-local: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def main(arguments: Sequence[str]) -> int:
    """Run one of our own commands, or become Pulumi."""
    command, folder = _command(arguments)
    if command in (None, "logs", "status", "stop"):
        return _own(arguments)
    home = Home.of(folder)
    return pulumi_command.run(home, ensure(home, _say), command, arguments)


def _own(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="pulumi-local",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-C", "--cwd", type=Path, default=Path(), help="run as if started in this folder")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    logs = commands.add_parser("logs", help="what containers print, as it comes")
    logs.add_argument("group", nargs="?", default="", help="only log groups whose name contains this")
    logs.add_argument("--no-follow", action="store_true", help="end after what is there")
    status = commands.add_parser("status", help="services with their tasks and targets")
    status.add_argument("--json", action="store_true", help="one JSON document")
    commands.add_parser("stop", help="stop everything that runs; the next command starts it again")
    chosen = parser.parse_args(arguments)
    home = Home.of(chosen.cwd)
    match chosen.command:
        case "logs":
            if not any(streams(home.logs, chosen.group)):
                _say(f"no log streams{f' in groups like {chosen.group!r}' if chosen.group else ''} yet")
            follow(home.logs, chosen.group, forever=not chosen.no_follow)
        case "status":
            from localaws.status import show  # noqa: PLC0415 — brings gRPC, half a second

            show(home, as_json=chosen.json)
        case "stop":
            print("the local AWS has stopped" if stop(home) else "no local AWS was running")
    return 0


def _command(arguments: Sequence[str]) -> tuple[str | None, Path]:
    """The command among the arguments, and the folder that -C names."""
    folder, rest = Path(), iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            return argument, folder
        if name in _GLOBAL_OPTIONS_WITH_VALUE:
            value = value if equals else next(rest, "")
            folder = Path(value) if name in ("-C", "--cwd") else folder
    return None, folder


def _say(message: str) -> None:
    print(message, file=sys.stderr)
