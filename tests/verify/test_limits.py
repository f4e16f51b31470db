"""What a server can do to the client's machine: real runs, held to memory and time.

Times have a generous margin here, since tests share their machine; `make bench` says how exactly a
deadline holds.
"""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.verify.fake_alb import HEAD, FakeAlb, Script, forever, hello
from tests.verify.floods import BLOCK, FLOODS
from tests.verify.measuring import MEASURED, WATCHED, Done, measured
from verify.exit_codes import ExitCode

pytestmark = pytest.mark.slow  # reads endless answers in separate processes

MIB = 1024
"""Of what the system counts resident memory in."""


def verify(*arguments: str) -> Done:
    return measured(MEASURED, *arguments)


@pytest.fixture(scope="module")
def plain() -> int:
    """The memory that a run against a small page takes."""
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        return verify(alb.authority, "--deadline", "0").peak


@pytest.mark.parametrize("name", FLOODS)
def test_memory_stays_flat_for_any_answer(name: str, plain: int) -> None:
    with FakeAlb(FLOODS[name]) as alb:
        done = verify(alb.authority, "--deadline", "0", "--timeout", "2s")
    assert done.code in (ExitCode.PASSED, ExitCode.UNREACHABLE)
    assert done.peak < plain + 16 * MIB


def test_memory_does_not_grow_with_many_large_answers(plain: int) -> None:
    cookies = b"Set-Cookie: session=%s\r\n" % (b"x" * 4000) * 20
    with FakeAlb(
        lambda _number, _request: [HEAD + cookies + b"Content-Length: 65536\r\n\r\n" + BLOCK]
    ) as alb:
        done = verify(alb.authority, "--samples", "300", "--interval", "1ms")
    assert done.code == ExitCode.PASSED
    assert done.peak < plain + 16 * MIB, "300 x 80 KiB of headers would be 23 MiB"


@pytest.mark.parametrize(
    "name", ["a body of 1 GiB", "endless chunks", "a gzip bomb", "a body of 1 GiB that is no text"]
)
def test_the_largest_body_is_held_once(name: str) -> None:
    scripts = {
        **FLOODS,
        "a body of 1 GiB that is no text": lambda *_: itertools.chain(
            [HEAD, b"\r\n"], forever(b"\xff" * 65536)
        ),
    }
    with FakeAlb(scripts[name]) as alb:
        done = verify(alb.authority, "--deadline", "0", "--timeout", "60s", "--max-body", "64MiB")
    assert done.code == ExitCode.PASSED
    assert 64 * MIB < done.peak < 100 * MIB


def test_a_watch_takes_hardly_more_memory_the_longer_it_lasts() -> None:
    few, many = measured(WATCHED, "10000"), measured(WATCHED, "200000")
    assert (few.code, many.code) == (0, 0)
    assert many.peak < 30 * MIB
    assert many.peak - few.peak < 3 * MIB, "a list of their latencies would take 6"


@contextmanager
def silent() -> Iterator[str]:
    """A listener that takes connections and never says a word, not even of TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


MISBEHAVING: dict[str, Script] = {
    "trickles headers": lambda _number, _request: forever(b"H", 0.05),
    "trickles a body": lambda _number, _request: itertools.chain(
        [HEAD + b"\r\n"], forever(b"x", 0.05)
    ),
    "hangs": lambda _number, _request: [60.0],
    "hangs in the body": lambda _number, _request: [HEAD + b"Content-Length: 9\r\n\r\n", 60.0],
    "loops": lambda _number, _request: forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "floods": FLOODS["a status line without an end"],
    "answers 503 for ever": lambda _number, _request: [
        b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 9\r\n\r\n"
    ],
}
DEADLINE, MARGIN = 1.0, 3.0


@pytest.mark.parametrize("name", MISBEHAVING)
def test_the_deadline_holds_against_each_misbehaving_server(name: str) -> None:
    with FakeAlb(MISBEHAVING[name]) as alb:
        done = verify(alb.authority, "--deadline", f"{DEADLINE}s")
    assert done.code in (ExitCode.UNREACHABLE, ExitCode.APPLICATION_ERROR)
    assert done.seconds < DEADLINE + MARGIN, "of which the interpreter's start is the most"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_deadline_holds_against_silence(scheme: str) -> None:
    with silent() as authority:
        done = verify(f"{scheme}://{authority}", "--deadline", f"{DEADLINE}s")
    assert done.code == (ExitCode.UNREACHABLE if scheme == "http" else ExitCode.NO_TLS)
    assert done.seconds < DEADLINE + MARGIN
