"""How an answer is read: our parser accepts only what h11 reads the same."""

import h11
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.verify.clients import CLIENTS, probe
from tests.verify.fake_alb import FakeAlb
from verify.network.http1 import Exchange, Head, Request, plain_chunks, plain_head
from verify.network.outcome import Answer, Failure, Phase
from verify.network.runtime import completed

OK = b"HTTP/1.1 200 OK\r\n"
LINES = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length:5\r\n",
        b"content-length: 5 \t\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5\n",
        b"Content-Length : 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b" folded\r\n",
        b"A: b\r\n",
        b"A:\r\n",
        b"A: \xff\r\n",
        b"A: \x00\r\n",
        b"A: b\rc\r\n",
        b"A b: c\r\n",
        b": b\r\n",
        b"A\r\n",
        b"\xc3\xa9: b\r\n",
        b"Connection: close\r\n",
        b"X-Served-By: a\r\n",
    ]
)
STATUS_LINES = st.sampled_from(
    [
        OK,
        b"HTTP/1.1 200\r\n",
        b"HTTP/1.1 200 \r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 204 No\r\n",
        b"HTTP/1.1 304 Not\r\n",
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.1 599 \t\r\n",
        b"HTTP/1.1 999 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/2 200 OK\r\n",
        b"http/1.1 200 OK\r\n",
        b"HTTP/1.1 200 O\x00K\r\n",
        b"HTTP/1.1 200 OK\n",
    ]
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n"])


def by_h11(data: bytes, method: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return the status, headers and body that h11 finds in an answer."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    head = connection.next_event()
    assert isinstance(head, h11.Response)
    headers = [(name.decode(), value.decode()) for name, value in head.headers]
    body = b""
    following = connection.next_event()
    while isinstance(following, h11.Data):
        body += following.data
        following = connection.next_event()
    return head.status_code, headers, body


@st.composite
def heads(
    draw: st.DrawFn, status: st.SearchStrategy[bytes], lines: st.SearchStrategy[bytes]
) -> list[bytes]:
    """Draw a status line, a length and another header in any order, one more line, and an end."""
    status_line = draw(status)
    headers = draw(st.permutations([b"Content-Length: 5\r\n", b"A: b\r\n"]))
    return [status_line, *headers, draw(lines), draw(ENDS)]


@examples(400)
@given(
    heads(STATUS_LINES, st.just(b"")) | heads(st.just(OK), LINES), st.sampled_from(["GET", "HEAD"])
)
def test_the_fast_path_parses_a_head_like_h11(parts: list[bytes], method: str) -> None:
    data = b"".join(parts) + b"hello"
    plain = plain_head(data, method)
    if plain is None:
        return  # h11 reads it, whatever it is
    event("read the short way")
    head, length, start = plain
    if length is None:
        return  # in chunks, of which another test reads the body
    body = data[start : start + length]
    assert (head.status, list(head.headers), body) == by_h11(data, method)


CHUNKS = st.sampled_from(
    [
        b"5\r\nhello\r\n",
        b"a\r\n0123456789\r\n",
        b"0A\r\n0123456789\r\n",
        b"0\r\n\r\n",
        b"5;a=b\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"4\r\nhello\r\n",
        b"5\nhello\n",
        b"0\r\nA: b\r\n\r\n",
        b"-5\r\nhello\r\n",
        b"\r\n",
        b"000000005\r\nhello\r\n",
        b"5\r\nhel",
        b"5\r\nhelloXX",
    ]
)


@examples(300)
@given(
    st.lists(CHUNKS, max_size=4).map(b"".join),
    st.sampled_from([b"0\r\n\r\n", b"0\r\n\r\nmore", b"00\r\n\r\n", b""]),
)
def test_the_fast_path_parses_chunks_like_h11(parts: bytes, end: bytes) -> None:
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    assert plain_head(head, "GET") == (
        Head(200, (("transfer-encoding", "chunked"),)),
        None,
        len(head),
    )
    whole = plain_chunks(parts + end, 0)
    if whole is None:
        return  # h11 reads it, whatever it is
    event("read the short way")
    assert bytes(whole[0]) == by_h11(head + parts + end, "GET")[2]


@pytest.mark.parametrize("status", [b"200", b"204", b"404", b"503"])
def test_a_plain_answer_is_parsed_by_the_fast_path(status: bytes) -> None:
    head = (
        b"HTTP/1.1 "
        + status
        + b" Some Reason\r\nDate: Sun, 29 Nov 2026\r\nContent-Length: 5\r\n\r\n"
    )
    plain = plain_head(head + b"hello", "GET")
    assert plain is not None
    parsed, length, start = plain
    assert parsed.status == int(status)
    assert length == (0 if status == b"204" else 5)
    assert start == len(head)


HELLO = b"Content-Length: 5\r\n\r\nhello"
READ: dict[str, tuple[list[bytes], tuple[int, bytes]]] = {
    "a length": ([OK + HELLO], (200, b"hello")),
    "a length, in pieces": (
        [OK[:9], OK[9:] + HELLO[:12], HELLO[12:24], HELLO[24:]],
        (200, b"hello"),
    ),
    "the same length twice": ([OK + b"Content-Length: 5\r\n" + HELLO], (200, b"hello")),
    "a list of the same length": ([OK + b"Content-Length: 5, 5\r\n\r\nhello"], (200, b"hello")),
    "a length and chunks, of which chunks count": (
        [OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        (200, b"hello"),
    ),
    "chunks": (
        [OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        (200, b"hello"),
    ),
    "chunks, whose end comes by itself": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"],
        (200, b"hello"),
    ),
    "chunks in pieces": (
        [
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            b"2",
            b"\r\nhe\r",
            b"\n3\r\nl",
            b"lo\r\n",
            b"0\r\n",
            b"\r\n",
        ],
        (200, b"hello"),
    ),
    "two chunks, and another answer behind them": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + OK + HELLO],
        (200, b"hello"),
    ),
    "a status that has no body, with chunks": (
        [b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n"],
        (304, b""),
    ),
    "chunks with an extension and a trailer": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n"],
        (200, b"hello"),
    ),
    "a body to the end of the connection": ([OK + b"\r\nhello"], (200, b"hello")),
    "HTTP/1.0": ([b"HTTP/1.0 200 OK\r\n\r\nhello"], (200, b"hello")),
    "another answer behind the first": (
        [OK + HELLO + b"HTTP/1.1 500 No\r\n" + HELLO],
        (200, b"hello"),
    ),
    "provisional answers first": (
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + OK + HELLO],
        (200, b"hello"),
    ),
    "a status that has no body, with a length": (
        [b"HTTP/1.1 304 Not Modified\r\n" + HELLO],
        (304, b""),
    ),
    "a folded header": ([OK + b"A: b\r\n c\r\n" + HELLO], (200, b"hello")),
    "a header in Latin-1": ([OK + b"A: \xe9\r\n" + HELLO], (200, b"hello")),
    "lines that end in a line feed": (
        [b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"],
        (200, b"hello"),
    ),
}
REFUSED: dict[str, list[bytes]] = {
    "two lengths": [OK + b"Content-Length: 4\r\n" + HELLO],
    "a length with a sign": [OK + b"Content-Length: +5\r\n\r\nhello"],
    "a length in hexadecimal": [OK + b"Content-Length: 0x5\r\n\r\nhello"],
    "a length without digits": [OK + b"Content-Length: \r\n\r\nhello"],
    "a space before a colon": [OK + b"Content-Length : 5\r\n\r\nhello"],
    "another transfer coding": [
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ],
    "a transfer coding that only looks like chunks": [
        OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    ],
    "a header without a name": [OK + b": b\r\n" + HELLO],
    "a NUL in a header": [OK + b"A: \x00b\r\n" + HELLO],
    "a carriage return in a header": [OK + b"A: b\rContent-Length: 0\r\n" + HELLO],
    "a chunk that is longer than its size": [
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n"
    ],
    "a chunk with a negative size": [
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"
    ],
    "an end in the middle of a body": [OK + b"Content-Length: 6\r\n\r\nhello"],
    "an end in the middle of a chunk": [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"],
    "an end without the last chunk": [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
    "a switch to another protocol": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    "a provisional answer only": [b"HTTP/1.1 100 Continue\r\n\r\n"],
    "HTTP/2 in the status line": [b"HTTP/2 200 OK\r\n" + HELLO],
}


class Replay:
    """A stream of which nothing is used but what it receives."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = iter(parts)

    async def receive(self) -> bytes:
        return next(self._parts, b"")


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reusable"),
    [
        (OK + HELLO, True),
        (OK + HELLO + b"more", False),
        (OK + b"Connection: close\r\n" + HELLO, False),
        (OK + b"Connection: keep-alive\r\n" + HELLO, True),
        (OK + b"Content-Length: 50\r\n\r\n" + b"x" * 50, False),
        (CHUNKED, True),
        (CHUNKED + b"more", False),
        (CHUNKED.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), False),
        (OK + b"A: b\r\n c\r\n" + HELLO, True),
        (OK + b"A: b\r\n c\r\n" + HELLO + b"more", False),
        (OK + b"\r\nhello", False),
    ],
)
def test_a_connection_is_used_again_after_a_whole_answer_with_nothing_behind_it(
    answer: bytes,
    *,
    reusable: bool,
) -> None:
    exchange = Exchange(Replay(answer), Request("GET", "/", (("Host", "a"),), max_body=20))  # type: ignore[arg-type]
    completed(exchange.head())
    completed(exchange.body())
    assert exchange.reusable == reusable


@pytest.mark.parametrize("by", CLIENTS)
@pytest.mark.parametrize("name", READ)
def test_an_answer_is_the_same_for_every_client(name: str, by: str) -> None:
    parts, expected = READ[name]
    outcome = outcome_of(parts, by)
    assert isinstance(outcome, Answer), outcome
    assert (outcome.status, bytes(outcome.body), outcome.truncated) == (*expected, False)


@pytest.mark.parametrize("by", CLIENTS)
@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_answer_is_refused_by_every_client(name: str, by: str) -> None:
    outcome = outcome_of(REFUSED[name], by)
    assert isinstance(outcome, Failure), outcome
    assert (outcome.phase, outcome.final, outcome.timed_out) == (Phase.HTTP, False, False)


@pytest.mark.parametrize("by", CLIENTS)
def test_an_answer_to_head_has_no_body(by: str) -> None:
    outcome = outcome_of([OK + b"Content-Length: 5\r\n\r\n"], by, "--method", "HEAD")
    assert isinstance(outcome, Answer)
    assert (outcome.status, bytes(outcome.body)) == (200, b"")


def outcome_of(parts: list[bytes], by: str, *arguments: str) -> Answer | Failure:
    steps: list[bytes | float] = []
    for part in parts:
        steps += [part, 0.02]
    with FakeAlb(lambda _number, _request: steps) as alb:
        (outcome,) = probe(alb.authority, *arguments, by=by)
    return outcome
