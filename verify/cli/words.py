"""Words that give options: of the command line, a file, the environment or a plan.

A mistake doesn't end the reading, so that one run reports them all.
"""

from __future__ import annotations

import sys
from collections import deque
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
    from collections.abc import Mapping, Sequence

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

    def add(self, option: Option[Any], value: object) -> None:
        """Take a value of an option."""
        self.values.setdefault(option.name, []).append(value)

    def refuse(self, problem: str, hint: str, option: Option[Any] | None = None) -> None:
        """Take a mistake, which may be the value of an option."""
        self.mistakes.append(InputError(problem, hint))
        if option is not None:
            self.broken.add(option.name)


def read_words(words: Sequence[str], command: Command) -> Given:
    """Read options, and operands among them.

    Raises:
        SystemExit: `--help` or `--version` was given, and has been printed.
    """
    given = Given()
    options = {flag: option for option in options_of(command) for flag in option.flags}
    unknown: list[str] = []
    doubtful = False  # whether an operand may be the value of an unknown option
    rest = deque(words)
    while rest:
        word = rest.popleft()
        if word == "--":
            given.operands += rest
            break
        if not _looks_like_a_flag(word):
            if not doubtful:
                given.operands.append(word)
            continue
        _show_help(word, command)
        flag, equals, _ = word.partition("=")
        if flag in options:
            _read_option(word, options, rest, given)
            continue
        unknown.append(flag.split()[0])  # what follows a space may be half of a secret
        if not equals:
            doubtful = True
            if not given.operands:
                given.broken.add("target")
    for flag in dict.fromkeys(unknown):  # each once
        hint = _suggestion(flag, command) or _help_hint(command)
        given.refuse(f"unknown option: {visible(flag, 60)}", hint)
    return given


def _looks_like_a_flag(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _help_hint(command: Command) -> str:
    return f"`{command.prog} --help` lists the options"


def _read_option(
    word: str, options: Mapping[str, Option[Any]], rest: deque[str], given: Given
) -> None:
    """Read an option, and take its value from the rest where it isn't in the same word."""
    flag, equals, text = word.partition("=")
    option = options[flag]
    usage = f"{flag} {option.metavar or ','.join(option.choices)}".rstrip() + f": {option.help}"
    if option.constant is not None:
        if equals:
            given.refuse(f"argument {flag}: it takes no value", usage, option)
        else:
            given.add(option, option.constant)
        return
    if not equals:
        following = rest[0] if rest else "--"
        known = following.partition("=")[0] in options
        if known or (_looks_like_a_flag(following) and " " not in following):
            if not known and not following.startswith("--"):
                rest.popleft()  # it was meant as the value
            hint = f"give {flag}=VALUE, with an equals sign if the value starts with a dash"
            given.refuse(f"argument {flag}: a value is missing", hint, option)
            return
        text = rest.popleft()
    try:
        given.add(option, option.parse(text))
    except ValueError as error:
        given.refuse(visible(f"argument {flag}: {error}", 300), usage, option)


def _show_help(word: str, command: Command) -> None:
    if word in HELP_FLAGS:
        write(sys.stdout, help_of(command))
        raise SystemExit(0)
    if word == VERSION_FLAG:
        write(sys.stdout, version_line())
        raise SystemExit(0)


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
