"""The command `pulumi-local`."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from localaws.cli import known_commands, pulumi_command
from localaws.cli.arguments import OWN, parser
from localaws.daemon.client import ensure, stop
from localaws.daemon.state_directory import StateDirectory
from localaws.user_error import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_DEPLOYS = ("up", "update")
"""Commands that say how tasks run."""


class NotInstalled(UserError):  # noqa: N818 — names the finding
    """The local AWS's packages are missing; the message names them and the command to install."""


_PACKAGES_OF_THE_EXTRA = ("pulumi", "pulumi_aws", "pulumi_awsx", "yaml", "cryptography")
"""What the local AWS imports of its extra; whether Envoy is there it asks itself when it starts
one.
"""


def entry_point() -> NoReturn:
    """Run the console script."""
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except known_commands.UnknownCommand as error:
        print(f"pulumi-local: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (UserError, OSError) as error:
        print(f"pulumi-local: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def main(arguments: Sequence[str]) -> int:
    """Run one of our own commands, or become Pulumi."""
    command = _command(arguments)
    if command is None or command in OWN:
        return _own(arguments)
    known_commands.check(command)
    if known_commands.asks_for_help(command, arguments):
        known_commands.show_help(arguments)
    _check_installed()
    directory = StateDirectory.of(pulumi_command.given(arguments).cwd)
    pulumi_command.check_user(command)
    address = ensure(directory, _print_message)
    if command in _DEPLOYS:
        _print_message(address.runtime)
    return pulumi_command.run(directory, address, command, arguments)


def _check_installed() -> None:
    """Refuse to go on without the packages that only an extra of the distribution brings.

    Raises:
        NotInstalled: One is missing.
    """
    missing = [
        package for package in _PACKAGES_OF_THE_EXTRA if importlib.util.find_spec(package) is None
    ]
    if missing:
        raise NotInstalled(
            f"{', '.join(missing)}: not installed beside {sys.executable}; in a clone of "
            "fargate-web: pip install '.[local]'"
        )


def _own(arguments: Sequence[str]) -> int:
    own, program = _split(arguments)
    chosen, unknown = parser().parse_known_args(own)
    if unknown:
        chosen.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    directory = StateDirectory.of(pulumi_command.given(own).cwd)
    # Each command imports what it needs: `up` waits for none of it, and gRPC takes half a second.
    match chosen.command:
        case "cost":
            from localaws.cli import cost  # noqa: PLC0415

            project = pulumi_command.project_name(directory)
            code = cost.show(directory, project, chosen.stack, chosen.format)
        case "route":
            code = _explain(directory, chosen)
        case "exec" | "internet":
            if not program:
                chosen.parser.error("name a command, as in -- sh")
            code = _run(directory, chosen, program)
        case "interrupt" | "fail" | "alarm":
            from localaws.cli.disturbances import disturb  # noqa: PLC0415

            more = {"state": chosen.state} if chosen.command == "alarm" else {}
            code = disturb(directory, chosen.command, chosen.target, **more)
        case "logs":
            from localaws.cli import logs  # noqa: PLC0415

            forever = not chosen.no_follow
            code = logs.show(directory, chosen.group, chosen.container, forever=forever)
        case "status":
            from localaws.cli import status  # noqa: PLC0415

            code = status.show(directory, as_json=chosen.json, public_tasks=chosen.public_tasks)
        case _:
            print("the local AWS has stopped" if stop(directory) else "no local AWS was running")
            code = 0
    return code


def _explain(directory: StateDirectory, chosen: argparse.Namespace) -> int:
    from localaws.alb.explanation import Request  # noqa: PLC0415 — as above
    from localaws.cli import route  # noqa: PLC0415

    request = Request.of(
        chosen.url, method=chosen.method, headers=chosen.header, source=chosen.source_ip
    )
    if chosen.deployed:
        project = pulumi_command.project_name(directory)
        known = route.deployed(directory, project, chosen.stack)
    else:
        known = route.configured(directory.project, directory.parameters, chosen.stack)
    return route.show(known, request, as_json=chosen.json)


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return our own arguments, and the command that `exec` or `internet` is to run.

    It follows `--`; for `internet` it may also begin with the first word that is no option.
    """
    if _command(arguments) not in ("exec", "internet"):
        return list(arguments), []
    if "--" in arguments:
        end = list(arguments).index("--")
        return list(arguments[:end]), list(arguments[end + 1 :])
    start = list(arguments).index("internet") + 1 if "internet" in arguments else len(arguments)
    while start < len(arguments) and arguments[start].startswith("-"):
        start += 1 if "=" in arguments[start] else 2
    return list(arguments[:start]), list(arguments[start:])


def _run(directory: StateDirectory, chosen: argparse.Namespace, program: Sequence[str]) -> int:
    from localaws.cli import run_command  # noqa: PLC0415 — as above
    from localaws.daemon.command_socket import Request  # noqa: PLC0415

    request = (
        Request("exec", tuple(program), chosen.target, chosen.container, terminal=_on_a_terminal())
        if chosen.command == "exec"
        else Request(
            "internet",
            tuple(program),
            source=chosen.source,
            environment=dict(os.environ),
            directory=os.getcwd(),  # noqa: PTH109 — as the caller has it, links included
        )
    )
    return run_command.run(directory, request)


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _command(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is neither an option nor the value of one."""
    first = next(pulumi_command.positions(arguments), None)
    return None if first is None else arguments[first]


def _print_message(message: str) -> None:
    print(message, file=sys.stderr)
