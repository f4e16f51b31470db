"""The command line: from words to the options of a run, read once and checked."""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from verify import VERSION
from verify.errors import InputError
from verify.escaping import visible
from verify.exit_codes import MEANINGS
from verify.options.declaration import Option, Values, declared
from verify.options.groups import (
    CoverageOptions,
    ExpectationOptions,
    IdentityOptions,
    Options,
    OutputOptions,
    SecurityOptions,
    TargetOptions,
    WaitingOptions,
    Watch,
    WatchOptions,
)

if TYPE_CHECKING:
    from verify.cli.plan import PlannedCheck

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
_CLOSE = 0.75
"""How alike two names must be, of 1, so that one may stand for the other."""

_MAX_CONFIG = 64 * 1024
"""Characters; more is no list of options."""


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        An unexpected argument may be half of a secret: only options are named.
        """
        hint = f"`{self.prog} --help` lists the options"
        extra = re.match(r"unrecognized arguments: (.*)", message, re.DOTALL)
        if extra:
            names = [word.partition("=")[0] for word in extra[1].split() if word.startswith("-")]
            options = list(dict.fromkeys(names))  # each once
            message = "more than one target"
            if options:
                message = f"unknown option: {' '.join(options)}"
            hint = _suggestion(options, self) or hint
        starts = re.match(r"argument (--\S+): expected one argument", message)
        message = re.sub(r"(?s)ignored explicit argument .*", "it takes no value", message)
        if starts:
            hint = f"give {starts[1]}=VALUE, with an equals sign if the value starts with a dash"
        raise InputError(visible(message, 300), hint)


def _suggestion(unknown: Sequence[str], parser: argparse.ArgumentParser) -> str:
    """Return a hint that names the option of this or the other command that was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes only

    own = _option_names(parser)
    other = next(command for command in (CHECK, WATCH) if command.prog != parser.prog)
    for word in unknown:
        close = get_close_matches(word, own, n=1, cutoff=_CLOSE)
        if close:
            return f"did you mean {close[0]}? `{parser.prog} --help` lists the options"
        if word in _option_names(build_parser(other)):
            return f"{word} is an option of `{other.prog}`"
    return ""


def _option_names(parser: argparse.ArgumentParser) -> list[str]:
    found: list[str] = []
    for action in parser._actions:  # noqa: SLF001
        found += [name for name in action.option_strings if name.startswith("--")]
    return found


def parse_planned(check: "PlannedCheck", arguments: Sequence[str]) -> Options:
    """Read the command line once more for a check of its plan.

    The check's options count more than the command line's, and the plan's defaults less.

    Raises:
        InputError: Its options contradict each other or the command line's.
    """
    try:
        return parse_options([*arguments, *check.words], defaults=check.default_words)
    except InputError as error:
        raise InputError(f"{check.location}: {error.problem}", error.hint) from None


def parse_options(arguments: Sequence[str], *, defaults: Sequence[str] = ()) -> Options:
    """Read the command line, which takes precedence over the defaults.

    Raises:
        InputError: An option is unknown, or its value can't be used.
        SystemExit: `--help` or `--version` was given, and has been printed.
    """
    if arguments[:1] == ["watch"]:
        return _parse_watch(arguments[1:])
    options = Options(**_values_of(_parsed(build_parser(CHECK), arguments, defaults)), watch=None)
    _refuse_shared_outputs(options)
    _refuse_contradictory_requests(options)
    if options.plan is not None and options.all:
        raise InputError(
            "--all and --plan contradict each other", "a plan has checks of one target"
        )
    needs_time = [one for one in options_of(CHECK) if one.needs_time]
    if options.deadline == 0 and first_given(needs_time, options):
        raise InputError(
            "--deadline 0 is a single attempt",
            "give the run time, or drop the options that need more",
        )
    return options


def _parsed(
    parser: argparse.ArgumentParser, arguments: Sequence[str], defaults: Sequence[str] = ()
) -> argparse.Namespace:
    """Parse the file of `--config`, the environment and the command line, in this order.

    Of an option given twice the later counts.
    """
    words = [*_split("VERIFY_OPTIONS", os.environ.get("VERIFY_OPTIONS", "")), *arguments]
    given = parser.parse_args([*defaults, *words])
    target = given.target or "-"
    if target != "-" and target.startswith("-"):  # argparse's view of an option with a space
        parser.error(f"unrecognized arguments: {given.target}")
    if given.config is None:
        return given
    try:
        # Pathlib costs every run 10 ms
        with open(given.config, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read(_MAX_CONFIG)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"can't read options from the file {visible(given.config)}: {visible(str(reason))}",
            "give a file of text",
        ) from None
    return parser.parse_args([*defaults, *_split("the file of --config", text), *words])


def _split(where: str, text: str) -> list[str]:
    if not text.strip():
        return []
    import shlex  # noqa: PLC0415 — for few

    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        raise InputError(
            f"{where} holds no options: {visible(str(error))}", "they are quoted as in a shell"
        ) from None
    if words[:1] and not words[0].startswith("-"):
        raise InputError(
            f"{where} holds no options", "write options there, and give the target as always"
        )
    return words


def _parse_watch(arguments: Sequence[str]) -> Options:
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    command = words[end + 1 :]
    given = _values_of(_parsed(build_parser(WATCH), words[:end]))
    if given["until_exit"] and not command:
        raise InputError(
            "--until-exit needs a command", "write it last: verify watch --until-exit -- COMMAND"
        )
    ends = (given["lasting"] is not None, given["until_file"] is not None, bool(command))
    if ends.count(True) > 1:
        raise InputError(
            "--for, --until-file and a command contradict each other", "give one end to the watch"
        )
    watching = {name: given.pop(name) for name in WatchOptions.names()}
    bounds = {watching["max_errors"], watching["min_availability"], watching["max_outage"]}
    if bounds == {None}:
        watching["max_errors"] = 0
    unused = _values_of(build_parser(CHECK).parse_args([]))  # what watching has no option for
    watch = Watch(**watching, command=tuple(command))
    options = Options(**{**unused, **given, "watch": watch})
    _refuse_shared_outputs(options)
    _refuse_contradictory_requests(options)
    return options


def _refuse_shared_outputs(options: Options) -> None:
    paths = [output.path and os.path.realpath(output.path) for output in options.format]
    if len(set(paths)) < len(paths):
        raise InputError(
            "two formats for one output", "give each its own file: --format json=report.json"
        )


def _refuse_contradictory_requests(options: Options) -> None:
    if options.data is not None and options.json is not None:
        raise InputError("--data and --json contradict each other", "a request has one body")
    if options.key and not options.cert:
        raise InputError("--key needs --cert", "give the certificate that the key belongs to")
    if options.cert:
        from verify.options.client_certificate import load  # noqa: PLC0415 — costs 20 ms, and is for few

        load(options.cert, options.key)
    direct = first_given([one for one in options_of(CHECK) if one.needs_direct], options)
    if options.proxy and direct:
        reason = "only the proxy connects to the service"
        if direct == "--closed":
            reason = "it connects without the proxy"
        raise InputError(f"{direct} contradicts --proxy: {reason}", "leave one of them out")


def _values_of(given: argparse.Namespace) -> dict[str, Any]:
    values = dict(vars(given))
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return values


@cache
def build_parser(command: Command) -> argparse.ArgumentParser:
    """Build the parser of a command, which also writes its `--help`.

    Once: the options of each check of a plan are parsed, too.
    """
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = _Parser(
        prog=command.prog,
        usage=f"%(prog)s [OPTION]... {command.operands}",
        description=f"{command.description}\n{_DURATIONS}",
        epilog=f"{command.examples}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="name, address or URL; - or nothing reads stdin"
    )
    for group in command.groups:
        add = parser.add_argument_group(group.title, group.description or None).add_argument
        for option in declared(group.options):
            add(*option.flags, help=option.help, **_argparse_keywords(option))
        if group is _OUTPUT:
            add(
                "--version",
                action="version",
                version=f"verify {VERSION}",
                help="show the version, and end",
            )
    return parser


def options_of(command: Command) -> list[Option[Any]]:
    """Return the options of a command, in the order of `--help`."""
    found: list[Option[Any]] = []
    for group in command.groups:
        found += declared(group.options)
    return found


def first_given(candidates: Sequence[Option[Any]], options: Options) -> str:
    """Return the name of the first of some options that was given; empty where none was."""
    for option in candidates:
        if getattr(options, option.name):
            return option.flags[-1]
    return ""


def _argparse_keywords(option: Option[Any]) -> dict[str, Any]:
    """Return the arguments of `add_argument` for an option."""
    if option.constant is not None:
        # Flags that set the same attribute need the same default.
        default = None if option.sets else False
        return {
            "action": "store_const",
            "dest": option.name,
            "const": option.constant,
            "default": default,
        }
    words: dict[str, Any] = {
        "dest": option.name,
        "type": _reader(option.read),
        "default": option.default,
    }
    if option.choices:
        words["choices"] = option.choices
    if option.metavar:
        words["metavar"] = option.metavar
    if option.repeatable:
        words |= {"action": "append", "default": []}
    return words


def _reader(read: Callable[[str], object]) -> Callable[[str], object]:
    """Have the message of a reader's `ValueError` follow the name of the option."""

    def checked(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
