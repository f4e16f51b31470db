"""The command line: every choice a run can make, read once, checked, frozen."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from verify.errors import InputError
from verify.escaping import visible
from verify.exit_codes import MEANINGS
from verify.target import DEFAULT_PORTS, parse_path, parse_port

DEFAULT_IDENTITY = r"Hello from ([^<\s]+)"
"""The line of the service's default page that names the task which wrote it."""

MAX_TASKS = 200
"""Telling more tasks apart takes thousands of requests: a load test, not a check."""

_EXAMPLES = """examples:
  pulumi stack output albDns | verify
  pulumi stack output albDns | verify --expect-tasks 2
  pulumi stack output --json | verify --output-name serviceUrl --format json
  verify https://web.example.com/health --status 204 --deadline 2m
  verify web.example.com --expect-tasks 3 --identity header:X-Served-By
"""
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2}
_MAX_SECONDS = 24 * 3600.0
_MAX_BODY = 64 * 1024**2
_OWN_HEADERS = {"host", "connection", "content-length", "transfer-encoding"}


class StatusSet(NamedTuple):
    """Which HTTP status codes are good."""

    text: str
    ranges: tuple[tuple[int, int], ...]

    def accepts(self, status: int) -> bool:
        """Whether a status is one of them."""
        return any(low <= status <= high for low, high in self.ranges)


class HeaderExpectation(NamedTuple):
    """A response header that must be there, and what its value must be."""

    text: str
    name: str
    equals: str | None
    matches: re.Pattern[str] | None


class Identity(NamedTuple):
    """Where an answer says which task made it: `kind` is `header`, `body-regex` or `json`."""

    text: str
    kind: str
    where: str


class Options(NamedTuple):
    """What was asked for; durations in seconds, sizes in bytes, names as on the command line."""

    target: str | None
    output_name: str | None
    scheme: str | None
    port: int | None
    path: str | None
    method: str
    header: tuple[tuple[str, str], ...]
    host: str | None
    timeout: float
    deadline: float
    interval: float
    stable: int
    stable_for: float
    retry_mismatch: bool
    status: StatusSet
    body_contains: tuple[str, ...]
    body_regex: tuple[re.Pattern[str], ...]
    body_equals: str | None
    expect_header: tuple[HeaderExpectation, ...]
    max_body: int
    expect_tasks: int | None
    identity: Identity
    miss_probability: float
    samples: int | None
    allow_inconclusive: bool
    format: str
    mask_query: bool
    quiet: bool
    debug: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """An argument that nobody asked for may be half of a secret: only options are named."""
        extra = re.match(r"unrecognized arguments: (.*)", message, re.DOTALL)
        if extra:
            options = [word.partition("=")[0] for word in extra[1].split() if word.startswith("-")]
            message = f"unknown option: {' '.join(options)}" if options else "more than one target"
        raise InputError(visible(message, 300), "`verify --help` lists the options")


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        InputError: An option is unknown, or its value can't be used.
        SystemExit: `--help` was asked for and printed.
    """
    given = vars(build_parser().parse_args(arguments))
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    options = Options(**values)
    if options.deadline == 0 and (options.expect_tasks or options.samples or options.stable_for):
        raise InputError("--deadline 0 is a single attempt", "give the run time, or drop the options that need more")
    return options


def build_parser() -> argparse.ArgumentParser:
    """The parser, which also writes `--help`."""
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = _Parser(
        prog="verify",
        description="Wait until a service answers stably through its load balancer, then check what it answers.",
        epilog=f"{_EXAMPLES}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("target", nargs="?", metavar="TARGET", help="name, address or URL; - or nothing reads stdin")

    group = parser.add_argument_group("target")
    add = group.add_argument
    add("--output-name", metavar="NAME", help="which output of `pulumi stack output --json` to check")
    add("--scheme", choices=tuple(DEFAULT_PORTS), help="http unless the target says otherwise")
    add("--port", type=_value(parse_port), metavar="N", help="the scheme's own port unless the target says otherwise")
    add("--path", type=_value(parse_path), metavar="PATH", help="path and query; / unless the target says otherwise")
    add("--method", choices=("GET", "HEAD", "OPTIONS"), default="GET", help="HTTP method (GET)")
    add("--header", type=_value(_header), action="append", default=[], metavar="NAME:VALUE",
        help="send a header; @FILE reads it from a file; repeatable; values are never shown")  # fmt: skip
    add("--host", type=_value(_host_header), metavar="HOST", help="Host header of a virtual host, instead of the name")

    group = parser.add_argument_group("waiting", "durations are 500ms, 10s, 5m or 1h; a bare number means seconds")
    add = group.add_argument
    add("--timeout", type=_duration(), default=10.0, metavar="TIME", help="longest wait for one request (10s)")
    add("--deadline", type=_duration(zero=True), default=300.0, metavar="TIME",
        help="longest time for the whole run (5m); 0 means one attempt")  # fmt: skip
    add("--interval", type=_duration(), default=1.0, metavar="TIME",
        help="pause between answers while waiting (1s); after a failure it doubles, up to 15s")  # fmt: skip
    add("--stable", type=_whole(1, 1000), default=3, metavar="N", help="good answers in a row that count as stable (3)")
    add("--stable-for", type=_duration(zero=True), default=0.0, metavar="TIME",
        help="how long they must have been good as well (0)")  # fmt: skip
    add("--retry-mismatch", action="store_true", help="keep waiting on any wrong answer, a 404 or a wrong body too")

    group = parser.add_argument_group("expectations", "each must hold for every answer that is measured")
    add = group.add_argument
    add("--status", type=_value(_statuses), default=_statuses("2xx"), metavar="CODES",
        help="good status codes: 200, 2xx, 200-399, or a list of them (2xx); redirects are never followed")  # fmt: skip
    add("--body-contains", action="append", default=[], metavar="TEXT", help="text in the body; repeatable")
    add("--body-regex", type=_value(_regex), action="append", default=[], metavar="RE",
        help="regular expression found in the body; repeatable")  # fmt: skip
    add("--body-equals", metavar="TEXT", help="the whole body, without the white space around it")
    add("--expect-header", type=_value(_expected_header), action="append", default=[], metavar="HEADER",
        help="response header that is there (NAME), equals (NAME=VALUE) or matches (NAME~RE); repeatable")  # fmt: skip
    add("--max-body", type=_value(_size), default=1024**2, metavar="SIZE", help="read no more of a body (1MiB)")

    group = parser.add_argument_group("tasks")
    add = group.add_argument
    add("--expect-tasks", type=_whole(1, MAX_TASKS), metavar="N", help="at least N distinct tasks answer")
    add("--identity", type=_value(_identity), default=_identity(f"body-regex:{DEFAULT_IDENTITY}"), metavar="WHERE",
        help="where an answer names its task: header:NAME, body-regex:RE or json:/pointer "
        "(the default page's `Hello from HOSTNAME`)")  # fmt: skip
    add("--miss-probability", type=_value(_probability), default=0.001, metavar="P",
        help="accepted chance to miss a task that does answer (0.001); sets the number of samples")  # fmt: skip
    add("--samples", type=_whole(1, 100_000), metavar="N",
        help="requests to measure once stable (10, or what --expect-tasks needs)")  # fmt: skip
    add("--allow-inconclusive", action="store_true", help="exit 0 where a check could not tell")

    group = parser.add_argument_group("output", "the report goes to stdout, everything else to stderr")
    add = group.add_argument
    add("--format", choices=("text", "json"), default="text", help="of the report (text)")
    add("--mask-query", action="store_true", help="show the target without its query string")
    add("--quiet", action="store_true", help="no progress on stderr")
    add("--debug", action="store_true", help="show the trace of an internal error")
    return parser


def _value(parse: Callable[[str], object]) -> Callable[[str], object]:
    def checked(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def _duration(*, zero: bool = False) -> Callable[[str], object]:
    def parse(text: str) -> float:
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|)", text)
        seconds = float(match[1]) * _UNITS[match[2]] if match else -1.0
        if not (0 <= seconds <= _MAX_SECONDS and (zero or seconds)):
            raise ValueError(f"'{visible(text, 20)}' is no duration: write 500ms, 10s, 5m or 1h, up to 24h")
        return seconds

    return _value(parse)


def _whole(low: int, high: int) -> Callable[[str], object]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"'{visible(text, 20)}' is no whole number from {low} to {high}")
        return int(text)

    return _value(parse)


def _probability(text: str) -> float:
    probability = float(text) if re.fullmatch(r"[0-9]*\.?[0-9]+(e-?[0-9]{1,2})?", text) else 0.0
    if not 1e-9 <= probability <= 0.5:  # noqa: PLR2004 — from certain enough to a coin's toss
        raise ValueError(f"'{visible(text, 20)}' is no probability from 1e-9 to 0.5")
    return probability


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})(B|KiB|MiB|)", text)
    size = int(match[1]) * _SIZES[match[2]] if match else 0
    if not 1 <= size <= _MAX_BODY:
        raise ValueError(f"'{visible(text, 20)}' is no size from 1 to 64MiB: write 4096, 64KiB or 1MiB")
    return size


def _statuses(text: str) -> StatusSet:
    ranges = []
    for part in text.split(","):
        match = re.fullmatch(r"([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", part)
        if match is None or (match[3] and match[3] < match[2]):
            raise ValueError(f"'{visible(part, 20)}' is no status: write 200, 2xx, 200-399, or a list such as 200,301")
        first = int(match[2] or f"{match[1]}00")
        ranges.append((first, first + 99 if match[1] else int(match[3] or first)))
    return StatusSet(text, tuple(ranges))


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {visible(str(error))}") from None


def _header(text: str) -> tuple[str, str]:
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise ValueError(f"can't read a header from the file {visible(text[1:])}") from None
    match = re.fullmatch(rf"({_HEADER_NAME}):[ \t]*([\x20-\x7e\xa0-\xff\t]*)", text)
    if match is None:
        raise ValueError("a header is NAME:VALUE on one line, or @FILE (the value isn't shown)")
    if match[1].lower() in _OWN_HEADERS:
        raise ValueError(f"{match[1]} is set by verify itself; a virtual host is given with --host")
    return match[1], match[2].strip()


def _host_header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", text):
        raise ValueError(f"'{visible(text, 40)}' is no host for a Host header")
    return text


def _expected_header(text: str) -> HeaderExpectation:
    match = re.fullmatch(r"([A-Za-z0-9_-]+)(?:([=~])(.*))?", text, re.DOTALL)
    if match is None:
        raise ValueError(f"'{visible(text, 40)}' is no header: write NAME, NAME=VALUE or NAME~REGEX")
    return HeaderExpectation(
        text,
        match[1],
        match[3] if match[2] == "=" else None,
        _regex(match[3]) if match[2] == "~" else None,
    )


def _identity(text: str) -> Identity:
    kind, _, where = text.partition(":")
    if kind == "body-regex" and where:
        _regex(where)
    elif not (kind == "header" and re.fullmatch(_HEADER_NAME, where)) and not (
        kind == "json" and re.match("/|$", where)
    ):
        raise ValueError(f"'{visible(text, 40)}' is no identity: write header:NAME, body-regex:RE or json:/pointer")
    return Identity(text, kind, where)
