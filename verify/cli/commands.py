"""The two commands: the groups of their options, and their help."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from verify import VERSION
from verify.exit_codes import MEANINGS
from verify.options.declaration import Option, Values, declared
from verify.options.groups import (
    CoverageOptions,
    ExpectationOptions,
    IdentityOptions,
    OutputOptions,
    SecurityOptions,
    TargetOptions,
    WaitingOptions,
    WatchOptions,
)

_EXAMPLES = """examples:
  pulumi stack output albDns | verify
  pulumi stack output albDns | verify --expect-tasks 2
  pulumi stack output --json | verify --output-name serviceUrl --format json
  verify https://web.example.com/health --status 204 --deadline 2m
  verify https://web.example.com/api --json '{"dry_run": true}' --expect-json /accepted=true
  verify https://web.example.com --cert client.pem --key client.key --proxy @proxy.txt
  pulumi stack output albDns | verify --plan checks.toml --format junit=verify.xml
  verify web.example.com --expect-tasks 3 --identity header:X-Served-By
  verify watch web.example.com --until-exit -- pulumi up --yes

`verify watch --help` lists what watching takes.
"""
_WATCH_EXAMPLES = """examples:
  pulumi stack output albDns | verify watch --until-exit -- pulumi up --yes
  verify watch web.example.com --for 5m --min-availability 99.9 --max-outage 1s
"""


class OptionGroup(NamedTuple):
    """A group of options as `--help` shows it."""

    title: str
    options: type[Values]
    description: str = ""


class Command(NamedTuple):
    """The help of a command, and the groups of its options."""

    prog: str
    operands: str
    description: str
    examples: str
    groups: tuple[OptionGroup, ...]


_DURATIONS = "A TIME is 500ms, 10s, 5m or 1h; a bare number means seconds."
_TARGET = OptionGroup("target", TargetOptions)
_EXPECTATIONS = OptionGroup(
    "expectations", ExpectationOptions, "each must hold for every answer that is measured"
)
_IDENTITY = OptionGroup("identity", IdentityOptions)
_OUTPUT = OptionGroup(
    "output", OutputOptions, "the report goes to stdout, everything else to stderr"
)

CHECK = Command(
    "verify",
    "[TARGET]",
    "Wait until a service answers stably through its load balancer, then check what it answers.",
    _EXAMPLES,
    (
        _TARGET,
        OptionGroup("waiting", WaitingOptions),
        _EXPECTATIONS,
        _IDENTITY,
        OptionGroup("coverage", CoverageOptions),
        OptionGroup("security", SecurityOptions),
        _OUTPUT,
    ),
)
WATCH = Command(
    "verify watch",
    "[TARGET] [-- COMMAND...]",
    (
        "Ask a service at a constant rate, while a command changes it or for a time, and say "
        "what failed."
    ),
    _WATCH_EXAMPLES,
    (
        _TARGET,
        OptionGroup("watching", WatchOptions),
        _EXPECTATIONS,
        _IDENTITY,
        _OUTPUT,
    ),
)


HELP_FLAGS = ("-h", "--help")
VERSION_FLAG = "--version"


def build_parser(command: Command) -> argparse.ArgumentParser:
    """Build the parser that writes a command's help.

    `verify/cli/words.py` reads the words by another one, which goes on after a mistake.
    """
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog=command.prog,
        usage=f"%(prog)s [OPTION]... {command.operands}",
        description=f"{command.description}\n{_DURATIONS}",
        epilog=f"{command.examples}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="name, address or URL; - or nothing reads stdin"
    )
    for group in command.groups:
        add = parser.add_argument_group(group.title, group.description or None).add_argument
        for option in declared(group.options):
            add(*option.flags, help=option.help, **_shown_value(option))
        if group is _OUTPUT:
            add(VERSION_FLAG, action="store_true", help="show the version, and end")
    return parser


def _shown_value(option: Option[Any]) -> dict[str, Any]:
    """Return the arguments of `add_argument` that show what value an option takes."""
    if option.constant is not None:
        return {"action": "store_true"}
    return {"metavar": option.metavar} if option.metavar else {"choices": option.choices}


def help_of(command: Command) -> str:
    """Return what `--help` prints."""
    return build_parser(command).format_help()


def usage_of(command: Command) -> str:
    """Return the usage in one line."""
    return build_parser(command).format_usage().strip()


def version_line() -> str:
    """Return what `--version` prints."""
    return f"verify {VERSION}\n"


def options_of(command: Command) -> list[Option[Any]]:
    """Return the options of a command, in the order of `--help`."""
    found: list[Option[Any]] = []
    for group in command.groups:
        found += declared(group.options)
    return found


def flags_of(command: Command) -> list[str]:
    """Return the long names of a command's options."""
    flags = [option.flags[-1] for option in options_of(command)]
    return [*flags, HELP_FLAGS[-1], VERSION_FLAG]
