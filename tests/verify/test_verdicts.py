"""Behaviours of services, each with the exit code, the result and the hint of a run against it.

The first table runs in virtual time; the others against servers on loopback.
"""

import gzip
import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.verify.authority import Authority
from tests.verify.clients import by_each_client
from tests.verify.fake_alb import FakeAlb, Script, page
from tests.verify.loopback import closed_port
from tests.verify.outcomes import answer
from tests.verify.simulated_run import Handler, found, run, slow_from, two_tasks
from tests.verify.simulated_watch import watch
from verify.exit_codes import ExitCode
from verify.judging.report import Report
from verify.main import main
from verify.network.event_loop import EventLoop
from verify.network.httpx_client import new_httpx_client
from verify.network.tls import alert_hint


def always(status: int, text: str = "", **headers: str) -> Handler:
    """Return a service that gives every request the same answer."""

    def handler(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, text=text)

    return handler


def first_then(first: Handler, count: int, then: Handler) -> Handler:
    """Return a service that answers `count` requests as one, and the others as another."""
    return lambda number, request: (first if number < count else then)(number, request)


@dataclass(frozen=True)
class SimulatedCase:
    """A run in virtual time, and what is expected of it."""

    run: Callable[[], Report]
    code: ExitCode
    result: str
    """The id of a result of the report."""

    text: str
    """A part of that result's text."""

    hint: str
    """The beginning of its hint."""


BALANCER_503, BALANCER_504 = always(503, server="awselb/2.0"), always(504, server="awselb/2.0")
OUT_OF_TIME = {
    "an application that answers 500 after a second": SimulatedCase(
        lambda: run(always(500, server="nginx"), "--deadline", "10s", takes=1.0),
        ExitCode.APPLICATION_ERROR,
        "http",
        "500 from nginx",
        "a target answered this",
    ),
    "a load balancer that answers 504 after three seconds": SimulatedCase(
        lambda: run(BALANCER_504, "--deadline", "10s", takes=3.0),
        ExitCode.BALANCER_ERROR,
        "http",
        "504 from the load balancer: a target did not",
        "is the application stuck",
    ),
    "a load balancer that answers 504 after three seconds, asked twice at most": SimulatedCase(
        lambda: run(BALANCER_504, "--deadline", "7s", takes=3.0),
        ExitCode.BALANCER_ERROR,
        "http",
        "504 from the load balancer",
        "is the application stuck",
    ),
    "errors that take longer and longer": SimulatedCase(
        lambda: run(BALANCER_503, "--deadline", "10s", takes=slow_from(2, before=0.1)),
        ExitCode.BALANCER_ERROR,
        "http",
        "503 from the load balancer",
        "do the service's tasks run",
    ),
    "a healthy service that takes two seconds": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "5s", takes=2.0),
        ExitCode.INCONCLUSIVE,
        "stable",
        "2 good answers, and the deadline left no time for more",
        "raise --deadline (an answer took 2 s)",
    ),
    "a healthy service that takes ever longer": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "5s", takes=slow_from(1, before=0.1)),
        ExitCode.INCONCLUSIVE,
        "stable",
        "1 good answer, and the deadline left no time",
        "raise --deadline, or",
    ),
    "a service that became healthy just before the end": SimulatedCase(
        lambda: run(first_then(BALANCER_503, 3, two_tasks), "--deadline", "8s", takes=0.1),
        ExitCode.INCONCLUSIVE,
        "stable",
        "good answer",
        "raise --deadline",
    ),
    "a service that is good for a shorter time than was requested": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "5s", "--stable-for", "10s"),
        ExitCode.INCONCLUSIVE,
        "stable",
        "good answers, and the deadline",
        "raise --deadline",
    ),
    "a service that goes down once it was good": SimulatedCase(
        lambda: run(first_then(two_tasks, 2, BALANCER_503), "--deadline", "8s"),
        ExitCode.BALANCER_ERROR,
        "stable",
        "2 good of 6 answers, but not in a row; the last other one: 503 from",
        "do the service's tasks run",
    ),
    "a healthy service that is too slow for so many samples": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "10s", takes=1.0),
        ExitCode.INCONCLUSIVE,
        "answers",
        "of 10 requests answered; the run ended before the rest",
        "raise --deadline (an answer took 1 s)",
    ),
    "a healthy service whose last sample the deadline cuts": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "5s", takes=slow_from(9)),
        ExitCode.INCONCLUSIVE,
        "answers",
        "6 of 10 requests answered; the run ended before",
        "raise --deadline",
    ),
    "a task that did not come up in too few samples": SimulatedCase(
        lambda: run(
            always(200, "Hello from a"), "--deadline", "10s", "--expect-tasks", "2", takes=1.0
        ),
        ExitCode.INCONCLUSIVE,
        "tasks",
        "1 distinct",
        "raise --deadline, or lower --samples",
    ),
    "a wrong body, however few samples there were": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "10s", "--body-contains", "version 2", takes=1.0),
        ExitCode.WRONG_VERSION,
        "body-contains",
        "'<h1>Hello from task-",
        "is the new version deployed everywhere?",
    ),
    "an address that answers too slowly to be requested": SimulatedCase(
        lambda: run(
            two_tasks,
            "--deadline",
            "6s",
            "--each-address",
            addresses=("192.0.2.1", "192.0.2.2"),
            takes=slow_from(4),
        ),
        ExitCode.INCONCLUSIVE,
        "addresses",
        "1 of 2 not asked in time: 192.0.2.2",
        "raise --deadline",
    ),
    "nothing in all the time that there is": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "8s", takes=60.0),
        ExitCode.UNREACHABLE,
        "http",
        "no complete answer within 8 s, which was all that the deadline left",
        "raise --deadline; what listens here",
    ),
    "nothing within --timeout": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "8s", "--timeout", "2s", takes=60.0),
        ExitCode.UNREACHABLE,
        "http",
        "no complete answer within 2 s",
        "is the application stuck, or slow?",
    ),
    "a name that came up so late that its service had no time": SimulatedCase(
        lambda: run(two_tasks, "--deadline", "8s", takes=60.0, resolves_after=2),
        ExitCode.UNREACHABLE,
        "http",
        "which was all that the deadline left",
        "raise --deadline",
    ),
}


@pytest.mark.parametrize("name", OUT_OF_TIME)
def test_complete_answers_count_more_than_one_that_the_deadline_cut(name: str) -> None:
    check_simulated_case(OUT_OF_TIME[name])


def check_simulated_case(case: SimulatedCase) -> None:
    report = case.run()
    result = found(report, case.result)
    assert case.text in result.actual
    assert result.hint.startswith(case.hint)
    assert report.exit_code is case.code


def numbered(number: int, _request: httpx.Request) -> httpx.Response:
    """Answer with a new id each time, as one of two tasks."""
    headers = {"x-request-id": f"{number:032x}", "x-served-by": f"task-{number % 2}"}
    return httpx.Response(200, headers=headers)


IDENTITIES = {
    "a request's id, taken for a task's": SimulatedCase(
        lambda: run(numbered, "--expect-tasks", "2", "--identity", "header:X-Request-Id"),
        ExitCode.INCONCLUSIVE,
        "tasks",
        "11 distinct",
        "every answer has another name: is it a request's id?",
    ),
    "a request's id, where one task is enough": SimulatedCase(
        lambda: run(numbered, "--expect-tasks", "1", "--identity", "header:X-Request-Id"),
        ExitCode.INCONCLUSIVE,
        "tasks",
        "10 distinct",
        "every answer has another name",
    ),
    "a request's id that is only shown": SimulatedCase(
        lambda: run(numbered, "--identity", "header:X-Request-Id"),
        ExitCode.PASSED,
        "tasks",
        "10 distinct",
        "every answer has another name",
    ),
    "a task's name beside a request's id": SimulatedCase(
        lambda: run(numbered, "--expect-tasks", "2", "--identity", "header:X-Served-By"),
        ExitCode.PASSED,
        "tasks",
        "2 distinct",
        "",
    ),
    "a single sample, which proves a single task": SimulatedCase(
        lambda: run(
            numbered, "--expect-tasks", "1", "--samples", "1", "--identity", "header:X-Request-Id"
        ),
        ExitCode.PASSED,
        "tasks",
        "1 distinct",
        "",
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_that_are_new_with_every_answer_are_no_count_of_tasks(name: str) -> None:
    check_simulated_case(IDENTITIES[name])


def redirecting(location: str | None, status: int = 302) -> Handler:
    return always(status, **({} if location is None else {"location": location}))


BACK = "it points back to the requested URL: does it wait for a cookie"
AWAY = "give the redirect's target to verify"
REDIRECTS = {
    "304 to a conditional request": SimulatedCase(
        lambda: run(always(304, etag='"a"'), "--header", 'If-None-Match: "a"'),
        ExitCode.FAILED,
        "status",
        "304 (1 of 1 answers)",
        "leave out the headers If-None-Match",
    ),
    "304 with a Location": SimulatedCase(
        lambda: run(redirecting("/", 304)),
        ExitCode.FAILED,
        "status",
        "304 (1 of 1 answers)",
        "leave out the headers",
    ),
    "300": SimulatedCase(
        lambda: run(always(300)), ExitCode.FAILED, "status", "300 (1 of 1 answers)", ""
    ),
    "a redirect elsewhere": SimulatedCase(
        lambda: run(redirecting("https://a.example/")),
        ExitCode.WRONG_REDIRECT,
        "status",
        "302 redirect to https",
        AWAY,
    ),
    "a redirect to the same URL": SimulatedCase(
        lambda: run(redirecting("http://A.example:80")),
        ExitCode.WRONG_REDIRECT,
        "status",
        "302 redirect to http",
        BACK,
    ),
    "a redirect to the same path": SimulatedCase(
        lambda: run(redirecting("?a=1#top", 307), target="http://a.example/shop?a=1"),
        ExitCode.WRONG_REDIRECT,
        "status",
        "307 redirect to ?a=1",
        BACK,
    ),
    "a redirect to the same place of a virtual host": SimulatedCase(
        lambda: run(redirecting("http://b.example/"), "--host", "b.example"),
        ExitCode.WRONG_REDIRECT,
        "status",
        "302 redirect to http://b",
        BACK,
    ),
    "a redirect to no URL": SimulatedCase(
        lambda: run(redirecting("http://[")),
        ExitCode.WRONG_REDIRECT,
        "status",
        "302 redirect to http://[",
        AWAY,
    ),
    "a redirect without a Location": SimulatedCase(
        lambda: run(redirecting(None, 301)),
        ExitCode.WRONG_REDIRECT,
        "status",
        "301 (1 of 1 answers)",
        "a redirect without a Location",
    ),
}


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirect_has_a_hint_by_its_target_and_a_3xx_without_a_target_is_none(name: str) -> None:
    check_simulated_case(REDIRECTS[name])


@dataclass(frozen=True)
class ServerCase:
    """A server on loopback, the arguments of a run, and what is expected of it."""

    server: Script
    arguments: tuple[str, ...]
    code: ExitCode
    text: str
    """A part of the output."""

    hint: str = ""
    """Another part."""


def echoed(header: str, as_name: str = "", body: str = "ok") -> Script:
    """Return a server that answers with the value of a request's header, as a header too."""
    prefix = f"{header.lower()}:".encode()

    def script(_number: int, request: bytes) -> Iterator[bytes]:
        lines = [line for line in request.split(b"\r\n") if line.lower().startswith(prefix)]
        values = [line.partition(b":")[2].strip().decode() for line in lines]
        headers: dict[str, Any] = {as_name or "x_echo": ", ".join(values)}
        yield page(body.replace("VALUE", "".join(values)), **headers)

    return script


def traced(_number: int, request: bytes) -> list[bytes]:
    return [page(request if request.startswith(b"TRACE") else b"ok")]


ORIGIN = "https://app.example.com"
HEADERS = {
    "an origin that is allowed": ServerCase(
        echoed("Origin", "access_control_allow_origin"),
        (
            "--header",
            f"Origin: {ORIGIN}",
            "--expect-header",
            f"Access-Control-Allow-Origin={ORIGIN}",
        ),
        ExitCode.PASSED,
        "Access-Control-Allow-Origin=https://app.example.com",
    ),
    "a type that was accepted": ServerCase(
        echoed("Accept", "content_type"),
        (
            "--header",
            "Accept: application/json",
            "--expect-header",
            "Content-Type=application/json",
        ),
        ExitCode.PASSED,
        "Content-Type=application/json",
    ),
    "a value of JSON that was sent": ServerCase(
        echoed("X-Env", body='{"env": "VALUE"}'),
        ("--header", "X-Env: production", "--expect-json", "/env=production"),
        ExitCode.PASSED,
        "/env=production",
    ),
    "a credential that is expected, and not shown where another one fails": ServerCase(
        echoed("Authorization", body='{"token": "VALUE"}'),
        (
            "--header",
            "Authorization: Bearer hunter2-hunter2",
            "--expect-json",
            "/token=Bearer other",
        ),
        ExitCode.WRONG_VERSION,
        "'***' at /token",
    ),
    "a number of JSON that is also a key": ServerCase(
        echoed("X-Api-Key", body='{"version": VALUE}'),
        ("--header", "X-Api-Key: 1234567", "--expect-json", "/version=1"),
        ExitCode.WRONG_VERSION,
        "'***' at /version",
    ),
    "a version in Server that was also sent": ServerCase(
        lambda _number, _request: [
            page(
                "ok",
                server="nginx/1.22.1",
                x_content_type_options="nosniff",
                x_frame_options="DENY",
            )
        ],
        ("--header", "X-Server: nginx/1.22.1", "--security-headers"),
        ExitCode.FAILED,
        "Server: nginx/1.22.1",
    ),
    "a credential in a redirect": ServerCase(
        lambda _number, _request: [
            page("", 302, location="https://b.example/?sid=hunter2-hunter2")
        ],
        ("--header", "Cookie: theme=darkdark; sid=hunter2-hunter2"),
        ExitCode.WRONG_REDIRECT,
        "302 redirect to https://b.example/?***",
    ),
    "a credential in a task's name": ServerCase(
        echoed("X-Auth-Token", "x_served_by"),
        ("--header", "X-Auth-Token: hunter2-hunter2", "--identity", "header:X-Served-By"),
        ExitCode.PASSED,
        "(100%)  ***",
    ),
    "an agent and types that replace verify's": ServerCase(
        lambda _number, request: [page(str(sorted(request.lower().split(b"\r\n"))))],
        (
            "--header",
            "user-agent: probe/1",
            "--header",
            "Accept: text/x",
            "--header",
            "Accept-Encoding: br",
            "--body-regex",
            (
                r"(?s)^(?!.*verify|.*\*/\*|.*identity).*-encoding: br', b'accept: "
                r"text/x'.*agent: probe/1"
            ),
        ),
        ExitCode.PASSED,
        "the body matches",
    ),
    "a header that is given without a value": ServerCase(
        lambda _number, request: [page(request)],
        (
            "--header",
            "Accept:",
            "--header",
            "X-Empty:",
            "--body-regex",
            r"(?s)^(?!.*Accept:).*X-Empty:",
        ),
        ExitCode.PASSED,
        "the body matches",
    ),
    "TRACE that is answered with a page": ServerCase(
        lambda _number, _request: [page("Hello from a")],
        ("--no-trace",),
        ExitCode.PASSED,
        "TRACE is answered with 200, but nothing of the request is echoed",
    ),
    "TRACE that echoes": ServerCase(
        traced,
        ("--no-trace",),
        ExitCode.FAILED,
        "TRACE is answered with 200, and the request is echoed",
        "shows credentials to scripts",
    ),
}


A_FORTY = "a" * 40 + "b"
UNDECIDED = "no result within 0.1 s of processor time"
EXPRESSIONS = {
    "a body that an expression never gets through": ServerCase(
        lambda _number, _request: [page(A_FORTY)],
        ("--body-regex", "(a+)+$"),
        ExitCode.INCONCLUSIVE,
        f"{UNDECIDED} (10 of 10 answers)",
        "repeats within repeats, as in (a+)+",
    ),
    "a header that an expression never gets through": ServerCase(
        lambda _number, _request: [page("", x_a=A_FORTY)],
        ("--expect-header", "X-A~(?:a|a)*$"),
        ExitCode.INCONCLUSIVE,
        f"{UNDECIDED} (10 of 10 answers)",
        "repeats within repeats",
    ),
    "a long body that an expression tries from every place": ServerCase(
        lambda _number, _request: [page("a" * 1_000_000)],
        ("--body-regex", "a.*b"),
        ExitCode.INCONCLUSIVE,
        UNDECIDED,
        "repeats within repeats",
    ),
    "a name that an expression never finds": ServerCase(
        lambda _number, _request: [page(A_FORTY)],
        ("--identity", "body-regex:(b+b+|a)*c", "--expect-tasks", "1"),
        ExitCode.INCONCLUSIVE,
        "no answer names the task that made it",
    ),
    "a wrong body beside an expression without end": ServerCase(
        lambda _number, _request: [page(A_FORTY)],
        ("--body-regex", "(a|aa)+$", "--body-contains", "version 2"),
        ExitCode.WRONG_VERSION,
        "'version 2' in the body",
        "is the new version deployed",
    ),
    "expressions that hold": ServerCase(
        lambda _number, _request: [page(b"version 2\xff", x_a="b1")],
        (
            "--body-regex",
            "^version [0-9]",
            "--expect-header",
            "X-A~^b",
            "--identity",
            "body-regex:version ([0-9])",
        ),
        ExitCode.PASSED,
        "10 (100%)  2",
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_that_takes_too_long_is_inconclusive(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.judging.regexes.SECONDS", 0.1)
    check_server_case(EXPRESSIONS[name], capsys)


HTTPS_PORT = "this is an HTTPS port: give the URL with https://, or --scheme https"
MUTUAL = "wants a client certificate (mutual TLS)"
ONCE = ("--deadline", "0")


def nginx_400(text: str, server: str = "nginx/1.22.1") -> Script:
    body = f"<html>\r\n<head><title>400 {text}</title></head>\r\n<body>{text}</body></html>"
    return lambda _number, _request: [page(body, 400, server=server)]


def raw(*parts: bytes) -> Script:
    return lambda _number, _request: parts


def status(code: int, body: str = "", **headers: Any) -> Script:
    return lambda _number, _request: [page(body, code, **headers)]


def packed(body: bytes, **headers: Any) -> Script:
    return lambda _number, _request: [page(body, **headers)]


def without_header(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def small_until_unpacked(_number: int, _request: bytes) -> list[bytes]:
    return [page(large_body(), content_encoding="gzip")]


@cache
def large_body() -> bytes:
    return gzip.compress(b"a" * 50_000_000, compresslevel=1)


ANSWERS = {
    "plain HTTP to nginx's HTTPS port": ServerCase(
        nginx_400("The plain HTTP request was sent to HTTPS port"),
        (),
        ExitCode.FAILED,
        "400 from nginx",
        HTTPS_PORT,
    ),
    "plain HTTP to the load balancer's HTTPS port": ServerCase(
        nginx_400("The plain HTTP request was sent to HTTPS port", "awselb/2.0"),
        (),
        ExitCode.BALANCER_ERROR,
        "400 from the load balancer",
        HTTPS_PORT,
    ),
    "plain HTTP to Apache's HTTPS port": ServerCase(
        status(400, "Reason: You're speaking plain HTTP to an SSL-enabled server port."),
        (),
        ExitCode.FAILED,
        "400 (1 of 1 answers): 'Reason: You're speaking",
        HTTPS_PORT,
    ),
    "plain HTTP to the HTTPS port of a program in Go": ServerCase(
        status(400, "Client sent an HTTP request to an HTTPS server.\n"),
        (),
        ExitCode.FAILED,
        "'Client sent an HTTP request",
        HTTPS_PORT,
    ),
    "an answer in TLS": ServerCase(
        raw(b"\x15\x03\x01\x00\x02\x02\x46"),
        ONCE,
        ExitCode.UNREACHABLE,
        "it answers in TLS",
        HTTPS_PORT,
    ),
    "an answer in HTTP/2": ServerCase(
        raw(b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\1"),
        ONCE,
        ExitCode.UNREACHABLE,
        "it answers in HTTP/2",
        "verify speaks HTTP/1.1: a gRPC or HTTP/2 service",
    ),
    "nginx that refuses the client certificate": ServerCase(
        nginx_400("The SSL certificate error"),
        (),
        ExitCode.FAILED,
        "400 from nginx",
        "the server refuses the client certificate of --cert",
    ),
    "nginx that wants a client certificate": ServerCase(
        nginx_400("No required SSL certificate was sent"),
        (),
        ExitCode.FAILED,
        "400 from nginx",
        MUTUAL,
    ),
    "a gRPC target group": ServerCase(
        status(464),
        (),
        ExitCode.BALANCER_ERROR,
        "464 from the load balancer: the target group takes another version of HTTP",
        "protocol version HTTP2 or GRPC?",
    ),
    "an identity provider that fails": ServerCase(
        status(561, server="awselb/2.0"),
        (),
        ExitCode.BALANCER_ERROR,
        "561 from the load balancer: the identity",
        "is there a path without it? (guessed from the Server header)",
    ),
    "too many proxies, behind a listener that hides who answers": ServerCase(
        status(463),
        (),
        ExitCode.BALANCER_ERROR,
        "463 from the load balancer",
        "a loop? (guessed from the status)",
    ),
    "misdirected": ServerCase(
        status(421),
        (),
        ExitCode.FAILED,
        "421 (1 of 1",
        "not for the name in the request: see --host",
    ),
    "too early": ServerCase(status(425), ONCE, ExitCode.FAILED, "425", "it takes no early data"),
    "too many requests": ServerCase(
        status(429, server="nginx", retry_after="30"),
        ONCE,
        ExitCode.FAILED,
        "429 from nginx",
        "it asks to wait 30 s; it limits the rate: ask less often",
    ),
    "too many requests without Retry-After": ServerCase(
        status(429), ONCE, ExitCode.FAILED, "429", "hint: it limits the rate"
    ),
    "maintenance for an hour": ServerCase(
        status(503, server="nginx", retry_after="3600"),
        ONCE,
        ExitCode.APPLICATION_ERROR,
        "503 from nginx",
        "it asks to wait 3600 s; a target answered this",
    ),
    "a request that came too slowly": ServerCase(
        status(408, server="awselb/2.0"),
        ONCE,
        ExitCode.BALANCER_ERROR,
        "408 from the load balancer: the request did not arrive",
        "does something on the way hold requests back?",
    ),
    "a request that is too large": ServerCase(
        status(413), (), ExitCode.FAILED, "413", "leave out what is large"
    ),
    "a URL that is too long": ServerCase(
        status(414), (), ExitCode.FAILED, "414", "give a shorter --path"
    ),
    "no credential": ServerCase(
        status(401), (), ExitCode.FAILED, "401", "give one with --header @FILE"
    ),
    "an error whose page has a title": ServerCase(
        status(500, "<html>\n<head>\n<title>\n Boom &amp;\x1b[2J\n bust</title>", server="nginx"),
        ONCE,
        ExitCode.APPLICATION_ERROR,
        r"500 from nginx (1 of 1 answers): 'Boom &amp;\x1b[2J bust'",
    ),
    "an error in text, on the phase that it ends": ServerCase(
        status(500, "\n  Traceback: boom\nmore"),
        ONCE,
        ExitCode.APPLICATION_ERROR,
        "http    500: 'Traceback: boom'",
    ),
    "an error in HTML without a title": ServerCase(
        status(404, "<h1>No <b>such</b> page</h1>"),
        (),
        ExitCode.FAILED,
        "404 (1 of 1 answers): 'No such page'",
    ),
    "an error whose page says no more than its status": ServerCase(
        status(404, "<html><title>404 Not Found</title>", server="nginx"),
        (),
        ExitCode.FAILED,
        "404 from nginx (1 of 1 answers)\n",
    ),
    "an error whose page says more below its status": ServerCase(
        status(
            503,
            (
                "<html><body><h1>503 Service Unavailable</h1>\nNo server is "
                "available.\n</body></html>"
            ),
        ),
        ONCE,
        ExitCode.APPLICATION_ERROR,
        "503 (1 of 1 answers): 'No server is available.'",
    ),
    "an error that a listener's rule makes": ServerCase(
        status(404, "no such shop", server="awselb/2.0"),
        (),
        ExitCode.BALANCER_ERROR,
        ": 'no such shop'",
    ),
    "an error that repeats a credential": ServerCase(
        status(403, "hunter2-hunter2 may not do this"),
        ("--header", "Cookie: hunter2-hunter2"),
        ExitCode.FAILED,
        "403 (1 of 1 answers): '*** may not do this'",
    ),
    "a body in gzip": ServerCase(
        packed(gzip.compress(b"version 2"), content_encoding="gzip"),
        ("--body-equals", "version 2"),
        ExitCode.PASSED,
        "the body is 'version 2'",
    ),
    "a body in deflate": ServerCase(
        packed(zlib.compress(b"version 2"), content_encoding="Deflate"),
        ("--body-equals", "version 2"),
        ExitCode.PASSED,
        "the body is 'version 2'",
    ),
    "a body in deflate without its header": ServerCase(
        packed(without_header(b"version 2"), content_encoding="deflate"),
        ("--body-equals", "version 2"),
        ExitCode.PASSED,
        "the body is 'version 2'",
    ),
    "a small body that unpacks to a large one": ServerCase(
        small_until_unpacked,
        ("--body-equals", "a", "--max-body", "64KiB"),
        ExitCode.WRONG_VERSION,
        "(cut at --max-body)",
        "only the beginning of the body was read: raise --max-body",
    ),
    "a value beyond what is read of a body": ServerCase(
        packed(b'{"a": "b", "c": "d"}'),
        ("--expect-json", "/c=d", "--max-body", "8"),
        ExitCode.WRONG_VERSION,
        "no value at /c",
        "only the beginning of the body was read: raise --max-body",
    ),
    "a body in Brotli": ServerCase(
        packed(b"\x0b\x04\x80", content_encoding="br"),
        ("--body-contains", "version 2"),
        ExitCode.WRONG_VERSION,
        "a body in Content-Encoding br, which verify can't read",
    ),
    "a body that only claims to be in gzip": ServerCase(
        packed(b"version 2", content_encoding="gzip"),
        ("--body-contains", "version 2"),
        ExitCode.PASSED,
        "'version 2' in the body",
    ),
    "a body that is cut short": ServerCase(
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
        ONCE,
        ExitCode.UNREACHABLE,
        "without sending complete message body",
        "the answer broke off: did the application",
    ),
    "a body in Latin-1": ServerCase(
        packed(b"h\xf6st", content_type="text/html; charset=ISO-8859-1"),
        ("--body-contains", "h\u00f6st"),
        ExitCode.PASSED,
        "'h\u00f6st' in the body",
    ),
    "a body in UTF-16": ServerCase(
        packed("h\u00f6st".encode("utf-16"), content_type='text/plain; charset="utf-16"'),
        ("--body-equals", "h\u00f6st"),
        ExitCode.PASSED,
        "the body is 'h\u00f6st'",
    ),
    "a JSON body behind a byte order mark": ServerCase(
        packed(b'\xef\xbb\xbf{"version": 2}'),
        ("--expect-json", "/version=2"),
        ExitCode.PASSED,
        "/version=2",
    ),
    "a body in a character set that is none": ServerCase(
        packed("h\u00f6st".encode(), content_type="text/plain; charset=idna"),
        ("--body-equals", "h\u00f6st"),
        ExitCode.PASSED,
        "the body is 'h\u00f6st'",
    ),
}


@by_each_client
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_parsed_and_has_the_right_hint(
    name: str, by: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_by(by, monkeypatch)
    row = ANSWERS[name]
    if by == "httpx" and row.text.startswith("it answers in"):  # it doesn't hand on what it refuses
        row = replace(row, text="illegal request line", hint="")
    check_server_case(row, capsys)


@pytest.mark.parametrize(
    ("version", "text", "hint"),
    [
        (
            ssl.TLSVersion.TLSv1_2,
            "alert handshake failure",
            "does the listener want a client certificate (mutual TLS)",
        ),
        (
            ssl.TLSVersion.TLSv1_3,
            "alert certificate required",
            "the listener wants a client certificate (mutual TLS)",
        ),
    ],
)
def test_a_listener_that_wants_a_client_certificate_is_one_of_tls(
    version: ssl.TLSVersion,
    text: str,
    hint: str,
    authority: Authority,
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = authority.server("good")
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    with FakeAlb(lambda _number, _request: [page("ok")], context) as alb:
        code = main(
            [f"https://{alb.authority}", "--cacert", authority.file, "--deadline", "0", "--quiet"]
        )
    report = capsys.readouterr().out
    assert "FAIL  tls" in report
    assert text in report
    assert hint in report
    assert code == ExitCode.NO_TLS


def test_a_listener_that_closes_the_connection_after_tls_may_want_a_client_certificate(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: [], authority.server("good")) as alb:
        code = main(
            [f"https://{alb.authority}", "--cacert", authority.file, "--deadline", "0", "--quiet"]
        )
    report = capsys.readouterr().out
    assert "hint: does the listener want a client certificate (mutual TLS)" in report
    assert "--scheme" not in report
    assert code == ExitCode.UNREACHABLE


def test_a_listener_that_speaks_only_http_2_is_known_by_its_alert() -> None:
    alert = ssl.SSLError(
        1,
        "[SSL: TLSV1_ALERT_NO_APPLICATION_PROTOCOL] tlsv1 alert no application protocol (_ssl.c:1)",
    )
    assert alert_hint(alert).startswith("the listener speaks only HTTP/2")
    unnamed = ssl.SSLError(1, "[SSL] tlsv1 alert no application protocol (_ssl.c:1006)")
    assert alert_hint(unnamed) == alert_hint(alert)
    assert alert_hint(ssl.SSLError(1, "wrong version number")) == ""


NOWHERE = {
    "a name server that can't be asked": (
        ("a.example", "--resolver", "127.0.0.1:PORT", "--deadline", "0"),
        ExitCode.NO_NAME,
        "the name server 127.0.0.1:PORT can't be asked: Connection refused",
        "does a server for this name listen there, and answer this machine? see --resolver",
    ),
    "a name without an address of the family": (
        ("a.example", "--resolve", "a.example:80:127.0.0.1", "-6", "--deadline", "0"),
        ExitCode.NO_NAME,
        "the name has no IPv6 address (yet)",
        "has it only IPv4 ones? then leave out -6",
    ),
    "no connection, where a proxy is set": (
        ("127.0.0.1:PORT", "--deadline", "0"),
        ExitCode.NO_CONNECTION,
        "connection refused",
        "verify takes no proxy from http_proxy, only from --proxy",
    ),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_the_obstacle_to_a_connection_is_named(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:hunter2-hunter2@127.0.0.1:1")
    port = str(closed_port())
    arguments, code, text, hint = NOWHERE[name]
    assert main([*(word.replace("PORT", port) for word in arguments), "--quiet"]) == code
    report = capsys.readouterr().out
    assert text.replace("PORT", port) in report
    assert hint in report
    assert "hunter2" not in report


def test_a_watch_quotes_one_error_and_counts_it_with_the_others() -> None:
    number = iter(range(10_000))
    report = watch(lambda _now, _lane: answer(500, b"boom %d" % next(number), server="nginx"))
    errors = found(report, "errors").actual
    assert errors == "340 of 340 requests failed: 340 x 500 from nginx: 'boom 0'"


@by_each_client
@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_judged_as_they_are_and_shown_without_secrets(
    name: str, by: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_by(by, monkeypatch)
    check_server_case(HEADERS[name], capsys)


def run_by(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the runs that follow use a client by its name."""
    if by != "threads":
        monkeypatch.setattr("verify.checking.run.chosen_runtime", lambda _checks: EventLoop())
    if by == "httpx":
        monkeypatch.setattr(
            "verify.checking.run.new_client",
            lambda target, options, _: new_httpx_client(target, options),
        )


def check_server_case(row: ServerCase, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeAlb(row.server) as alb:
        code = main([alb.authority, "--interval", "1ms", "--quiet", *row.arguments])
    report = capsys.readouterr().out
    assert row.text in report
    assert row.hint in report
    assert "hunter2" not in report
    assert code == row.code


def test_a_secret_from_a_file_is_masked_whatever_its_header_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "header").write_text("X-Shop: hunter2-hunter2\n", encoding="utf-8")
    arguments = ("--header", f"@{tmp_path}/header", "--expect-header", "X-Echo=a")
    check_server_case(
        ServerCase(echoed("X-Shop"), arguments, ExitCode.WRONG_VERSION, "X-Echo: ***"), capsys
    )
