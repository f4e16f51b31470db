"""A kept connection that the server closes: no failure where asking again would succeed."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from tests.verify.clients import kept
from tests.verify.fake_alb import hello, page
from verify.network.outcome import Answer, Failure, Phase
from verify.options.target import parse_target

Behaviour = Callable[[socket.socket], None]
"""What a server does with its first connection once it has answered there."""

WHOLE = hello("a")
PAUSE = 0.05
IN_FLIGHT = 0.5
"""Seconds; longer than in truth, since threads share a busy machine."""


@pytest.fixture(autouse=True)
def _on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.network.client._IN_FLIGHT", IN_FLIGHT)


def closes_at_once(connection: socket.socket) -> None:
    connection.close()


def closes_while_idle(connection: socket.socket) -> None:
    time.sleep(PAUSE / 2)
    connection.close()


def says_408_and_closes(connection: socket.socket) -> None:
    connection.sendall(page("", 408))
    connection.close()


def says_408_together_with_the_answer(connection: socket.socket) -> None:
    connection.sendall(page("", 408))


def closes_as_the_request_arrives(connection: socket.socket) -> None:
    connection.recv(1)
    connection.close()


def resets_as_the_request_arrives(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def closes_while_it_works_on_the_request(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(2 * IN_FLIGHT)
    connection.close()


def closes_in_the_middle_of_the_answer(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(WHOLE[:20])
    connection.close()


def ask_twice(
    behaviour: Behaviour, *, addresses: tuple[str, ...] = ("127.0.0.1",)
) -> list[Answer | Failure]:
    """Send two requests on a kept connection with a pause between them.

    Later connections are answered well.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            first = True
            with suppress(OSError), ExitStack() as closing:
                while True:
                    connection = closing.enter_context(listener.accept()[0])
                    connection.recv(65536)
                    connection.sendall(WHOLE)
                    if first:
                        behaviour(connection)
                    first = False

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        turns = iter(addresses)

        async def resolver(_host: str) -> tuple[str, ...]:
            return tuple(filter(None, (next(turns, addresses[-1]),)))

        async def twice() -> list[Answer | Failure]:
            target = parse_target(f"a.example:{listener.getsockname()[1]}").target
            async with kept(target, resolver) as probe:
                first = await probe(5.0)
                await asyncio.sleep(PAUSE)
                return [first, await probe(5.0)]

        try:
            return asyncio.run(twice())
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


@pytest.mark.parametrize(
    "behaviour",
    [
        closes_at_once,
        closes_while_idle,
        says_408_and_closes,
        says_408_together_with_the_answer,
        closes_as_the_request_arrives,
        resets_as_the_request_arrives,
    ],
)
def test_a_connection_that_is_closed_while_idle_is_opened_again(behaviour: Behaviour) -> None:
    for outcome in ask_twice(behaviour):
        assert isinstance(outcome, Answer), outcome
        assert (outcome.status, outcome.timings.connect > 0) == (200, True)


@pytest.mark.parametrize(
    "behaviour",
    [
        # It waits for more than a second.
        pytest.param(closes_while_it_works_on_the_request, marks=pytest.mark.slow),
        closes_in_the_middle_of_the_answer,
    ],
)
def test_a_request_that_the_server_has_begun_to_answer_fails_with_its_connection(
    behaviour: Behaviour,
) -> None:
    first, second = ask_twice(behaviour)
    assert isinstance(first, Answer)
    assert isinstance(second, Failure)
    assert second.phase is Phase.HTTP


def test_a_name_that_has_moved_is_looked_up_again_when_its_kept_connection_is_gone() -> None:
    _, second = ask_twice(closes_while_idle, addresses=("127.0.0.1", "127.9.9.9"))
    assert isinstance(second, Failure)
    assert (second.phase, second.addresses) == (Phase.CONNECT, ("127.9.9.9",))


def test_a_name_that_is_gone_when_its_kept_connection_is_closed_is_a_failure_to_resolve() -> None:
    _, second = ask_twice(closes_as_the_request_arrives, addresses=("127.0.0.1", ""))
    assert isinstance(second, Failure)
    assert (second.phase, second.addresses) == (Phase.RESOLVE, ())
