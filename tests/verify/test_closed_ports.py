"""Ports that must be closed: they pass only if the control port is open."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.clients import look_up
from tests.verify.fake_alb import FakeAlb, hello
from tests.verify.loopback import closed_port
from tests.verify.virtual_time import run_in_virtual_time
from verify.checking.closed_ports import (
    EarlyTries,
    PortState,
    closed_result,
    try_connect,
    try_connect_all,
)
from verify.cli.parser import parse_options
from verify.judging.report import Result, Status
from verify.network.client import new_client
from verify.network.event_loop import EventLoop
from verify.network.probe import Probe
from verify.options.target import parse_target
from verify.options.values import HostPort

ALB, TASK, OTHER = HostPort("a.example", 80), HostPort("10.0.0.1", 80), HostPort("10.0.0.2", 80)
CLOSED = [PortState.DROPPED, PortState.REFUSED, PortState.NO_ROUTE]


def result(**states: PortState) -> Result:
    ports = {"alb": ALB, "task": TASK, "other": OTHER}
    return closed_result([TASK, OTHER], ALB, {ports[name]: value for name, value in states.items()})


@pytest.mark.parametrize("closed", CLOSED)
def test_ports_are_closed_when_only_the_load_balancer_answers(closed: PortState) -> None:
    found = result(alb=PortState.OPEN, task=closed, other=closed)
    assert found.status is Status.OK
    assert found.actual == f"10.0.0.1:80 {closed}, 10.0.0.2:80 {closed}"


@pytest.mark.parametrize("control", list(PortState))
def test_an_open_port_fails_whatever_the_state_of_the_control_port(control: PortState) -> None:
    found = result(alb=control, task=PortState.DROPPED, other=PortState.OPEN)
    assert found.status is Status.FAIL
    assert "10.0.0.2:80 open" in found.actual


@pytest.mark.parametrize("control", [*CLOSED, PortState.UNKNOWN])
def test_ports_are_inconclusive_if_the_control_port_is_not_open(control: PortState) -> None:
    found = result(alb=control, task=PortState.DROPPED, other=PortState.DROPPED)
    assert found.status is Status.UNKNOWN
    assert "which should be open" in found.actual


def test_a_port_whose_name_does_not_resolve_is_inconclusive() -> None:
    found = result(alb=PortState.OPEN, task=PortState.UNKNOWN, other=PortState.DROPPED)
    assert found.status is Status.UNKNOWN


def test_a_port_that_was_not_tried_for_long_enough_is_inconclusive() -> None:
    found = result(alb=PortState.OPEN, task=PortState.UNTRIED, other=PortState.DROPPED)
    assert (found.status, found.hint) == (Status.UNKNOWN, "raise --deadline")


def test_a_refused_port_is_closed_with_the_hint_that_no_security_group_closed_it() -> None:
    refused = result(alb=PortState.OPEN, task=PortState.REFUSED, other=PortState.DROPPED)
    assert "no security group" in refused.hint


@given(
    st.sampled_from(list(PortState)),
    st.sampled_from(list(PortState)),
    st.sampled_from(list(PortState)),
)
def test_closed_ports_pass_only_if_the_control_port_is_open(
    alb: PortState, task: PortState, other: PortState
) -> None:
    passed = result(alb=alb, task=task, other=other).status is Status.OK
    assert passed == (alb is PortState.OPEN and task in CLOSED and other in CLOSED)


async def test_real_ports_are_distinguished_by_connecting() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        control = HostPort("127.0.0.1", alb.port)
        closed = HostPort("127.0.0.1", closed_port())
        states = await try_connect_all(
            [closed, control], control, 10.0, resolver=look_up, runtime=EventLoop()
        )
    assert states == {closed: PortState.REFUSED, control: PortState.OPEN}


async def test_a_port_whose_packets_are_dropped_is_dropped_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def vanish(*_: object) -> None:
        await asyncio.sleep(60)

    runtime = EventLoop()
    monkeypatch.setattr(runtime, "connect", vanish)
    connect = partial(try_connect, TASK, 0.05, resolver=look_up, runtime=runtime)
    assert await connect() is PortState.UNTRIED, "it may only be slow"
    monkeypatch.setattr("verify.checking.closed_ports.SHORTEST_TRY", 0.05)
    assert await connect() is PortState.DROPPED


async def test_a_port_is_open_when_one_of_its_addresses_is() -> None:
    async def two(_host: str) -> tuple[str, ...]:
        return ("127.0.0.2", "127.0.0.1")

    with FakeAlb(lambda _number, _request: []) as alb:
        state = await try_connect(
            HostPort("a.example", alb.port), 5.0, resolver=two, runtime=EventLoop()
        )
    assert state is PortState.OPEN


async def test_a_port_whose_name_is_unknown_is_neither_open_nor_closed() -> None:
    async def unknown(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert await try_connect(TASK, 1.0, resolver=unknown, runtime=EventLoop()) is PortState.UNKNOWN


ALB_ADDRESS = HostPort("192.0.2.1", 80)


class FakeNetwork(EventLoop):
    """A network in which ports of `open` accept connections and other packets are dropped."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.open = {ALB_ADDRESS}
        self.refuses = refuses
        self.tried: list[tuple[float, HostPort]] = []

    async def connect(self, address: str, port: int, seconds: float) -> Any:
        self.tried.append((self.clock(), HostPort(address, port)))
        if HostPort(address, port) in self.open:
            return SilentStream()
        if self.refuses:
            raise ConnectionRefusedError
        await asyncio.sleep(seconds)
        raise TimeoutError


class SilentStream:
    def abort(self) -> None:
        """Nothing is left to close."""


async def resolve(host: str) -> tuple[str, ...]:
    return (ALB_ADDRESS.host if host == ALB.host else host,)


def early_tries(network: FakeNetwork, *arguments: str) -> EarlyTries:
    target = parse_target("http://a.example").target
    options = parse_options(["--closed", str(TASK), *arguments])
    probe = Probe(
        target,
        options,
        client=new_client(target, options, network),
        resolver=resolve,
        runtime=network,
    )
    return EarlyTries(probe, options, lambda: 60.0, network)


def states_after(
    network: FakeNetwork, answers: Sequence[bool], *arguments: str, pause: float
) -> tuple[dict[HostPort, PortState], float, float]:
    """Return the states, when the service was stable, and when the states were known."""

    async def run() -> tuple[dict[HostPort, PortState], float, float]:
        tries = early_tries(network, *arguments)
        for number, good in enumerate(answers):
            await asyncio.sleep(pause if number else 0)
            tries.count(good=good)
        stable = network.clock()
        return await tries.states(), stable, network.clock()

    return run_in_virtual_time(run())


DROPPED_TASK = {ALB: PortState.OPEN, TASK: PortState.DROPPED}


def test_tries_begin_before_the_last_answers() -> None:
    network = FakeNetwork()
    states, stable, known = states_after(network, [True] * 3, "--interval", "250ms", pause=0.25)
    assert states == DROPPED_TASK
    assert (stable, known) == pytest.approx((0.5, 3.0))
    states, stable, known = states_after(FakeNetwork(), [True] * 3, pause=1.0)
    assert states == DROPPED_TASK
    assert (stable, known) == pytest.approx((2.0, 4.0)), "a second before the service is stable"


def test_tries_begin_only_a_second_before_the_service_is_stable() -> None:
    network = FakeNetwork()
    states, stable, known = states_after(
        network, [True] * 61, "--interval", "1s", "--stable-for", "60s", pause=1.0
    )
    assert states == DROPPED_TASK
    assert (stable, known) == pytest.approx((60.0, 62.0))
    assert min(at for at, _ in network.tried) == pytest.approx(59.0)


def test_tries_begin_again_after_an_answer_that_is_not_good() -> None:
    network = FakeNetwork()
    answers = [True, True, False, True, True, True]
    states, stable, known = states_after(network, answers, "--interval", "250ms", pause=0.25)
    assert states == DROPPED_TASK
    assert (stable, known) == pytest.approx((1.25, 3.75)), "three seconds from the first of a row"


def test_what_was_tried_before_the_service_was_stable_only_is_tried_again() -> None:
    network = FakeNetwork(refuses=True)
    states, stable, known = states_after(network, [True] * 3, "--interval", "250ms", pause=0.25)
    assert states == {ALB: PortState.OPEN, TASK: PortState.REFUSED}
    assert (stable, known) == pytest.approx((0.5, 0.5))
    assert [at for at, port in network.tried if port == TASK] == pytest.approx([0.0, 0.5])


def test_a_service_without_a_good_answer_has_no_port_tried() -> None:
    network = FakeNetwork()

    async def run() -> None:
        early_tries(network).count(good=False)

    run_in_virtual_time(run())
    assert network.tried == []


@pytest.mark.parametrize("address", ["127.87.237.0", "::1"])
@pytest.mark.parametrize(("limit", "tries", "seconds"), [(3.0, [0.0, 0.5], 1.0), (0.7, [0.0], 0.7)])
def test_a_port_of_this_machine_is_tried_twice_for_half_a_second_where_there_is_time(
    address: str, limit: float, tries: list[float], seconds: float
) -> None:
    network = FakeNetwork()

    async def run() -> tuple[PortState, float]:
        port = HostPort(address, 80)
        return await try_connect(port, limit, resolver=resolve, runtime=network), network.clock()

    state, ended = run_in_virtual_time(run())
    assert state is PortState.DROPPED
    assert ended == pytest.approx(seconds)
    assert [at for at, _ in network.tried] == pytest.approx(tries)


@pytest.mark.parametrize("interval", [0.25, 0.5])
def test_a_port_of_this_machine_is_tried_again_once_the_service_is_stable(interval: float) -> None:
    network = FakeNetwork()
    port = HostPort("127.87.237.0", 80)
    options = ("--closed", str(port), "--interval", str(interval))
    _, stable, _ = states_after(network, [True] * 3, *options, pause=interval)
    assert [at for at, tried in network.tried if tried == port] == pytest.approx([0.0, stable])


@pytest.mark.parametrize("opens", [0, 1])
def test_either_of_two_tries_finds_a_port_of_this_machine_open(opens: int) -> None:
    port = HostPort("127.87.237.0", 80)

    class OpenedLater(FakeNetwork):
        async def connect(self, address: str, number: int, seconds: float) -> Any:
            if len(self.tried) == opens:
                self.open.add(port)
            return await super().connect(address, number, seconds)

    async def state() -> PortState:
        return await try_connect(port, 3.0, resolver=resolve, runtime=OpenedLater())

    assert run_in_virtual_time(state()) is PortState.OPEN
