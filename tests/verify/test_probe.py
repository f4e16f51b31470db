"""One request to servers that misbehave on real sockets: it ends in time, with a reason."""

import asyncio
import gc
import itertools
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.verify import clients
from tests.verify.clients import by_each_client, kept, look_up
from tests.verify.fake_alb import CHUNKED, HEAD, FakeAlb, Script, forever, hello, page
from tests.verify.loopback import closed_port
from verify import VERSION
from verify.cli.parser import parse_options
from verify.network.event_loop import EventLoop
from verify.network.httpx_client import HttpxClient
from verify.network.outcome import Answer, Failure, Phase
from verify.network.probe import Probe
from verify.network.resolve import chosen_resolver
from verify.network.runtime import completed
from verify.network.threads import Threads
from verify.options.target import Target, parse_target

LIMIT = 0.4
"""Seconds; how exactly it is kept is for the benchmark, here a busy machine must not matter."""


def probe(target: str, *arguments: str, **words: Any) -> Answer | Failure:
    (outcome,) = clients.probe(target, *arguments, **words)
    return outcome


def ask(script: Script, *arguments: str, by: str, limit: float = 5.0) -> Answer | Failure:
    with FakeAlb(script) as alb:
        return probe(alb.authority, *arguments, by=by, limit=limit)


def answered(script: Script, *arguments: str, by: str) -> Answer:
    outcome = ask(script, *arguments, by=by)
    assert isinstance(outcome, Answer), outcome
    return outcome


def mocked(handler: Any, scheme: str = "http") -> HttpxClient:
    """A client over a made-up transport."""
    return HttpxClient(httpx.MockTransport(handler), scheme=scheme, name="a.example")


@by_each_client
def test_an_answer_carries_status_headers_body_and_times(by: str) -> None:
    answer = answered(lambda _number, _request: [page("hi", x_served_by="a")], by=by)
    assert (answer.status, answer.body, answer.header("X-Served-By")) == (200, b"hi", "a")
    assert answer.addresses == ("127.0.0.1",)
    assert 0 < answer.timings.connect < answer.timings.first_byte <= answer.timings.total
    assert answer.timings.tls is None


def test_every_request_has_its_own_connection_an_identifying_agent_and_no_cookie() -> None:
    with FakeAlb(lambda _number, _request: [page("", set_cookie="AWSALB=1")]) as alb:
        for _ in range(2):
            probe(alb.authority, "--header", "X-Probe: yes", "--host", "shop.example")
        first, second = alb.requests
    assert first == second
    assert f"User-Agent: verify/{VERSION} (post-deploy check)\r\n".encode() in first
    assert b"Host: shop.example" in first
    assert b"X-Probe: yes" in first
    assert b"cookie" not in first.lower()


class _Keeping(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        if self.path == "/close":
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class's name
        pass


@contextmanager
def keeping_server() -> Iterator[int]:
    """A server that keeps connections, except for /close; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Keeping) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("path", "connections"), [("/", 1), ("/close", 3)])
async def test_a_kept_connection_is_used_again_and_its_address_stays(
    path: str, connections: int
) -> None:
    looked_up: list[str] = []

    async def two(host: str) -> tuple[str, ...]:
        looked_up.append(host)
        return ("127.0.0.1", "127.0.0.2")

    with keeping_server() as port:
        target = parse_target(f"http://a.example:{port}{path}").target
        async with kept(target, two) as keeping:
            outcomes = [await keeping(5.0) for _ in range(3)]
    assert looked_up == ["a.example"]
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert [answer.address for answer in answers] == ["127.0.0.1"] * 3
    assert sum(answer.timings.connect > 0 for answer in answers) == connections


def test_of_connections_at_the_same_time_one_is_kept_and_the_others_are_closed() -> None:
    async def three_and_one(target: Target) -> list[Answer | Failure]:
        async with kept(target, look_up) as keeping:
            three = await asyncio.gather(keeping(5.0), keeping(5.0), keeping(5.0))
            return [*three, await keeping(5.0)]

    with keeping_server() as port:
        outcomes = asyncio.run(three_and_one(parse_target(f"http://127.0.0.1:{port}/").target))
    gc.collect()  # which complains of connections that were left open
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert [answer.timings.connect > 0 for answer in answers] == [True, True, True, False]


async def test_a_kept_connection_that_the_server_has_closed_is_opened_again() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        async with kept(parse_target(alb.authority).target, look_up) as keeping:
            first = await keeping(5.0)
            await asyncio.sleep(0.2)  # until the end of the connection has arrived here
            second = await keeping(5.0)
    for outcome in (first, second):
        assert isinstance(outcome, Answer)
        assert outcome.timings.connect > 0


async def test_a_failure_on_a_kept_connection_is_one_of_http_and_drops_its_address() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "192.0.2.1":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200)

    async def resolver(_host: str) -> tuple[str, ...]:
        return ("192.0.2.1", "192.0.2.2")

    async def reused(request: httpx.Request) -> httpx.Response:
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        return handler(request)

    keeping = Probe(
        parse_target("a.example").target,
        parse_options([]),
        client=mocked(reused),
        resolver=resolver,
        runtime=EventLoop(),
        keep=True,
    )
    first, second = [await keeping(1.0) for _ in range(2)]
    assert isinstance(first, Failure)
    assert first.phase is Phase.HTTP
    assert isinstance(second, Answer)


def test_a_request_looks_for_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []

    class Watching:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            looked_for.append(name)

    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        probe(alb.authority)
        monkeypatch.setattr(sys, "meta_path", [Watching, *sys.meta_path])
        probe(alb.authority)
    assert looked_for == [], (
        "searching the disk for a module costs as much as the rest of a request"
    )


@by_each_client
def test_a_proxy_from_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert answered(lambda _number, _request: [hello("a")], by=by).status == 200


@by_each_client
@pytest.mark.parametrize(
    "location", ["/next", "file:///etc/passwd", "http://", "::", "https://elsewhere.example"]
)
def test_a_redirect_is_shown_never_followed(location: str, by: str) -> None:
    answer = answered(lambda _number, _request: [page("", 302, location=location)], by=by)
    assert (answer.status, answer.header("location")) == (302, location)


BIG = 1 << 30


@by_each_client
@pytest.mark.parametrize(
    ("start", "part"),
    [
        pytest.param(
            HEAD + b"Content-Length: %d\r\n\r\n" % BIG, b"x" * 65536, id="1 GiB with a length"
        ),
        pytest.param(HEAD + b"\r\n", b"x" * 65536, id="an endless body"),
        pytest.param(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n", id="endless chunks"),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b" + b"\0" * 65536, id="a gzip bomb"
        ),
    ],
)
def test_a_huge_body_is_cut(start: bytes, part: bytes, by: str) -> None:
    answer = answered(
        lambda _number, _request: itertools.chain([start], forever(part)),
        "--max-body",
        "64KiB",
        by=by,
    )
    assert answer.truncated
    assert len(answer.body) == 64 * 1024


@by_each_client
@pytest.mark.parametrize(
    ("response", "text"),
    [
        pytest.param([b""], "disconnected without sending", id="closed at once"),
        pytest.param([b"hello\n"], "is no HTTP: 'hello'", id="HTTP/0.9"),
        pytest.param(
            [b"SSH-2.0-\x1b[31m\r\n"],
            r"is no HTTP: 'SSH-2.0-\x1b[31m'",
            id="another protocol's greeting",
        ),
        pytest.param([HEAD], "before the end of its answer's headers", id="closed in the headers"),
        pytest.param(
            [b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"], "it answers in HTTP/2", id="HTTP/2"
        ),
        pytest.param([b"\x15\x03\x01\x00\x02\x02\x46"], "it answers in TLS", id="a TLS alert"),
        pytest.param(
            [b"HTTP/1.1 abc OK\r\n\r\n"], "illegal status line: ", id="a status that is no number"
        ),
        pytest.param(
            [HEAD + b"A: " + b"x" * (1 << 20)], "more than 100 KiB|too long", id="a header of 1 MiB"
        ),
        pytest.param(
            [HEAD + b"Set-Cookie: a=b\r\n" * 20_000],
            "more than 100 KiB|too long",
            id="a flood of cookies",
        ),
        pytest.param([HEAD + b"no colon\r\n\r\n"], "illegal header line", id="a broken header"),
        pytest.param(
            [HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
            "Content-Length",
            id="two lengths",
        ),
        pytest.param(
            [HEAD + b"Content-Length: -1\r\n\r\n"], "Content-Length", id="a negative length"
        ),
        pytest.param(
            [HEAD + b"Content-Length: 9\r\n\r\nshort"], "closed connection", id="closed in the body"
        ),
        pytest.param([CHUNKED + b"zz\r\n"], "illegal chunk", id="garbage for chunks"),
        pytest.param(
            [b"\x1b[31m\x1b]0;owned\x07\r\n\r\n"], "illegal status line", id="terminal codes"
        ),
    ],
)
def test_garbage_is_a_failure_of_the_http_phase_in_printable_words(
    response: list[bytes], text: str, by: str
) -> None:
    outcome = ask(lambda _number, _request: response, by=by)
    assert isinstance(outcome, Failure)
    assert outcome.phase is Phase.HTTP
    assert outcome.reason.isprintable()
    if by == "httpx":  # which doesn't pass on what was sent
        if text.startswith("it answers in"):
            text = "illegal request line"
        if "is no HTTP" in text or "of its answer" in text:
            text = "disconnected without sending"
    assert any(words in outcome.reason for words in text.split("|")), outcome.reason


@pytest.mark.parametrize("by", ["threads", "event loop"])
@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        pytest.param([HEAD], "the answer breaks the rules of HTTP/1.1", id="closed in the headers"),
        pytest.param(
            [HEAD + b"Content-Length: -1\r\n\r\n"],
            "the answer breaks the rules",
            id="a negative length",
        ),
        pytest.param([b"HTTP/1.1 OK\r\n\r\n"], "the answer breaks the rules", id="no status"),
        pytest.param(
            [HEAD + b"Content-Length: 9\r\n\r\nx"], "the answer broke off", id="closed in the body"
        ),
        pytest.param(
            [CHUNKED + b"5\r\nhello\r\nZZ\r\n"],
            "the answer breaks the rules of HTTP/1.1",
            id="a malformed chunk",
        ),
        pytest.param([CHUNKED + b"5\r\nhe"], "the answer broke off", id="closed in a chunk"),
        pytest.param([b"SSH-2.0\r\n"], "what listens here speaks no HTTP", id="another protocol"),
        pytest.param([b"\0\0\0\x01\r\n"], "what listens here speaks no HTTP", id="bytes"),
        pytest.param([b"\x15\x03\x03"], "this is an HTTPS port", id="TLS without an end of a line"),
    ],
)
def test_a_hint_depends_on_the_beginning_of_an_answer(
    parts: list[bytes | float], hint: str, by: str
) -> None:
    outcome = ask(lambda _number, _request: parts, by=by)
    assert isinstance(outcome, Failure)
    assert outcome.hint.startswith(hint)
    assert "bytearray" not in outcome.reason
    assert "request line" not in outcome.reason, "it is an answer"


def test_a_body_that_takes_too_long_is_no_sign_of_an_https_port() -> None:
    parts: list[bytes | float] = [HEAD + b"Content-Length: 9\r\n\r\nx", 60.0]
    outcome = ask(lambda _number, _request: parts, "--timeout", "300ms", by="threads", limit=0.3)
    assert isinstance(outcome, Failure)
    hint = "is the application stuck, or slow? raise --timeout if it may take longer"
    assert outcome.hint == hint


def test_a_body_that_the_deadline_cuts_has_not_broken_off() -> None:
    parts: list[bytes | float] = [HEAD + b"Content-Length: 9\r\n\r\nx", 60.0]
    outcome = ask(lambda _number, _request: parts, by="threads", limit=0.3)
    assert isinstance(outcome, Failure)
    assert outcome.hint == (
        "raise --deadline; the answer was still on its way: is its body large, or the application "
        "slow?"
    )


PIECES = [
    HEAD,
    CHUNKED,
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    b"\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"hello",
    b"\x00",
    b"\n",
]


@examples(80)
@given(
    pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=8),
    keep=st.booleans(),
)
def test_any_bytes_of_a_server_are_an_answer_or_a_failure_of_the_http_phase(
    pieces: list[bytes], *, keep: bool
) -> None:
    async def twice(target: Target) -> list[Answer | Failure]:
        async with kept(target, look_up, keep=keep) as asking:
            return [await asking(5.0) for _ in range(2)]

    with FakeAlb(lambda _number, _request: pieces) as alb:
        outcomes = asyncio.run(twice(parse_target(alb.authority).target))
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            assert outcome.phase is Phase.HTTP
            assert outcome.reason.isprintable()


@pytest.mark.slow  # each attempt waits its limit out
@by_each_client
@pytest.mark.parametrize(
    ("start", "part", "pause"),
    [
        pytest.param(b"", b"", 60.0, id="silence"),
        pytest.param(HEAD, b"", 60.0, id="half of the headers"),
        pytest.param(b"", b"H", 0.02, id="a trickle of headers"),
        pytest.param(HEAD + b"\r\n", b"x", 0.02, id="a trickle of a body"),
        pytest.param(CHUNKED, b"1\r\nx\r\n", 0.02, id="a trickle of chunks"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001, id="a flood of 1xx"),
    ],
)
def test_no_server_holds_an_attempt_longer_than_its_limit(
    start: bytes, part: bytes, pause: float, by: str
) -> None:
    began = time.monotonic()
    limits = ("--timeout", f"{LIMIT}s")
    outcome = ask(
        lambda _number, _request: itertools.chain([start], forever(part, pause)),
        *limits,
        limit=LIMIT,
        by=by,
    )
    assert time.monotonic() - began < LIMIT + 2
    assert isinstance(outcome, Failure)
    assert (outcome.phase, outcome.reason) == (Phase.HTTP, "no complete answer within 0.4 s")


def test_a_name_server_that_hangs_is_left_behind() -> None:
    async def hangs(_host: str) -> tuple[str, ...]:
        await asyncio.sleep(60)
        return ()

    outcome = probe("a.example", "--timeout", "50ms", limit=0.05, resolver=hangs)
    assert isinstance(outcome, Failure)
    assert (outcome.phase, outcome.reason) == (Phase.RESOLVE, "no answer within 0.05 s")


def test_a_name_that_does_not_resolve_is_a_failure_of_the_resolve_phase() -> None:
    async def unknown(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known\x1b[0m")

    outcome = probe("a.example", resolver=unknown)
    assert isinstance(outcome, Failure)
    assert outcome.phase is Phase.RESOLVE
    assert outcome.reason.isprintable()
    assert not outcome.final


def test_a_name_without_addresses_is_a_failure_of_the_resolve_phase() -> None:
    async def empty(_host: str) -> tuple[str, ...]:
        return ()

    outcome = probe("a.example", resolver=empty)
    assert isinstance(outcome, Failure)
    assert outcome.phase is Phase.RESOLVE


def test_a_port_where_nothing_listens_is_a_failure_of_the_connect_phase() -> None:
    outcome = probe(f"127.0.0.1:{closed_port()}")
    assert isinstance(outcome, Failure)
    assert (outcome.phase, outcome.reason) == (Phase.CONNECT, "connection refused")
    assert outcome.addresses == ("127.0.0.1",)


def test_a_dead_address_among_two_does_not_fail_the_attempt() -> None:
    async def two(_host: str) -> tuple[str, ...]:
        return ("127.9.9.9", "127.0.0.1")

    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        outcome = probe(f"a.example:{alb.port}", resolver=two)
    assert isinstance(outcome, Answer)
    assert outcome.address == "127.0.0.1"
    assert outcome.addresses == ("127.9.9.9", "127.0.0.1")
    assert outcome.unreachable == ("127.9.9.9",)


async def test_the_name_is_resolved_for_every_attempt_and_its_addresses_take_turns() -> None:
    looked_up: list[str] = []
    seen: list[str] = []

    async def resolver(host: str) -> tuple[str, ...]:
        looked_up.append(host)
        return ("192.0.2.1", "192.0.2.2")

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.host} {request.headers['host']}")
        return httpx.Response(200)

    target = parse_target("a.example").target
    client = mocked(handler)
    one = Probe(target, parse_options([]), client=client, resolver=resolver, runtime=EventLoop())
    for _ in range(4):
        await one(1.0)
    assert looked_up == ["a.example"] * 4
    assert seen == ["192.0.2.1 a.example", "192.0.2.2 a.example"] * 2


def test_plain_http_behind_https_is_a_failure_of_the_tls_phase() -> None:
    with FakeAlb(lambda _number, _request: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as alb:
        outcome = probe(f"https://{alb.authority}")
    assert isinstance(outcome, Failure)
    assert outcome.phase is Phase.TLS
    assert "--scheme http" in outcome.hint


def test_a_refused_certificate_is_final() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        cause = ssl.SSLCertVerificationError("no")
        cause.verify_code, cause.verify_message = 62, "Hostname mismatch"
        raise httpx.ConnectError("handshake") from cause

    outcome = probe("https://127.0.0.1", client=mocked(refuse, "https"))
    assert isinstance(outcome, Failure)
    assert (outcome.phase, outcome.final) == (Phase.TLS, True)
    assert outcome.reason == "the certificate is for other names: Hostname mismatch"


@by_each_client
def test_a_secret_in_garbage_is_not_shown(by: str) -> None:
    outcome = ask(
        lambda _number, request: [request],
        "--header",
        "Authorization: Bearer hunter2-hunter2",
        by=by,
    )
    assert isinstance(outcome, Failure)
    assert "hunter2" not in outcome.reason


async def test_localhost_is_resolved_by_the_system() -> None:
    assert "127.0.0.1" in await look_up("localhost")


def resolved(target: str, *arguments: str) -> tuple[str, ...]:
    parsed = parse_target(target).target
    return completed(chosen_resolver(parsed, parse_options(arguments), Threads())(parsed.host))  # type: ignore[arg-type]


def test_given_addresses_are_used_for_their_own_name_and_port_only() -> None:
    pinned = ("--resolve", "A.example:80:192.0.2.1,[2001:db8::1]")
    assert resolved("a.example", *pinned) == ("192.0.2.1", "2001:db8::1")
    assert resolved("a.example", *pinned, "-4") == ("192.0.2.1",)
    assert resolved("a.example", *pinned, "-6") == ("2001:db8::1",)
    assert resolved("127.0.0.1:8080", *pinned) == ("127.0.0.1",)


def test_only_addresses_of_the_chosen_family_are_used() -> None:
    assert resolved("127.0.0.1", "-6") == ()
    assert "::1" not in resolved("localhost", "--ipv4")


async def test_an_address_needs_no_resolver() -> None:
    assert await look_up("::1") == ("::1",)


async def test_an_unknown_name_raises_the_systems_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="Temporary failure"):
        await look_up("a.example")
