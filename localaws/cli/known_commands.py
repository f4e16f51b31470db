"""Which commands the Pulumi CLI has, and their help, neither of which needs a local AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from localaws.cli.arguments import OWN
from localaws.cli.pulumi_command import ask, executable
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

OF_PULUMI = frozenset(
    {
        *("about", "api", "cancel", "completion", "config", "console", "convert", "deployment"),
        *("destroy", "dn", "do", "down", "env", "gen-completion", "help", "import", "insights"),
        *("install", "login", "logout", "logs", "neo", "new", "org", "package", "plugin"),
        *("policy", "pre", "preview", "project", "refresh", "schema", "stack", "state"),
        *("template", "up", "update", "version", "watch", "whoami"),
    }
)
"""The commands of v3.255 and their other names; the CLI is asked about every other word."""

_HELP_OF_ALL = "\n  pulumi [command]\n"
"""The usage in the CLI's general help, which it also shows for a command that it doesn't have."""


class UnknownCommand(UserError):  # noqa: N818 — names the finding
    """Neither the CLI nor the local AWS has the command; the message names similar ones."""


def check(command: str) -> None:
    """Refuse a command that the CLI doesn't have.

    Raises:
        UnknownCommand: It doesn't have it.
        NoCli: There is no Pulumi CLI.
    """
    if command in OF_PULUMI:
        return
    shown = ask("help", command, environment=_environment())
    if _HELP_OF_ALL not in shown.stdout:
        return
    import difflib  # noqa: PLC0415 — for mistakes only

    similar = difflib.get_close_matches(command, sorted({*OF_PULUMI, *OWN}))
    hint = f"; similar: {', '.join(similar)}" if similar else ""
    raise UnknownCommand(
        f"{command}: there is no such command{hint}. `pulumi-local --help` lists the commands of "
        "the local AWS, `pulumi-local help` those of Pulumi"
    )


def asks_for_help(command: str, arguments: Sequence[str]) -> bool:
    """Whether all that the arguments do is to show help of the CLI.

    An option before the last word could take it as its value.
    """
    if command == "help":
        return True
    *others, last = arguments
    return last in ("-h", "--help") and "--" not in others and not others[-1].startswith("-")


def show_help(arguments: Sequence[str]) -> NoReturn:
    """Become `pulumi ARGUMENTS`.

    Raises:
        NoCli: There is no Pulumi CLI.
    """
    os.execve(executable(), ["pulumi", *arguments], _environment())  # noqa: S606 — it replaces this


def _environment() -> dict[str, str]:
    return {"PULUMI_SKIP_UPDATE_CHECK": "true", **os.environ}
