"""The command line: every choice a run can make, read once, checked, frozen."""

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from verify import values
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
    resolve: tuple[values.Pinned, ...]
    family: int | None
    all: bool
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
    max_body: int
    expect_tasks: int | None
    identity: values.Identity
    miss_probability: float
    samples: int | None
    each_address: bool
    min_addresses: int | None
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
    settled: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    options = Options(**settled)
    if options.deadline == 0 and (
        options.expect_tasks or options.samples or options.stable_for or options.each_address
    ):
        raise InputError("--deadline 0 is a single attempt", "give the run time, or drop the options that need more")
    return options


def build_parser() -> argparse.ArgumentParser:
    """The parser, which also writes `--help`."""
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = _Parser(
        prog="verify",
        usage="%(prog)s [OPTION]... [TARGET]",
        description="Wait until a service answers stably through its load balancer, then check what it answers.",
        epilog=f"{_EXAMPLES}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # fmt: off — one option, two lines
    parser.add_argument("target", nargs="?", metavar="TARGET", help="name, address or URL; - or nothing reads stdin")

    add = parser.add_argument_group("target").add_argument
    add("--output-name", metavar="NAME", help="which output of `pulumi stack output --json` to check")
    add("--scheme", choices=tuple(DEFAULT_PORTS), help="http unless the target says otherwise")
    add("--port", metavar="N", type=_checked(parse_port), help="the scheme's own port unless the target says otherwise")
    add("--path", metavar="PATH", type=_checked(parse_path), help="path and query; / unless the target says otherwise")
    add("--method", choices=("GET", "HEAD", "OPTIONS"), default="GET", help="HTTP method (GET)")
    add(
        "--header",
        metavar="NAME:VALUE",
        type=values.header,
        action="append",
        default=[],
        help="send a header; @FILE reads it from a file; repeatable; values are never shown",
    )
    add("--host", metavar="HOST", type=values.host_header, help="Host header of a virtual host, instead of the name")
    add(
        "--resolve",
        metavar="HOST:PORT:ADDR[,ADDR]",
        type=values.pinned,
        action="append",
        default=[],
        help="use these addresses for a name and port, before DNS knows them; repeatable",
    )
    add("-4", "--ipv4", dest="family", action="store_const", const=4, help="use IPv4 addresses only")
    add("-6", "--ipv6", dest="family", action="store_const", const=6, help="use IPv6 addresses only")
    add("--all", action="store_true", help="check every line of the input, at the same time")

    add = parser.add_argument_group(
        "waiting", "durations are 500ms, 10s, 5m or 1h; a bare number means seconds"
    ).add_argument
    add("--timeout", metavar="TIME", type=values.duration(), default="10s", help="longest wait for one request (10s)")
    add(
        "--deadline",
        metavar="TIME",
        type=values.duration(zero=True),
        default="5m",
        help="longest time for the whole run (5m); 0 means one attempt",
    )
    add(
        "--interval",
        metavar="TIME",
        type=values.duration(),
        default="1s",
        help="pause between answers while waiting (1s); after a failure it doubles, up to 15s",
    )
    add(
        "--stable",
        metavar="N",
        type=values.whole(1, 1000),
        default="3",
        help="good answers in a row that count as stable (3)",
    )
    add(
        "--stable-for",
        metavar="TIME",
        type=values.duration(zero=True),
        default="0",
        help="how long they must have been good as well (0)",
    )
    add("--retry-mismatch", action="store_true", help="keep waiting on any wrong answer, a 404 or a wrong body too")

    add = parser.add_argument_group("expectations", "each must hold for every answer that is measured").add_argument
    add(
        "--status",
        metavar="CODES",
        type=values.statuses,
        default="2xx",
        help="good status codes: 200, 2xx, 200-399, or a list of them (2xx); redirects are never followed",
    )
    add("--body-contains", metavar="TEXT", action="append", default=[], help="text in the body; repeatable")
    add(
        "--body-regex",
        metavar="RE",
        type=values.regex,
        action="append",
        default=[],
        help="regular expression found in the body; repeatable",
    )
    add("--body-equals", metavar="TEXT", help="the whole body, without the white space around it")
    add(
        "--expect-header",
        metavar="HEADER",
        type=values.expected_header,
        action="append",
        default=[],
        help="response header that is there (NAME), equals (NAME=VALUE) or matches (NAME~RE); repeatable",
    )
    add("--max-body", metavar="SIZE", type=values.size, default="1MiB", help="read no more of a body (1MiB)")

    add = parser.add_argument_group("tasks").add_argument
    add("--expect-tasks", metavar="N", type=values.whole(1, MAX_TASKS), help="at least N distinct tasks answer")
    add(
        "--identity",
        metavar="WHERE",
        type=values.identity,
        default=f"body-regex:{DEFAULT_IDENTITY}",
        help="where an answer names its task: header:NAME, body-regex:RE or json:/pointer "
        "(the default page's `Hello from HOSTNAME`)",
    )
    add(
        "--miss-probability",
        metavar="P",
        type=values.probability,
        default="0.001",
        help="accepted chance to miss a task that does answer (0.001); sets the number of samples",
    )
    add(
        "--samples",
        metavar="N",
        type=values.whole(1, 100_000),
        help="requests to measure once stable (10, or what --expect-tasks needs)",
    )
    add("--each-address", action="store_true", help="once stable, every address of the name answers by itself")
    add(
        "--min-addresses",
        metavar="N",
        type=values.whole(1, 100),
        help="the name has at least N addresses; a load balancer has one per availability zone",
    )
    add("--allow-inconclusive", action="store_true", help="exit 0 where a check could not tell")

    add = parser.add_argument_group("output", "the report goes to stdout, everything else to stderr").add_argument
    add("--format", choices=("text", "json"), default="text", help="of the report (text)")
    add("--mask-query", action="store_true", help="show the target without its query string")
    add("--quiet", action="store_true", help="no progress on stderr")
    add("--debug", action="store_true", help="show the trace of an internal error")
    # fmt: on
    return parser


def _checked(read: Callable[[str], object]) -> Callable[[str], object]:
    """Let a reader's `ValueError` name the option."""

    def checked(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
