"""The arguments of `pulumi-local`'s own commands, with examples in each command's help."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from localaws.cli.pulumi_command import DEFAULT_STACK

if TYPE_CHECKING:
    # What `add_subparsers` returns has no public name.
    _Commands: TypeAlias = argparse._SubParsersAction["_Parser"]  # noqa: SLF001

OWN: Final = (
    *("alarm", "cost", "exec", "fail", "internet", "interrupt", "logs", "route", "status", "stop"),
)
"""Commands that Pulumi doesn't have."""

OF_ONE_STACK: Final = {
    "exec": "name the stack's service, as `status` lists it",
    "logs": "`pulumi-local logs NAME` chooses the log groups whose names contain the stack's",
    "status": "`pulumi-local stack --stack NAME` lists the resources of one stack",
    "stop": "`pulumi-local destroy --stack NAME` deletes what one stack has",
}
"""How to choose a stack with those of these commands that take no --stack."""

_DESCRIPTION = """\
`pulumi-local`: Pulumi with a local AWS on this machine.

It runs any Pulumi command, with the stack `local` unless --stack or PULUMI_STACK names another one.
It also has these commands:
"""

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

`pulumi-local COMMAND --help` has examples and exit codes of each of these commands.
"""

_ALARM = """\
examples:
  pulumi-local status                                  lists the alarms with their names
  pulumi-local alarm local-web-errors                  it goes off
  pulumi-local alarm local-web-errors --state OK

exit codes:
  0  the alarm has the state
  1  there is no such alarm, or the local AWS isn't running
  2  wrong arguments
"""

_COST = """\
examples:
  pulumi-local cost --stack prod
  pulumi-local cost --stack prod --format markdown     for a comment on a pull request
  pulumi-local cost --stack prod --format json         for programs

exit codes:
  0  the cost is estimated, and within the stack's limit if it has one
  1  there is no estimate
  2  wrong arguments
  3  the cost is estimated, and `up` refuses the stack because of its limit
"""

_EXEC = """\
examples:
  pulumi-local exec -- sh                              in the only service
  pulumi-local exec local-api -- env
  pulumi-local exec 82808971 --container router -- ls /

exit codes:
  that of the command, or 1 if it can't be run, and 2 for wrong arguments
"""

_FAIL = """\
examples:
  pulumi-local status                                  lists the instances
  pulumi-local fail i-0a1b2c

exit codes:
  0  the instance has ended
  1  there is no such instance, or the local AWS isn't running
  2  wrong arguments
"""

_INTERNET = """\
examples:
  pulumi-local internet curl http://203.0.113.1
  pulumi-local internet --from vpc curl http://10.0.1.7:8080/

exit codes:
  that of the command, or 1 if it can't be run, and 2 for wrong arguments
"""

_INTERRUPT = """\
examples:
  pulumi-local status                                  lists the tasks
  pulumi-local interrupt 82808971

exit codes:
  0  the task gets its warning, and is stopped two minutes later
  1  there is no such task on FARGATE_SPOT, or the local AWS isn't running
  2  wrong arguments
"""

_LOGS = """\
examples:
  pulumi-local logs                                    all containers, as they print
  pulumi-local logs --no-follow | grep ERROR
  pulumi-local logs local-api                          log groups with that in their names
  pulumi-local logs --container router                 one container of each task

A line follows the task's id, or the container's name and the task's id if several containers have
log streams.

exit codes:
  0  the lines were printed, or there are no log streams at all yet
  1  with --no-follow: there are log streams, but none that is chosen
  2  wrong arguments
"""

_ROUTE = """\
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

_STATUS = """\
examples:
  pulumi-local status
  pulumi-local status --json | jq '.services[].tasks[].endpoint'
  pulumi-local status --public-tasks | sed 's/^/--closed /'

exit codes:
  0  the local AWS is running
  1  it doesn't answer
  2  wrong arguments
  3  it isn't running
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; `{self.prog} --help` describes the arguments")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the own commands.

    What it parses has the `parser` of the chosen command, for further errors.
    """
    where = _Parser(add_help=False)
    where.add_argument("-C", "--cwd", metavar="FOLDER", help="run as if started in this folder")
    found = _Parser(
        prog="pulumi-local",
        parents=[where],
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_cost(commands, where)
    _add_route(commands, where)
    _add_logs(commands, where)
    _add_status(commands, where)
    _add_exec(commands, where)
    _add_internet(commands, where)
    _add_disturbances(commands, where)
    _add(commands, "stop", where, "stop everything that runs; the next command starts it again")
    return found


def _add(
    commands: _Commands,
    name: str,
    where: _Parser,
    purpose: str,
    **options: Any,
) -> argparse.ArgumentParser:
    """Add a command; *purpose* is its line in the list of commands, and begins its own help."""
    added = commands.add_parser(
        name,
        parents=[where],
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )
    added.set_defaults(parser=added)
    return added


def _add_stack(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-s",
        "--stack",
        default=os.environ.get("PULUMI_STACK", DEFAULT_STACK),
        help="by default %(default)s",
    )


def _add_cost(commands: _Commands, where: _Parser) -> None:
    cost = _add(
        commands,
        "cost",
        where,
        "estimate what a stack costs a month on AWS, by list prices",
        epilog=_COST,
    )
    _add_stack(cost)
    cost.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def _add_route(commands: _Commands, where: _Parser) -> None:
    purpose = "explain which service answers a request, and why"
    route = commands.add_parser("route", help=purpose, description=f"{purpose.capitalize()}.")
    explain = _add(
        route.add_subparsers(dest="what", required=True, metavar="explain"),
        "explain",
        where,
        "explain which rule of the load balancer answers a request, and why each earlier one\n"
        "doesn't. This runs the stack's program with its configuration, without an account and\n"
        "without the local AWS",
        epilog=_ROUTE,
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
    _add_stack(explain)
    explain.add_argument(
        "--deployed",
        action="store_true",
        help="the rules that are deployed on this machine, instead of the configured ones",
    )
    explain.add_argument("--json", action="store_true", help="one JSON document")


def _add_logs(commands: _Commands, where: _Parser) -> None:
    logs = _add(
        commands, "logs", where, "print the output of containers, and follow it", epilog=_LOGS
    )
    logs.add_argument(
        "group",
        nargs="?",
        default="",
        metavar="GROUP",
        help="only log groups whose name contains this",
    )
    logs.add_argument(
        "--container", default="", metavar="NAME", help="only containers of this name"
    )
    logs.add_argument("--no-follow", action="store_true", help="end after what is there")


def _add_status(commands: _Commands, where: _Parser) -> None:
    status = _add(
        commands,
        "status",
        where,
        "show services with their tasks and targets, and what else runs",
        epilog=_STATUS,
    )
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument(
        "--public-tasks",
        action="store_true",
        help="print where this machine shows tasks' public addresses, one per line, for "
        "`verify --closed`",
    )


def _add_exec(commands: _Commands, where: _Parser) -> None:
    execute = _add(
        commands,
        "exec",
        where,
        "run a command in a task's container, as ECS Exec does",
        usage="%(prog)s [-h] [-C FOLDER] [--container CONTAINER] [SERVICE|TASK] "
        "-- COMMAND [ARGUMENT]...",
        epilog=_EXEC,
    )
    execute.add_argument(
        "target",
        nargs="?",
        default="",
        metavar="SERVICE|TASK",
        help="a service, or the beginning of a task's id; by default the only service",
    )
    execute.add_argument("--container", default="", help="by default the first essential one")


def _add_internet(commands: _Commands, where: _Parser) -> None:
    internet = _add(
        commands,
        "internet",
        where,
        "run a command as a host on the internet, where all addresses and ports are real",
        usage="%(prog)s [-h] [-C FOLDER] [--from vpc|VPC|SUBNET] COMMAND [ARGUMENT]...",
        epilog=_INTERNET,
    )
    internet.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="vpc|VPC|SUBNET",
        help="run it in a VPC's subnet instead, to reach internal addresses; vpc for the first "
        "subnet of the only VPC",
    )


def _add_disturbances(commands: _Commands, where: _Parser) -> None:
    interrupt = _add(
        commands,
        "interrupt",
        where,
        "take back the capacity of a task on FARGATE_SPOT, as AWS may at any time",
        epilog=_INTERRUPT,
    )
    interrupt.add_argument("target", metavar="TASK", help="the beginning of its id")
    failing = _add(
        commands,
        "fail",
        where,
        "end an EC2 instance at once, as a failure of its host does",
        epilog=_FAIL,
    )
    failing.add_argument("target", metavar="INSTANCE", help="the beginning of its id")
    alarm = _add(
        commands,
        "alarm",
        where,
        "set an alarm's state until its next evaluation, as SetAlarmState does",
        epilog=_ALARM,
    )
    alarm.add_argument("target", metavar="NAME", help="its name, as `status` lists it")
    alarm.add_argument(
        "--state",
        default="ALARM",
        choices=("ALARM", "INSUFFICIENT_DATA", "OK"),
        help="by default %(default)s",
    )
