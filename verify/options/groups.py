"""Every option that a run can have: one entry each, in groups as `--help` shows them.

They are plain values for the rest of the package; `verify.cli.parser` makes the parser from them.
"""

from collections.abc import Iterator
from typing import Any

from verify.options import values
from verify.options.declaration import (
    Option,
    Values,
    constant,
    declared,
    defaulted,
    optional,
    repeatable,
    switch,
)
from verify.options.target import DEFAULT_PORTS, parse_path, parse_port

MAX_TASKS = 200
"""Telling more tasks apart takes thousands of requests: a load test, not a check."""


class TargetOptions(Values):
    """Where requests go, and what they carry."""

    target: str | None
    family: int | None

    output_name = optional(
        "--output-name",
        metavar="NAME",
        read=str,
        help="which output of `pulumi stack output --json` to check",
    )
    scheme = optional(
        "--scheme",
        choices=tuple(DEFAULT_PORTS),
        read=str,
        help="http, unless the target or port 443 implies https",
    )
    port = optional(
        "--port",
        metavar="N",
        read=parse_port,
        help="the scheme's own port, unless the target has one",
    )
    path = optional(
        "--path",
        metavar="PATH",
        read=parse_path,
        help="path and query; /, unless the target has one",
    )
    method = optional(
        "--method",
        metavar="METHOD",
        read=values.method,
        help="HTTP method (GET, or POST with a body); a run sends its request many times",
    )
    data = optional(
        "--data",
        metavar="TEXT",
        read=values.body("application/x-www-form-urlencoded"),
        help="body of the request; @FILE reads it from a file as it is, and reports never show it",
    )
    json = optional(
        "--json",
        metavar="TEXT",
        read=values.json_body,
        help="the same as JSON, which is checked, with the Content-Type and Accept that this takes",
    )
    header = repeatable(
        "--header",
        metavar="NAME:VALUE",
        read=values.header,
        help="send a header, in place of verify's own of that name; @FILE reads it from a file; "
        "repeatable; possible secrets are never shown: cookies, keys, tokens, and anything from a "
        "file",
    )
    host = optional(
        "--host",
        metavar="HOST",
        read=values.host_header,
        help="Host header of a virtual host, instead of the name",
    )
    resolve = repeatable(
        "--resolve",
        metavar="HOST:PORT:ADDR[,ADDR]",
        read=values.pinned,
        help="use these addresses for a name and port, before DNS knows them; repeatable",
    )
    connect_to = optional(
        "--connect-to",
        metavar="HOST:PORT",
        read=values.host_port,
        help="connect there instead, with the target's requests; :PORT is the target's own host",
    )
    resolver = optional(
        "--resolver",
        metavar="ADDR[:PORT]",
        read=values.name_server,
        help="query this name server, bypassing this machine's resolver and its cache",
    )
    ipv4 = constant(4, "-4", "--ipv4", sets="family", help="use IPv4 addresses only")
    ipv6 = constant(6, "-6", "--ipv6", sets="family", help="use IPv6 addresses only")
    cacert = optional(
        "--cacert",
        metavar="FILE",
        read=values.cafile,
        help="trust the authorities in this PEM file, and no others",
    )
    cert = optional(
        "--cert",
        metavar="FILE",
        read=values.client_certificate,
        needs_https=True,
        help="present the client certificate in this PEM file, with those of its chain after it",
    )
    key = optional(
        "--key",
        metavar="FILE",
        read=values.private_key,
        needs_https=True,
        help="its private key, without a passphrase, if the file of --cert has none",
    )
    proxy = optional(
        "--proxy",
        metavar="URL",
        read=values.proxy,
        help="send every request through this HTTP proxy, http://[USER:PASSWORD@]HOST:PORT or "
        "@FILE with that; the proxy then resolves the name",
    )
    timeout = defaulted(
        "--timeout",
        metavar="TIME",
        read=values.duration(),
        default="10s",
        help="longest wait for one request, not for the whole run (10s)",
    )


class WaitingOptions(Values):
    """How long to wait for a service that is coming up."""

    deadline = defaulted(
        "--deadline",
        metavar="TIME",
        read=values.duration(zero=True),
        default="5m",
        help="longest time for the whole run (5m); 0 means one attempt",
    )
    interval = defaulted(
        "--interval",
        metavar="TIME",
        read=values.duration(),
        default="1s",
        help="pause between an answer and the next request while waiting (1s); after a failure it "
        "doubles, up to 15s",
    )
    stable = defaulted(
        "--stable",
        metavar="N",
        read=values.whole(1, 1000),
        default="3",
        help="good answers in a row that count as stable (3)",
    )
    stable_for = defaulted(
        "--stable-for",
        metavar="TIME",
        read=values.duration(zero=True),
        default="0",
        needs_time=True,
        help="time over which they must also be good (0)",
    )
    retry_mismatch = switch(
        "--retry-mismatch",
        help="keep waiting after any wrong answer, including a 404 or a wrong body",
    )


class ExpectationOptions(Values):
    """What an answer must look like."""

    status = defaulted(
        "--status",
        metavar="CODES",
        read=values.statuses,
        default="2xx",
        help=(
            "good status codes: 200, 2xx, 200-399, or a list of them (2xx); redirects are "
            "never followed"
        ),
    )
    body_contains = repeatable(
        "--body-contains",
        metavar="TEXT",
        read=values.part_of_body,
        help="text in the body; repeatable",
    )
    body_regex = repeatable(
        "--body-regex",
        metavar="RE",
        read=values.body_regex,
        help="regular expression found in the body; repeatable",
    )
    body_equals = optional(
        "--body-equals",
        metavar="TEXT",
        read=str,
        help="the whole body, without the white space around it",
    )
    expect_header = repeatable(
        "--expect-header",
        metavar="HEADER",
        read=values.expected_header,
        help=(
            "response header that is there (NAME), equals (NAME=VALUE) or matches (NAME~RE); "
            "repeatable"
        ),
    )
    expect_json = repeatable(
        "--expect-json",
        metavar="/POINTER=VALUE",
        read=values.expected_json,
        help="string, number, true or false at this place of a JSON body (RFC 6901); repeatable",
    )
    max_body = defaulted(
        "--max-body",
        metavar="SIZE",
        read=values.size,
        default="1MiB",
        help="read at most this much of a body (1MiB)",
    )


class IdentityOptions(Values):
    """What names the task that answered."""

    identity = defaulted(
        "--identity",
        metavar="WHERE",
        read=values.identity,
        default=f"body-regex:{values.DEFAULT_IDENTITY}",
        help="where an answer names its task: header:NAME, body-regex:RE or json:/pointer "
        "(the default page's `Hello from HOSTNAME`)",
    )
    allow_inconclusive = switch("--allow-inconclusive", help="exit 0 if a check is inconclusive")


class CoverageOptions(Values):
    """How much of the service must answer."""

    expect_tasks = optional(
        "--expect-tasks",
        metavar="N",
        read=values.whole(1, MAX_TASKS),
        needs_time=True,
        help="at least N distinct tasks answer",
    )
    miss_probability = defaulted(
        "--miss-probability",
        metavar="P",
        read=values.number(1e-9, 0.5, "probability from 1e-9 to 0.5"),
        default="0.001",
        help="accepted probability to miss a task that answers (0.001); determines the number of "
        "samples",
    )
    samples = optional(
        "--samples",
        metavar="N",
        read=values.whole(1, 100_000),
        needs_time=True,
        help="requests to measure once stable (10, or what --expect-tasks needs)",
    )
    concurrency = defaulted(
        "--concurrency",
        metavar="N",
        read=values.whole(1, 50),
        default="1",
        help=(
            "requests to measure at the same time (1); more finish sooner, but slow each answer "
            "down"
        ),
    )
    max_latency = repeatable(
        "--max-latency",
        metavar="RANK=TIME",
        read=values.latency_bound,
        needs_time=True,
        help=(
            "longest whole request by rank: min, mean, p50, p90, p95, p99 or max, e.g. "
            "p95=500ms; repeatable"
        ),
    )
    each_address = switch(
        "--each-address",
        needs_time=True,
        needs_direct=True,
        extra_check=True,
        help="once stable, each address of the name answers",
    )
    min_addresses = optional(
        "--min-addresses",
        metavar="N",
        read=values.whole(1, 100),
        needs_direct=True,
        extra_check=True,
        help="the name has at least N addresses; a load balancer has one per availability zone",
    )
    closed = repeatable(
        "--closed",
        metavar="HOST:PORT",
        read=values.host_port,
        needs_time=True,
        needs_direct=True,
        extra_check=True,
        help=(
            "nothing accepts connections there, e.g. at a task's own address; :PORT is the "
            "target's own; repeatable"
        ),
    )
    all = switch("--all", help="check every line of the input, at the same time")
    plan = optional(
        "--plan",
        metavar="FILE",
        read=str,
        help=(
            "make the checks of this TOML file, at the same time: paths of the target, each "
            "with its options"
        ),
    )


class SecurityOptions(Values):
    """What HTTPS must be like."""

    min_days_left = defaulted(
        "--min-days-left",
        metavar="N",
        read=values.whole(0, 400),
        default="0",
        needs_https=True,
        help="the certificate is valid for N more days",
    )
    min_tls = optional(
        "--min-tls",
        choices=("1.2", "1.3"),
        read=str,
        needs_time=True,
        needs_https=True,
        needs_direct=True,
        extra_check=True,
        help="handshakes with any older version are refused",
    )
    redirect_from = optional(
        "--redirect-from",
        metavar="PORT",
        read=parse_port,
        needs_time=True,
        needs_https=True,
        extra_check=True,
        help="plain HTTP on this port redirects here permanently, with host, path and query "
        "unchanged",
    )
    security_headers = switch(
        "--security-headers",
        help="answers carry HSTS (HTTPS only), nosniff and a framing rule, and disclose no version "
        "of the server software",
    )
    no_trace = switch(
        "--no-trace",
        needs_time=True,
        extra_check=True,
        help="the method TRACE is refused, or at least echoes nothing",
    )


class OutputOptions(Values):
    """What is reported, and where to."""

    format = repeatable(
        "--format",
        metavar="NAME[=FILE]",
        read=values.output,
        help=(
            f"{', '.join(values.FORMAT_NAMES)}; to a file or stderr, or one of them to "
            "stdout (text); repeatable"
        ),
    )
    config = optional(
        "--config",
        metavar="FILE",
        read=str,
        help="read options from a file, shell-quoted, # starts a comment; then VERIFY_OPTIONS from "
        "the environment, then the command line: what comes later wins",
    )
    mask_query = switch("--mask-query", help="show the target without its query string")
    quiet = switch("--quiet", help="no progress on stderr")
    debug = switch("--debug", help="show the traceback of an internal error")


class WatchOptions(Values):
    """How to watch, for how long, and what may go wrong meanwhile."""

    rate = defaulted(
        "--rate",
        metavar="N",
        # More would be a load test.
        read=values.number(0.1, 100, "rate from 0.1 to 100 requests a second"),
        default="10",
        help="requests a second on each of two lanes, however long the answers take (10)",
    )
    until_exit = switch(
        "--until-exit",
        help="watch until the command after -- has ended; the default with one",
    )
    lasting = optional(
        "--for",
        metavar="TIME",
        read=values.duration(),
        help="watch this long; without it until SIGINT",
    )
    until_file = optional(
        "--until-file",
        metavar="FILE",
        read=values.missing_file,
        help="watch until this file exists, without a command",
    )
    before = defaulted(
        "--before",
        metavar="TIME",
        read=values.duration(zero=True),
        default="2s",
        help="watch this long before the command starts (2s); tasks first seen later are new",
    )
    after = defaulted(
        "--after",
        metavar="TIME",
        read=values.duration(zero=True),
        default="2s",
        help="keep watching this long after the command has ended (2s)",
    )
    max_errors = optional(
        "--max-errors",
        metavar="N",
        read=values.whole(0, 1_000_000),
        help="failed requests that are accepted (0, unless another limit is given)",
    )
    min_availability = optional(
        "--min-availability",
        metavar="PERCENT",
        read=values.number(0, 100, "percentage from 0 to 100: write 99.9"),
        help="minimum share of good answers, e.g. 99.9",
    )
    max_outage = optional(
        "--max-outage",
        metavar="TIME",
        read=values.duration(zero=True),
        help="longest time without a good answer",
    )
    expect_change = switch("--expect-change", help="a task answers that did not answer before")


class Watch(WatchOptions):
    """How to watch.

    Durations are in seconds; `lasting` is set only without a command, and a bound that wasn't given
    is `None`.
    """

    command: tuple[str, ...]


class Options(
    TargetOptions,
    WaitingOptions,
    ExpectationOptions,
    IdentityOptions,
    CoverageOptions,
    SecurityOptions,
    OutputOptions,
):
    """The options of one run; durations in seconds, sizes in bytes."""

    watch: Watch | None


def _extra_checks() -> Iterator[Option[Any]]:
    for group in Options.__mro__:
        for option in declared(group):
            if option.extra_check:
                yield option


EXTRA_CHECKS = tuple(_extra_checks())
"""Options of which each is a separate check, beside the answers that are measured."""
