"""A name server on loopback that answers by a script, and what is made of it."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.fake_alb import FakeAlb, hello
from tests.verify.loopback import closed_port
from verify.exit_codes import ExitCode
from verify.main import main
from verify.network.resolve import ask
from verify.options.values import HostPort

Reply = Callable[[int, bytes], list[bytes]]
"""Given the number of the query and its bytes: the datagrams that are sent back."""

ALIAS = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 4) + b"\x01b\xc0\x0e"
"""The first record of an answer: a.example is another name of b.example."""

ALIASED = b"\xc0\x27"
"""The name that the alias points to."""


def record(address: str, owner: bytes = b"\xc0\x0c") -> bytes:
    family, kind_of_record = (socket.AF_INET6, 28) if ":" in address else (socket.AF_INET, 1)
    packed = socket.inet_pton(family, address)
    return owner + struct.pack("!HHIH", kind_of_record, 1, 60, len(packed)) + packed


def answer(query: bytes, *records: bytes, code: int = 0, flags: int = 0x8180) -> bytes:
    """Return the answer to a query: its number, the counts, its question and the records."""
    counts = struct.pack("!HHHHH", flags | code, 1, len(records), 0, 0)
    return query[:2] + counts + query[12:] + b"".join(records)


def kind(query: bytes) -> int:
    """Return the type of record that a query asks for: 1 is A, 28 is AAAA."""
    return int.from_bytes(query[-4:-2], "big")


def sockets_of_one_port() -> tuple[socket.socket, socket.socket]:
    """Return a datagram socket and a listening stream socket on the same port.

    A port that is free for one may not be free for the other.
    """
    for _ in range(100):
        streams = socket.create_server(("127.0.0.1", 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(streams.getsockname())
        except OSError:
            datagrams.close()
            streams.close()
        else:
            return datagrams, streams
    raise AssertionError("no port is free for both")


@contextmanager
def name_server(reply: Reply, by_tcp: Reply | None = None) -> Iterator[HostPort]:
    """Serve replies by UDP, and by TCP on the same port if `by_tcp` is given; yield the port."""
    number = iter(range(1000))
    datagrams, streams = sockets_of_one_port()
    with datagrams, streams:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    query, sender = datagrams.recvfrom(4096)
                    if not query:  # shut down
                        return
                    for message in reply(next(number), query):
                        datagrams.sendto(message, sender)

        def serve_streams(how: Reply) -> None:
            with suppress(OSError):
                while True:
                    connection, _ = streams.accept()
                    with connection:
                        query = connection.recv(4096)[2:]
                        for message in how(next(number), query):
                            connection.sendall(len(message).to_bytes(2, "big") + message)

        threading.Thread(target=serve, daemon=True).start()
        if by_tcp:
            threading.Thread(target=serve_streams, args=(by_tcp,), daemon=True).start()
        yield HostPort("127.0.0.1", datagrams.getsockname()[1])
        for listening in (datagrams, streams):
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


async def addresses(
    reply: Reply, family: int | None = 4, by_tcp: Reply | None = None, limit: float = 10
) -> tuple[str, ...]:
    with name_server(reply, by_tcp) as server:
        return await resolved_by(server, family, limit)


async def resolved_by(
    server: HostPort, family: int | None = 4, limit: float = 10
) -> tuple[str, ...]:
    async with asyncio.timeout(limit):
        return await ask("a.example", server, family)


def both(_number: int, query: bytes) -> list[bytes]:
    address = "192.0.2.1" if kind(query) == 1 else "2001:db8::1"
    return [answer(query, ALIAS, record(address, ALIASED))]


@pytest.mark.parametrize(
    ("family", "found"),
    [(4, ("192.0.2.1",)), (6, ("2001:db8::1",)), (None, ("192.0.2.1", "2001:db8::1"))],
)
async def test_the_addresses_behind_aliases_are_those_of_the_family(
    family: int | None, found: tuple[str, ...]
) -> None:
    assert await addresses(both, family) == found


@pytest.mark.parametrize(
    ("code", "name"),
    [(3, "NXDOMAIN"), (2, "SERVFAIL"), (5, "REFUSED"), (6, "YXDOMAIN"), (9, "NOTAUTH")],
)
async def test_the_servers_answer_is_reported(code: int, name: str) -> None:
    with pytest.raises(socket.gaierror, match=f"{name} from the name server"):
        await addresses(lambda _number, query: [answer(query, code=code)])


async def test_a_name_without_addresses_has_none() -> None:
    assert await addresses(lambda _number, query: [answer(query)]) == ()


async def test_a_truncated_answer_is_requested_again_by_tcp() -> None:
    many = [f"192.0.2.{number}" for number in range(1, 200)]
    found = await addresses(
        lambda _number, query: [answer(query, flags=0x8380)],
        by_tcp=lambda _number, query: [answer(query, *map(record, many))],
    )
    assert found == tuple(many)


async def test_a_stream_that_ends_early_is_a_failure() -> None:
    with pytest.raises(socket.gaierror, match="EOF"):
        await addresses(
            lambda _number, query: [answer(query, flags=0x8380)], by_tcp=lambda _number, _query: []
        )


async def test_an_unrequested_datagram_is_no_answer() -> None:
    def spoofed(_number: int, query: bytes) -> list[bytes]:
        other_number = bytes([query[0] ^ 1]) + query[1:]
        other_name = query[:13] + b"b" + query[14:]
        lies = [answer(wrong, record("198.51.100.1")) for wrong in (other_number, other_name)]
        return [b"", *lies, answer(query, record("192.0.2.1"))]

    assert await addresses(spoofed) == ("192.0.2.1",)


async def test_a_lost_datagram_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.network.resolve._LOST_AFTER", 0.01)

    # dnspython pauses before each further try: 0.1 s, 0.2 s, and so on.
    def loses_two(number: int, query: bytes) -> list[bytes]:
        return both(number, query) if number > 1 else []

    assert await addresses(loses_two) == ("192.0.2.1",)


async def test_a_missing_name_server_is_a_failure() -> None:
    with pytest.raises(socket.gaierror, match="refused"):
        await resolved_by(HostPort("127.0.0.1", closed_port()))


async def test_a_silent_server_is_left_when_time_is_up() -> None:
    with pytest.raises(TimeoutError):
        await addresses(lambda _number, _query: [], limit=0.05)


async def test_a_cancellation_that_dnspython_loses_ends_the_question_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def losing(*_arguments: object, **_words: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    monkeypatch.setattr("dns.asyncresolver.Resolver.resolve", losing)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await addresses(lambda _number, _query: [], limit=0.05)
    assert time.monotonic() - began < 30


@pytest.mark.slow  # each example waits for a better answer
@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=40), st.integers(0, 5))
async def test_garbage_after_the_question_is_no_answer_or_addresses(
    garbage: bytes, count: int
) -> None:
    def reply(_number: int, query: bytes) -> list[bytes]:
        return [answer(query)[:6] + struct.pack("!HHH", count, 0, 0) + query[12:] + garbage]

    with suppress(socket.gaierror, TimeoutError):
        for address in await addresses(reply, limit=0.05):
            assert address.count(".") == 3


def test_a_whole_run_waits_for_the_given_server_to_know_the_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    def late(number: int, query: bytes) -> list[bytes]:
        return [answer(query, record("127.0.0.1")) if number > 1 else answer(query, code=3)]

    with FakeAlb(lambda _number, _request: [hello("a")]) as alb, name_server(late) as server:
        options = ("--resolver", str(server), "-4", "--interval", "1ms")
        assert main([f"a.example:{alb.port}", *options]) == ExitCode.PASSED
    shown = capsys.readouterr().out
    assert "after 2 x the name does not resolve (yet): NXDOMAIN from the name server" in shown
