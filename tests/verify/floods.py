"""Answers that never end, or that are too large."""

import itertools
from collections.abc import Iterator

from tests.verify.fake_alb import CHUNKED, HEAD, Script, forever

GIB = 1 << 30
BLOCK = b"x" * 65536


def body_of_a_gibibyte(_number: int, _request: bytes) -> Iterator[bytes]:
    return itertools.chain(
        [HEAD + b"Content-Length: %d\r\n\r\n" % GIB], itertools.repeat(BLOCK, GIB // len(BLOCK))
    )


FLOODS: dict[str, Script] = {
    "a body of 1 GiB": body_of_a_gibibyte,
    "endless chunks": lambda _number, _request: itertools.chain(
        [CHUNKED], forever(b"10000\r\n" + BLOCK + b"\r\n")
    ),
    "a chunk without an end": lambda _number, _request: itertools.chain(
        [CHUNKED, b"40000000\r\n"], forever(BLOCK)
    ),
    "a gzip bomb": lambda _number, _request: itertools.chain(
        [HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff"],
        forever(b"\0" * 65536),
    ),
    "a header without an end": lambda _number, _request: itertools.chain(
        [HEAD, b"A: "], forever(BLOCK)
    ),
    "headers without an end": lambda _number, _request: itertools.chain(
        [HEAD], forever(b"Set-Cookie: a=b\r\n" * 4000)
    ),
    "a status line without an end": lambda _number, _request: forever(BLOCK),
    "1xx answers without an end": lambda _number, _request: forever(
        b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" * 2000
    ),
}
