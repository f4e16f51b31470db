"""Doors that must be shut: what a shut one proves depends on one that is open."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.fake_alb import FakeAlb, hello
from tests.verify.test_probe import closed_port
from verify.doors import Knock, closed_result, knock, knock_on_all
from verify.report import Result, Status
from verify.resolve import system_resolver
from verify.values import Door

ALB, TASK, OTHER = Door("a.example", 80), Door("10.0.0.1", 80), Door("10.0.0.2", 80)
SHUT = [Knock.DROPPED, Knock.REFUSED, Knock.NO_WAY]


def result(**knocks: Knock) -> Result:
    doors = {"alb": ALB, "task": TASK, "other": OTHER}
    return closed_result([TASK, OTHER], ALB, {doors[name]: value for name, value in knocks.items()})


@pytest.mark.parametrize("shut", SHUT)
def test_doors_are_shut_when_only_the_load_balancer_answers(shut: Knock) -> None:
    found = result(alb=Knock.OPEN, task=shut, other=shut)
    assert found.status is Status.OK
    assert found.actual == f"10.0.0.1:80 {shut}, 10.0.0.2:80 {shut}"


@pytest.mark.parametrize("control", list(Knock))
def test_an_open_door_is_open_whatever_the_control_says(control: Knock) -> None:
    found = result(alb=control, task=Knock.DROPPED, other=Knock.OPEN)
    assert found.status is Status.FAIL
    assert "10.0.0.2:80 open" in found.actual


@pytest.mark.parametrize("control", [*SHUT, Knock.UNKNOWN])
def test_without_the_control_nothing_is_proved(control: Knock) -> None:
    found = result(alb=control, task=Knock.DROPPED, other=Knock.DROPPED)
    assert found.status is Status.UNKNOWN
    assert "which ought to answer" in found.actual


def test_a_name_that_does_not_resolve_proves_nothing() -> None:
    assert result(alb=Knock.OPEN, task=Knock.UNKNOWN, other=Knock.DROPPED).status is Status.UNKNOWN


def test_a_port_that_was_not_tried_for_long_enough_proves_nothing() -> None:
    found = result(alb=Knock.OPEN, task=Knock.UNTRIED, other=Knock.DROPPED)
    assert (found.status, found.hint) == (Status.UNKNOWN, "raise --deadline")


def test_a_refusal_is_shut_but_said_to_be_no_security_groups_doing() -> None:
    assert "no security group" in result(alb=Knock.OPEN, task=Knock.REFUSED, other=Knock.DROPPED).hint


@given(st.sampled_from(list(Knock)), st.sampled_from(list(Knock)), st.sampled_from(list(Knock)))
def test_doors_pass_only_beside_an_open_control(alb: Knock, task: Knock, other: Knock) -> None:
    passed = result(alb=alb, task=task, other=other).status is Status.OK
    assert passed == (alb is Knock.OPEN and task in SHUT and other in SHUT)


def test_real_doors_are_told_apart_by_connecting() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        control, shut = Door("127.0.0.1", alb.port), Door("127.0.0.1", closed_port())
        knocks = asyncio.run(knock_on_all([shut, control], control, 10.0, resolver=system_resolver))
    assert knocks == {shut: Knock.REFUSED, control: Knock.OPEN}


def test_a_door_behind_which_packets_vanish_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def vanish(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio, "open_connection", vanish)
    assert asyncio.run(knock(TASK, 0.05, resolver=system_resolver)) is Knock.UNTRIED, "it may only be slow"
    monkeypatch.setattr("verify.doors.SHORTEST_TRY", 0.05)
    assert asyncio.run(knock(TASK, 0.05, resolver=system_resolver)) is Knock.DROPPED


def test_a_door_is_open_when_one_of_its_addresses_is() -> None:
    async def two(_host: str) -> tuple[str, ...]:
        return ("127.0.0.2", "127.0.0.1")

    with FakeAlb(lambda _number, _request: []) as alb:
        assert asyncio.run(knock(Door("a.example", alb.port), 5.0, resolver=two)) is Knock.OPEN


def test_a_door_whose_name_is_unknown_is_neither_open_nor_shut() -> None:
    async def unknown(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert asyncio.run(knock(TASK, 1.0, resolver=unknown)) is Knock.UNKNOWN
