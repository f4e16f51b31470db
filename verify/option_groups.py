"""The groups of options, each for the commands that need it."""

import argparse
from collections.abc import Callable
from functools import partial

from verify import VERSION, values
from verify.target import DEFAULT_PORTS, parse_path, parse_port

MAX_TASKS = 200
"""Telling more tasks apart takes thousands of requests: a load test, not a check."""

DURATIONS = "durations are 500ms, 10s, 5m or 1h; a bare number means seconds"


def target(parser: argparse.ArgumentParser) -> None:
    """Where requests go, and what they carry."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="name, address or URL; - or nothing reads stdin")

    add = parser.add_argument_group("target").add_argument
    repeated = partial(add, action="append", default=[])
    add("--output-name", metavar="NAME", help="which output of `pulumi stack output --json` to check")
    add("--scheme", choices=tuple(DEFAULT_PORTS), help="http unless the target or port 443 says otherwise")
    add("--port", metavar="N", type=_checked(parse_port), help="the scheme's own port unless the target says otherwise")
    add("--path", metavar="PATH", type=_checked(parse_path), help="path and query; / unless the target says otherwise")
    add("--method", choices=("GET", "HEAD", "OPTIONS"), default="GET", help="HTTP method (GET)")
    repeated(
        "--header",
        metavar="NAME:VALUE",
        type=values.header,
        help="send a header, in place of verify's own of that name; @FILE reads it from a file; repeatable; "
        "what can be secret is never shown: cookies, keys, tokens, and whatever came from a file",
    )
    add("--host", metavar="HOST", type=values.host_header, help="Host header of a virtual host, instead of the name")
    repeated(
        "--resolve",
        metavar="HOST:PORT:ADDR[,ADDR]",
        type=values.pinned,
        help="use these addresses for a name and port, before DNS knows them; repeatable",
    )
    add(
        "--connect-to",
        metavar="HOST:PORT",
        type=values.door,
        help="connect there instead, and ask as if it were the target; :PORT is the target's own host",
    )
    add(
        "--resolver",
        metavar="ADDR[:PORT]",
        type=values.name_server,
        help="ask this name server, past what this machine's resolver remembers",
    )
    add("-4", "--ipv4", dest="family", action="store_const", const=4, help="use IPv4 addresses only")
    add("-6", "--ipv6", dest="family", action="store_const", const=6, help="use IPv6 addresses only")
    add("--cacert", metavar="FILE", type=values.cafile, help="trust the authorities in this PEM file, and no others")
    add("--timeout", metavar="TIME", type=values.duration(), default="10s", help="longest wait for one request (10s)")


def waiting(parser: argparse.ArgumentParser) -> None:
    """How long to wait for a service that is coming up."""
    add = parser.add_argument_group("waiting", DURATIONS).add_argument
    any_time = partial(add, metavar="TIME", type=values.duration(zero=True))
    time = partial(add, metavar="TIME", type=values.duration())
    count = partial(add, metavar="N")
    any_time("--deadline", default="5m", help="longest time for the whole run (5m); 0 means one attempt")
    time(
        "--interval",
        default="1s",
        help="pause between answers while waiting (1s); after a failure it doubles, up to 15s",
    )
    count("--stable", type=values.whole(1, 1000), default="3", help="good answers in a row that count as stable (3)")
    any_time("--stable-for", default="0", help="how long they must have been good as well (0)")
    add("--retry-mismatch", action="store_true", help="keep waiting on any wrong answer, a 404 or a wrong body too")


def expectations(parser: argparse.ArgumentParser) -> None:
    """What an answer must look like."""
    add = parser.add_argument_group("expectations", "each must hold for every answer that is measured").add_argument
    repeated = partial(add, action="append", default=[])
    add(
        "--status",
        metavar="CODES",
        type=values.statuses,
        default="2xx",
        help="good status codes: 200, 2xx, 200-399, or a list of them (2xx); redirects are never followed",
    )
    repeated("--body-contains", metavar="TEXT", help="text in the body; repeatable")
    repeated("--body-regex", metavar="RE", type=values.regex, help="regular expression found in the body; repeatable")
    add("--body-equals", metavar="TEXT", help="the whole body, without the white space around it")
    repeated(
        "--expect-header",
        metavar="HEADER",
        type=values.expected_header,
        help="response header that is there (NAME), equals (NAME=VALUE) or matches (NAME~RE); repeatable",
    )
    repeated(
        "--expect-json",
        metavar="/POINTER=VALUE",
        type=values.expected_json,
        help="string, number, true or false at this place of a JSON body (RFC 6901); repeatable",
    )
    add("--max-body", metavar="SIZE", type=values.size, default="1MiB", help="read no more of a body (1MiB)")


def security(parser: argparse.ArgumentParser) -> None:
    """What HTTPS must be like."""
    add = parser.add_argument_group("security").add_argument
    add(
        "--min-days-left", metavar="N", type=values.whole(0, 400), default="0", help="the certificate lasts N days more"
    )
    add("--min-tls", choices=("1.2", "1.3"), help="handshakes with any older version are refused")
    add(
        "--redirect-from",
        metavar="PORT",
        type=_checked(parse_port),
        help="plain HTTP on this port redirects here for good, with host, path and query kept",
    )
    add(
        "--security-headers",
        action="store_true",
        help="answers carry HSTS (HTTPS only), nosniff and a framing rule, and tell no version of what made them",
    )
    add("--no-trace", action="store_true", help="the method TRACE is refused, or at least echoes nothing")


def identity(parser: argparse.ArgumentParser) -> None:
    """What names the task that answered."""
    add = parser.add_argument_group("identity").add_argument
    add(
        "--identity",
        metavar="WHERE",
        type=values.identity,
        default=f"body-regex:{values.DEFAULT_IDENTITY}",
        help="where an answer names its task: header:NAME, body-regex:RE or json:/pointer "
        "(the default page's `Hello from HOSTNAME`)",
    )
    add("--allow-inconclusive", action="store_true", help="exit 0 where a check could not tell")


def coverage(parser: argparse.ArgumentParser) -> None:
    """How much of the service must answer."""
    add = parser.add_argument_group("coverage").add_argument
    count = partial(add, metavar="N")
    repeated = partial(add, action="append", default=[])
    count("--expect-tasks", type=values.whole(1, MAX_TASKS), help="at least N distinct tasks answer")
    add(
        "--miss-probability",
        metavar="P",
        type=values.number(1e-9, 0.5, "probability from 1e-9 to 0.5"),
        default="0.001",
        help="accepted chance to miss a task that does answer (0.001); sets the number of samples",
    )
    count(
        "--samples",
        type=values.whole(1, 100_000),
        help="requests to measure once stable (10, or what --expect-tasks needs)",
    )
    count(
        "--concurrency",
        type=values.whole(1, 50),
        default="1",
        help="requests to measure at the same time (1); more is sooner done, but slows each answer down",
    )
    repeated(
        "--max-latency",
        metavar="RANK=TIME",
        type=values.latency_bound,
        help="longest whole request by rank: min, mean, p50, p90, p95, p99 or max, e.g. p95=500ms; repeatable",
    )
    add("--each-address", action="store_true", help="once stable, every address of the name answers by itself")
    count(
        "--min-addresses",
        type=values.whole(1, 100),
        help="the name has at least N addresses; a load balancer has one per availability zone",
    )
    repeated(
        "--closed",
        metavar="HOST:PORT",
        type=values.door,
        help="nothing can be connected to there, e.g. a task's own address; :PORT is the target's own; repeatable",
    )
    add("--all", action="store_true", help="check every line of the input, at the same time")


def watching(parser: argparse.ArgumentParser) -> None:
    """How to watch, for how long, and what may go wrong meanwhile."""
    add = parser.add_argument_group("watching", DURATIONS).add_argument
    any_time = partial(add, metavar="TIME", type=values.duration(zero=True))
    time = partial(add, metavar="TIME", type=values.duration())
    count = partial(add, metavar="N")
    add(
        "--rate",
        metavar="N",
        type=values.number(0.1, 100, "rate from 0.1 to 100 requests a second"),  # more would be a load test
        default="10",
        help="requests a second on each of two lanes, whatever the answers take (10)",
    )
    add("--until-exit", action="store_true", help="watch until the command after -- has ended; the default with one")
    time("--for", dest="lasting", help="watch this long; without it until SIGINT")
    add("--until-file", metavar="FILE", help="watch until this file is there, without a command")
    any_time(
        "--before", default="2s", help="watch this long before the command starts (2s); tasks first seen later are new"
    )
    any_time("--after", default="2s", help="watch on this long after the command has ended (2s)")
    count(
        "--max-errors",
        type=values.whole(0, 1_000_000),
        help="failed requests that are accepted (0, unless another bound is given)",
    )
    add(
        "--min-availability",
        metavar="PERCENT",
        type=values.number(0, 100, "percentage from 0 to 100: write 99.9"),
        help="least share of good answers, e.g. 99.9",
    )
    any_time("--max-outage", help="longest time without a good answer")
    add("--expect-change", action="store_true", help="a task answers that did not answer before")


def output(parser: argparse.ArgumentParser) -> None:
    """What is told, and how."""
    add = parser.add_argument_group("output", "the report goes to stdout, everything else to stderr").add_argument
    repeated = partial(add, action="append", default=[])
    repeated(
        "--format",
        metavar="NAME[=FILE]",
        type=values.output,
        help=f"{', '.join(values.FORMAT_NAMES)}; to a file or stderr, or one of them to stdout (text); repeatable",
    )
    add(
        "--config",
        metavar="FILE",
        help="read options from a file, shell-quoted, # starts a comment; then VERIFY_OPTIONS from the environment, "
        "then the command line: what comes later wins",
    )
    add("--mask-query", action="store_true", help="show the target without its query string")
    add("--quiet", action="store_true", help="no progress on stderr")
    add("--version", action="version", version=f"verify {VERSION}", help="show the version, and end")
    add("--debug", action="store_true", help="show the trace of an internal error")


def _checked(read: Callable[[str], object]) -> Callable[[str], object]:
    """Let a reader's `ValueError` name the option."""

    def checked(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
