"""Ports that must be closed: they pass only if the control port is open."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.clients import look_up
from tests.verify.fake_alb import FakeAlb, hello
from tests.verify.loopback import closed_port
from verify.checking.closed_ports import PortState, closed_result, try_connect, try_connect_all
from verify.judging.report import Result, Status
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
        control, closed = HostPort("127.0.0.1", alb.port), HostPort("127.0.0.1", closed_port())
        states = await try_connect_all([closed, control], control, 10.0, resolver=look_up)
    assert states == {closed: PortState.REFUSED, control: PortState.OPEN}


async def test_a_port_whose_packets_are_dropped_is_dropped_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def vanish(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio, "open_connection", vanish)
    assert await try_connect(TASK, 0.05, resolver=look_up) is PortState.UNTRIED, (
        "it may only be slow"
    )
    monkeypatch.setattr("verify.checking.closed_ports.SHORTEST_TRY", 0.05)
    assert await try_connect(TASK, 0.05, resolver=look_up) is PortState.DROPPED


async def test_a_port_is_open_when_one_of_its_addresses_is() -> None:
    async def two(_host: str) -> tuple[str, ...]:
        return ("127.0.0.2", "127.0.0.1")

    with FakeAlb(lambda _number, _request: []) as alb:
        state = await try_connect(HostPort("a.example", alb.port), 5.0, resolver=two)
    assert state is PortState.OPEN


async def test_a_port_whose_name_is_unknown_is_neither_open_nor_closed() -> None:
    async def unknown(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert await try_connect(TASK, 1.0, resolver=unknown) is PortState.UNKNOWN
