"""The command `pulumi-local`."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from localaws.cli import known_commands, pulumi_command
from localaws.cli.arguments import OF_ONE_STACK, OWN, parser
from localaws.daemon.client import ensure, stop
from localaws.daemon.state_directory import StateDirectory
from localaws.machine import file_errors
from localaws.user_error import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_DEPLOYS = ("up", "update")
"""Commands that print how tasks run."""


class NotInstalled(UserError):  # noqa: N818 — names the finding
    """The local AWS's packages are missing; the message names them and the command to install."""


_PACKAGES_OF_THE_EXTRA = ("pulumi", "pulumi_aws", "pulumi_awsx", "yaml", "cryptography")
"""What the local AWS imports of its extra. It looks for Envoy when it starts one."""


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
    except UserError as error:
        print(f"pulumi-local: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        print(f"pulumi-local: {file_errors.described(error)}", file=sys.stderr)
        raise SystemExit(1) from None


def main(arguments: Sequence[str]) -> int:
    """Run a command of the local AWS, or become Pulumi."""
    command = _command(arguments)
    if command is None or command in OWN:
        return _run_own(arguments)
    known_commands.check(command)
    if known_commands.asks_for_help(command, arguments):
        known_commands.show_help(arguments)
    _check_installed()
    directory = StateDirectory.of(pulumi_command.given(arguments).cwd)
    pulumi_command.executable()  # before the daemon is started for it
    pulumi_command.check_user(command)
    address = ensure(directory, _print_message)
    if command in _DEPLOYS:
        _print_message(address.runtime)
    return pulumi_command.run(directory, address, command, arguments)


def _check_installed() -> None:
    """Refuse to continue without the packages that only an extra of the distribution installs.

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


def _run_own(arguments: Sequence[str]) -> int:
    """Run a command of the local AWS, and return the exit code."""
    own, program = _split(arguments)
    chosen, unknown = parser().parse_known_args(own)
    if unknown:
        chosen.parser.error(_unrecognized(chosen.command, unknown))
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
            code = _run_program(directory, chosen, program)
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


def _unrecognized(command: str, unknown: Sequence[str]) -> str:
    """Describe arguments that a command doesn't take; for a stack, what concerns only one."""
    of_a_stack = [each for each in unknown if re.match(r"-s|--stack(=|$)", each)]
    if not of_a_stack:
        return f"unrecognized arguments: {' '.join(unknown)}"
    hint = f"; {OF_ONE_STACK[command]}" if command in OF_ONE_STACK else ""
    return f"{command} takes no --stack, as a local AWS has all stacks of the project{hint}"


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
    """Return the arguments of a command of the local AWS, and of the program that it runs.

    The command comes first, as its parser gets only what follows it.
    """
    command = next(pulumi_command.positions(arguments), None)
    if command is None:
        return list(arguments), []
    end = len(arguments)
    program: Sequence[str] = ()
    if arguments[command] in ("exec", "internet"):
        end = _end_of_options(arguments, command)
        program = arguments[end:]
        if program and program[0] == "--":
            program = program[1:]
    return [*arguments[command:end], *arguments[:command]], list(program)


def _end_of_options(arguments: Sequence[str], command: int) -> int:
    """Return the index of `--`, or of the first word after `internet` that is no option."""
    if "--" in arguments:
        return arguments.index("--")
    if arguments[command] == "exec":
        return len(arguments)
    end = command + 1
    while end < len(arguments) and arguments[end].startswith("-"):
        end += 1 if "=" in arguments[end] else 2  # an option alone, or with its value
    return min(end, len(arguments))


def _run_program(
    directory: StateDirectory, chosen: argparse.Namespace, program: Sequence[str]
) -> int:
    from localaws.cli import run_command  # noqa: PLC0415 — as above
    from localaws.daemon.command_socket import Request  # noqa: PLC0415

    if chosen.command == "exec":
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        request = Request(
            "exec", tuple(program), chosen.target, chosen.container, terminal=on_terminal
        )
    else:
        request = Request(
            "internet",
            tuple(program),
            source=chosen.source,
            environment=dict(os.environ),
            directory=os.getcwd(),  # noqa: PTH109 — as the caller has it, links included
        )
    return run_command.run(directory, request)


def _command(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is neither an option nor the value of one."""
    first = next(pulumi_command.positions(arguments), None)
    return None if first is None else arguments[first]


def _print_message(message: str) -> None:
    print(message, file=sys.stderr)
