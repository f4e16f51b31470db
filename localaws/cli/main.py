"""`pulumi-local`: Pulumi with a local AWS on this machine.

It runs any Pulumi command, with the stack `local` unless --stack or PULUMI_STACK names another one.
It also has these commands:
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from localaws.alb.explanation import CannotExplain
from localaws.alb.explanation import Request as ExplainedRequest
from localaws.cli import pulumi_command, run_command
from localaws.cli.cost import NoEstimate
from localaws.cli.cost import show as show_cost
from localaws.cli.pulumi_state import BadState
from localaws.daemon.client import DaemonFailed, ensure, stop
from localaws.daemon.command_socket import Request
from localaws.daemon.log_streams import follow, streams
from localaws.daemon.state_directory import Address, BadLock, NoProject, StateDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = """\
examples:
  pulumi-local up --yes
  pulumi-local stack output albDns | verify --expect-tasks 2
  pulumi-local preview --stack prod        needs no AWS account
  pulumi-local logs --no-follow
  pulumi-local exec -- sh                  a shell in a task's container
  pulumi-local internet curl http://203.0.113.1
  pulumi-local interrupt 82808971          a task on FARGATE_SPOT loses its capacity
  pulumi-local alarm local-web-errors      an alarm goes off until its next evaluation
  pulumi-local cost --stack prod           what the stack costs on AWS
  pulumi-local route explain https://shop.example.com/api --stack prod
  pulumi-local destroy --yes && pulumi-local stop

environment:
  LOCALAWS_HOME     folder for the local AWS's files, instead of .local beside Pulumi.yaml
  LOCALAWS_IMAGES   a table of images and their commands, instead of localaws-images.toml there
  LOCALAWS_REGISTRY_MIRROR
                    other names of registries, as public.ecr.aws=127.0.0.1:5101
  LOCALAWS_RUNTIME  auto, container or process: how tasks run (docs/vpc.md)
  LOCALAWS_SPEED    how many times as fast AWS's durations pass, from 1 to 10
"""

_ROUTE_EXAMPLES = """\
examples:
  pulumi-local route explain http://shop.example.com/api/orders?id=1
  pulumi-local route explain https://shop.example.com/ --stack prod
  pulumi-local route explain http://x.example.com/ -X POST -H 'X-Team: blue' --json
  pulumi-local route explain http://x.example.com/ --source-ip 198.51.100.7 --deployed

exit codes:
  0  a rule forwards the request to a service
  1  the request or the stack can't be explained
  2  wrong arguments
  3  no service answers: the listener's default actions do
"""

_COST_EXIT_CODES = """\
exit codes:
  0  the cost is estimated, and within the stack's limit if it has one
  1  there is no estimate
  2  wrong arguments
  3  the cost is estimated, and `up` refuses the stack because of its limit
"""

_GLOBAL_OPTIONS_WITH_VALUE = (
    *("-C", "--cwd", "--color", "-v", "--verbose"),
    *("--memprofilerate", "--otel-traces", "--profiling", "--tracing"),
)


_OWN = ("alarm", "cost", "exec", "fail", "internet", "interrupt", "logs", "route", "status", "stop")
"""Commands that Pulumi doesn't have."""

_DEPLOYS = ("up", "update")
"""Commands that say how tasks run."""


class NotInstalled(Exception):  # noqa: N818 — names the finding
    """The local AWS's packages are missing; the message names them and the command to install."""


_PACKAGES_OF_THE_EXTRA = ("pulumi", "pulumi_aws", "pulumi_awsx", "yaml", "cryptography")
"""What the local AWS imports of its extra; whether Envoy is there it asks itself when it starts
one.
"""


_USER_ERRORS = (
    *(BadLock, BadState, DaemonFailed, NoProject, OSError),
    *(
        CannotExplain,
        NoEstimate,
        NotInstalled,
        pulumi_command.BadConfig,
        pulumi_command.NoCli,
        pulumi_command.NoSuchUser,
        run_command.CannotRun,
    ),
)
"""What a user can put right; the message says how."""


def entry_point() -> NoReturn:
    """Run the console script."""
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except _USER_ERRORS as error:
        print(f"pulumi-local: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def main(arguments: Sequence[str]) -> int:
    """Run one of our own commands, or become Pulumi."""
    command = _command(arguments)
    if command in (None, *_OWN):
        return _own(arguments)
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
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("-C", "--cwd", metavar="FOLDER", help="run as if started in this folder")
    parser = argparse.ArgumentParser(
        prog="pulumi-local",
        parents=[where],
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    cost = _add_command(
        commands,
        "cost",
        where,
        "estimate what a stack costs a month on AWS, by list prices",
        epilog=_COST_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cost.add_argument(
        "-s",
        "--stack",
        default=os.environ.get("PULUMI_STACK", pulumi_command.DEFAULT_STACK),
        help="by default %(default)s",
    )
    cost.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    _add_route(commands, where)
    logs = _add_command(commands, "logs", where, "print the output of containers, and follow it")
    logs.add_argument(
        "group",
        nargs="?",
        default="",
        metavar="GROUP",
        help="only log groups whose name contains this",
    )
    logs.add_argument("--no-follow", action="store_true", help="end after what is there")
    status = _add_command(
        commands, "status", where, "show services with their tasks and targets, and what else runs"
    )
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument(
        "--public-tasks",
        action="store_true",
        help="print where this machine shows tasks' public addresses, one per line, for "
        "`verify --closed`",
    )
    execute = _add_command(
        commands,
        "exec",
        where,
        "run a command in a task's container, as ECS Exec does",
        usage="%(prog)s [-h] [-C FOLDER] [--container CONTAINER] [SERVICE|TASK] "
        "-- COMMAND [ARGUMENT]...",
    )
    execute.add_argument(
        "target",
        nargs="?",
        default="",
        metavar="SERVICE|TASK",
        help="a service, or the beginning of a task's id; by default the only service",
    )
    execute.add_argument("--container", default="", help="by default the first essential one")
    internet = _add_command(
        commands,
        "internet",
        where,
        "run a command as a host on the internet, where all addresses and ports are real",
        usage="%(prog)s [-h] [-C FOLDER] [--from vpc|VPC|SUBNET] COMMAND [ARGUMENT]...",
    )
    internet.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="vpc|VPC|SUBNET",
        help="run it in a VPC's subnet instead, to reach internal addresses; vpc for the first "
        "subnet of the only VPC",
    )
    interrupt = _add_command(
        commands,
        "interrupt",
        where,
        "take back the capacity of a task on FARGATE_SPOT, as AWS may at any time",
    )
    interrupt.add_argument("target", metavar="TASK", help="the beginning of its id")
    failing = _add_command(
        commands, "fail", where, "end an EC2 instance at once, as a failure of its host does"
    )
    failing.add_argument("target", metavar="INSTANCE", help="the beginning of its id")
    alarm = _add_command(
        commands,
        "alarm",
        where,
        "set an alarm's state until its next evaluation, as SetAlarmState does",
    )
    alarm.add_argument("target", metavar="NAME", help="its name, as `status` lists it")
    alarm.add_argument(
        "--state",
        default="ALARM",
        choices=("ALARM", "INSUFFICIENT_DATA", "OK"),
        help="by default %(default)s",
    )
    _add_command(
        commands, "stop", where, "stop everything that runs; the next command starts it again"
    )
    own, program = _split(arguments)
    chosen = parser.parse_args(own)
    directory = StateDirectory.of(pulumi_command.given(own).cwd)
    match chosen.command:
        case "cost":
            project = pulumi_command.project_name(directory)
            return show_cost(directory, project, chosen.stack, chosen.format)
        case "route":
            return _explain(directory, chosen)
        case "exec" | "internet":
            if not program:
                parser.error(f"{chosen.command}: name a command, as in -- sh")
            return _run(directory, chosen, program)
        case "interrupt" | "fail":
            from localaws.cli.disturbances import disturb  # noqa: PLC0415 — as below

            return disturb(directory, chosen.command, chosen.target)
        case "alarm":
            from localaws.cli.disturbances import disturb  # noqa: PLC0415 — as below

            return disturb(directory, chosen.command, chosen.target, state=chosen.state)
        case "logs":
            _show_logs(directory, chosen)
        case "status":
            from localaws.cli.status import show  # noqa: PLC0415 — brings gRPC, half a second

            show(directory, as_json=chosen.json, public_tasks=chosen.public_tasks)
        case "stop":
            print("the local AWS has stopped" if stop(directory) else "no local AWS was running")
    return 0


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    where: argparse.ArgumentParser,
    purpose: str,
    **options: Any,
) -> argparse.ArgumentParser:
    """Add a command; *purpose* is its line in the list of commands, and begins its own help."""
    description = f"{purpose[0].upper()}{purpose[1:]}."
    return commands.add_parser(
        name, parents=[where], help=purpose, description=description, **options
    )


def _show_logs(directory: StateDirectory, chosen: argparse.Namespace) -> None:
    if not any(streams(directory.logs, chosen.group)):
        _print_message(
            f"no log streams{f' in groups like {chosen.group!r}' if chosen.group else ''} yet"
        )
    if not chosen.no_follow and Address.read(directory) is None:
        _print_message(
            "the local AWS is not running, so nothing new comes until `pulumi-local up` "
            "starts it; Ctrl-C ends this command"
        )
    follow(directory.logs, chosen.group, forever=not chosen.no_follow)


def _add_route(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser
) -> None:
    purpose = "explain which service answers a request, and why"
    route = commands.add_parser("route", help=purpose, description=f"{purpose.capitalize()}.")
    explain = route.add_subparsers(dest="what", required=True, metavar="explain").add_parser(
        "explain",
        parents=[where],
        description="Explain which rule of the load balancer answers a request, and why each "
        "earlier one\ndoesn't. This runs the stack's program with its configuration, without an "
        "account and\nwithout the local AWS.",
        epilog=_ROUTE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    explain.add_argument("url", metavar="URL", help="absolute, with http or https")
    explain.add_argument("-X", "--method", default="GET", help="by default %(default)s")
    explain.add_argument(
        "-H", "--header", action="append", default=[], metavar="'NAME: VALUE'", help="repeatable"
    )
    explain.add_argument(
        "--source-ip",
        default="203.0.113.1",
        metavar="IP",
        help="the client's IPv4 address, by default %(default)s, which no client has",
    )
    explain.add_argument(
        "-s",
        "--stack",
        default=os.environ.get("PULUMI_STACK", pulumi_command.DEFAULT_STACK),
        help="by default %(default)s",
    )
    explain.add_argument(
        "--deployed",
        action="store_true",
        help="the rules that are deployed on this machine, instead of the configured ones",
    )
    explain.add_argument("--json", action="store_true", help="one JSON document")


def _explain(directory: StateDirectory, chosen: argparse.Namespace) -> int:
    from localaws.cli import route  # noqa: PLC0415 — brings the catalog, which is slow

    request = ExplainedRequest.of(
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
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            return argument
        if argument in _GLOBAL_OPTIONS_WITH_VALUE:
            next(rest, None)
    return None


def _print_message(message: str) -> None:
    print(message, file=sys.stderr)
