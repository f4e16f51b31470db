"""The command line: every choice a run can make, read once, checked, frozen."""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from verify import option_groups, values
from verify.errors import InputError
from verify.escaping import visible
from verify.exit_codes import MEANINGS

_EXAMPLES = """examples:
  pulumi stack output albDns | verify
  pulumi stack output albDns | verify --expect-tasks 2
  pulumi stack output --json | verify --output-name serviceUrl --format json
  verify https://web.example.com/health --status 204 --deadline 2m
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


class Command(NamedTuple):
    """What `--help` of a command says, and the groups of its options."""

    prog: str
    operands: str
    description: str
    examples: str
    groups: tuple[Callable[[argparse.ArgumentParser], None], ...]


CHECK = Command(
    "verify",
    "[TARGET]",
    "Wait until a service answers stably through its load balancer, then check what it answers.",
    _EXAMPLES,
    (
        option_groups.target,
        option_groups.waiting,
        option_groups.expectations,
        option_groups.identity,
        option_groups.coverage,
        option_groups.security,
        option_groups.output,
    ),
)
WATCH = Command(
    "verify watch",
    "[TARGET] [-- COMMAND...]",
    "Ask a service at a constant rate, while a command changes it or for a time, and say what failed.",
    _WATCH_EXAMPLES,
    (
        option_groups.target,
        option_groups.watching,
        option_groups.expectations,
        option_groups.identity,
        option_groups.output,
    ),
)

_NEEDS_TIME = (
    "expect_tasks",
    "samples",
    "stable_for",
    "max_latency",
    "each_address",
    "closed",
    "min_tls",
    "redirect_from",
    "no_trace",
)
"""What a single attempt can't do."""


class Watch(NamedTuple):
    """How to watch; durations in seconds, `lasting` only without a command, `None` where nothing is asked."""

    command: tuple[str, ...]
    rate: float
    lasting: float | None
    until_file: str | None
    before: float
    after: float
    max_errors: int | None
    min_availability: float | None
    max_outage: float | None
    expect_change: bool


class Options(NamedTuple):
    """What was asked for; durations in seconds, sizes in bytes, names as on the command line."""

    target: str | None
    output_name: str | None
    scheme: str | None
    port: int | None
    path: str | None
    method: str
    header: tuple[values.Header, ...]
    host: str | None
    resolve: tuple[values.Pinned, ...]
    connect_to: values.Door | None
    resolver: values.Door | None
    family: int | None
    all: bool
    cacert: str | None
    timeout: float
    deadline: float
    interval: float
    stable: int
    stable_for: float
    retry_mismatch: bool
    status: values.StatusSet
    body_contains: tuple[str, ...]
    body_regex: tuple[re.Pattern[str], ...]
    body_equals: str | None
    expect_header: tuple[values.HeaderExpectation, ...]
    expect_json: tuple[values.JsonExpectation, ...]
    max_body: int
    min_days_left: int
    min_tls: str | None
    redirect_from: int | None
    security_headers: bool
    no_trace: bool
    expect_tasks: int | None
    identity: values.Identity
    miss_probability: float
    samples: int | None
    concurrency: int
    max_latency: tuple[values.LatencyBound, ...]
    each_address: bool
    min_addresses: int | None
    closed: tuple[values.Door, ...]
    allow_inconclusive: bool
    format: tuple[values.Output, ...]
    config: str | None
    mask_query: bool
    quiet: bool
    debug: bool
    watch: Watch | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """An argument that nobody asked for may be half of a secret: only options are named."""
        hint = f"`{self.prog} --help` lists the options"
        extra = re.match(r"unrecognized arguments: (.*)", message, re.DOTALL)
        if extra:
            options = [word.partition("=")[0] for word in extra[1].split() if word.startswith("-")]
            message = f"unknown option: {' '.join(options)}" if options else "more than one target"
            hint = _meant(options, self) or hint
        if starts := re.match(r"argument (--\S+): expected one argument", message):
            hint = f"give {starts[1]}=VALUE, with an equals sign if the value starts with a dash"
        raise InputError(visible(message, 300), hint)


def _meant(unknown: Sequence[str], parser: argparse.ArgumentParser) -> str:
    """Which option of this command, or of the other one, was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes only

    own = _option_names(parser)
    other = next(command for command in (CHECK, WATCH) if command.prog != parser.prog)
    for word in unknown:
        if close := get_close_matches(word, own, n=1, cutoff=_CLOSE):
            return f"did you mean {close[0]}? `{parser.prog} --help` lists the options"
        if word in _option_names(build_parser(other)):
            return f"{word} is an option of `{other.prog}`"
    return ""


def _option_names(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings if name.startswith("--")]  # noqa: SLF001 — argparse has no other list of them


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        InputError: An option is unknown, or its value can't be used.
        SystemExit: `--help` was asked for and printed.
    """
    if arguments[:1] == ["watch"]:
        return _parse_watch(arguments[1:])
    options = Options(**_settled(_parsed(build_parser(CHECK), arguments)))
    _refuse_shared_outputs(options)
    if options.deadline == 0 and any(getattr(options, name) for name in _NEEDS_TIME):
        raise InputError("--deadline 0 is a single attempt", "give the run time, or drop the options that need more")
    return options


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The command line after what the environment and a file say: of an option given twice, the later one counts."""
    words = [*_split("VERIFY_OPTIONS", os.environ.get("VERIFY_OPTIONS", "")), *arguments]
    given = parser.parse_args(words)
    if (given.target or "-") != "-" and given.target.startswith("-"):  # argparse's view of an option with a space
        parser.error(f"unrecognized arguments: {given.target}")
    if given.config is None:
        return given
    try:
        with open(given.config, encoding="utf-8") as file:  # noqa: PTH123 — pathlib costs every run 10 ms
            text = file.read(_MAX_CONFIG)
    except (OSError, ValueError) as error:
        raise InputError(f"can't read the options: {visible(str(error))}", "give a file of text") from None
    return parser.parse_args([*_split("the file of --config", text), *words])


def _split(where: str, text: str) -> list[str]:
    if not text.strip():
        return []
    import shlex  # noqa: PLC0415 — for few

    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        raise InputError(f"{where} holds no options: {visible(str(error))}", "they are quoted as in a shell") from None
    if words[:1] and not words[0].startswith("-"):
        raise InputError(f"{where} holds no options", "write options there, and give the target as always")
    return words


def _parse_watch(arguments: Sequence[str]) -> Options:
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    command = words[end + 1 :]
    given = _settled(_parsed(build_parser(WATCH), words[:end]))
    if given.pop("until_exit") and not command:
        raise InputError("--until-exit needs a command", "write it last: verify watch --until-exit -- COMMAND")
    if sum((given["lasting"] is not None, given["until_file"] is not None, bool(command))) > 1:
        raise InputError("--for, --until-file and a command contradict each other", "give one end to the watch")
    asked = {name: given.pop(name) for name in Watch._fields if name in given}
    if all(asked[bound] is None for bound in ("max_errors", "min_availability", "max_outage")):
        asked["max_errors"] = 0
    unused = _settled(build_parser(CHECK).parse_args([]))  # what watching has no option for
    options = Options(**{**unused, **given}, watch=Watch(command=tuple(command), **asked))
    _refuse_shared_outputs(options)
    return options


def _refuse_shared_outputs(options: Options) -> None:
    paths = [output.path and os.path.realpath(output.path) for output in options.format]
    if len(set(paths)) < len(paths):
        raise InputError("two formats for one output", "give each its own file: --format json=report.json")


def _settled(given: argparse.Namespace) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in vars(given).items()}


def build_parser(command: Command) -> argparse.ArgumentParser:
    """The parser of a command, which also writes its `--help`."""
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = _Parser(
        prog=command.prog,
        usage=f"%(prog)s [OPTION]... {command.operands}",
        description=command.description,
        epilog=f"{command.examples}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for add_group in command.groups:
        add_group(parser)
    return parser
