"""Words that give options: of the command line, a file, the environment or a plan.

A mistake doesn't end the reading, so that one run reports them all.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from verify.cli.commands import (
    CHECK,
    HELP_FLAGS,
    VERSION_FLAG,
    WATCH,
    Command,
    flags_of,
    help_of,
    options_of,
    version_line,
)
from verify.errors import InputError
from verify.escaping import visible
from verify.streams import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from verify.options.declaration import Option

_CLOSE = 0.75
"""How alike two names must be, of 1, so that one may stand for the other."""


class Given:
    """The values that one source gives, and the mistakes in it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.values: dict[str, list[Any]] = {}
        """By attribute, in the order given."""

        self.operands: list[str] = []
        self.mistakes: list[InputError] = []
        self.broken: set[str] = set()
        """Attributes whose values can't be used."""

        self.missing: list[str] = []
        """Flags, as they were given, whose values are missing."""

    def add(self, option: Option[Any], value: object) -> None:
        """Take a value of an option."""
        self.values.setdefault(option.name, []).append(value)

    def refuse(self, problem: str, hint: str, option: Option[Any] | None = None) -> None:
        """Take a mistake, which may be the value of an option."""
        self.mistakes.append(InputError(problem, hint))
        if option is not None:
            self.broken.add(option.name)


class _Take(argparse.Action):
    """Takes an option, and keeps a value that can't be used as a mistake."""

    option: Option[Any]

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        flag: str | None = None,
    ) -> None:
        """Take the value that argparse has found for the option."""
        del parser
        given: Given = namespace.given
        if self.option.constant is not None:
            given.add(self.option, self.option.constant)
        elif values is None:
            hint = f"give {flag}=VALUE, with an equals sign if the value starts with a dash"
            given.refuse(f"argument {flag}: a value is missing", hint, self.option)
            given.missing.append(str(flag))
        else:
            try:
                given.add(self.option, self.option.parse(str(values)))
            except ValueError as error:
                problem = visible(f"argument {flag}: {error}", 300)
                given.refuse(problem, _usage(str(flag), self.option), self.option)


class _Show(argparse.Action):
    """Prints what an option asks for, and ends."""

    text: Callable[[], str]

    def __call__(self, *_: object) -> None:
        """Print, whatever else was given."""
        write(sys.stdout, self.text())
        raise SystemExit(0)


@cache
def _parser(command: Command) -> argparse.ArgumentParser:
    """Return what divides words into options, their values and operands.

    It takes an option without its value, as it would otherwise end at that mistake.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("operands", nargs="*")
    for option in options_of(command):
        nargs = "?" if option.constant is None else 0
        take = parser.add_argument(*option.flags, action=_Take, nargs=nargs)
        assert isinstance(take, _Take)
        take.option = option
    for flags, text in ((HELP_FLAGS, partial(help_of, command)), ((VERSION_FLAG,), version_line)):
        show = parser.add_argument(*flags, action=_Show, nargs=0)
        assert isinstance(show, _Show)
        show.text = text
    return parser


def read_words(words: Sequence[str], command: Command) -> Given:
    """Read options, and operands among them.

    Raises:
        SystemExit: `--help` or `--version` was given, and has been printed.
    """
    given = Given()
    namespace = argparse.Namespace(given=given)
    try:
        _, others = _parser(command).parse_known_args(words, namespace)
    except argparse.ArgumentError as error:  # the only mistake after which nothing is read
        hint = f"what follows it wasn't read; {_help_hint(command)}"
        given.refuse(f"argument {error.argument_name}: it takes no value", hint)
        given.broken |= {"target", *(option.name for option in options_of(command))}
        return given
    operands = [*namespace.operands, *others]
    end = words.index("--") if "--" in words else len(words)
    unknown = [word for word in operands if _looks_like_a_flag(word) and word in words[:end]]
    given.operands = [word for word in operands if word not in unknown]
    _refuse_unknown(unknown, words, command, given)
    return given


def _refuse_unknown(
    unknown: Sequence[str], words: Sequence[str], command: Command, given: Given
) -> None:
    """Refuse options that don't exist, and drop the operands that may be their values."""
    refused = []
    for word in unknown:
        before = words[words.index(word) - 1]
        if before in given.missing and not word.startswith("--"):
            continue  # it was meant as that option's value
        # What follows a space may be half of a secret.
        refused.append(word.partition("=")[0].split()[0])
        if "=" not in word:
            position = words.index(word)
            given.operands = [each for each in given.operands if words.index(each) < position]
            if not given.operands:
                given.broken.add("target")
    for flag in dict.fromkeys(refused):  # each once
        hint = _suggestion(flag, command) or _help_hint(command)
        given.refuse(f"unknown option: {visible(flag, 60)}", hint)


def _looks_like_a_flag(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _help_hint(command: Command) -> str:
    return f"`{command.prog} --help` lists the options"


def _usage(flag: str, option: Option[Any]) -> str:
    return f"{flag} {option.metavar or ','.join(option.choices)}".rstrip() + f": {option.help}"


def _suggestion(unknown: str, command: Command) -> str:
    """Return a hint that names the option of this or the other command that was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes only

    close = get_close_matches(unknown, flags_of(command), n=1, cutoff=_CLOSE)
    if close:
        return f"did you mean {close[0]}? {_help_hint(command)}"
    other = CHECK if command is WATCH else WATCH
    if unknown in flags_of(other):
        return f"{unknown} is an option of `{other.prog}`"
    return ""
