"""Loopback addresses of load balancers and tasks."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.machine import addresses
from localaws.machine.addresses import (
    Addresses,
    ListenAddress,
    NoAddressError,
    can_bind,
    private_address,
)

if TYPE_CHECKING:
    from pathlib import Path


def only_unprivileged_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "can_bind", lambda _, port: port >= 1024)


def test_a_load_balancer_keeps_its_address_for_life(tmp_path: Path) -> None:
    first = Addresses(tmp_path)
    one, two = first.load_balancer("one"), first.load_balancer("two")
    assert one.address != two.address
    assert first.load_balancer("one") == one
    again = Addresses(tmp_path)
    assert (again.load_balancer("two"), again.load_balancer("one")) == (two, one)


def test_a_load_balancers_addresses_go_with_it(tmp_path: Path) -> None:
    first = Addresses(tmp_path)
    one, other = first.load_balancer("one"), first.load_balancer("one-more")
    further = first.load_balancer("one", "subnet-b")
    assert len({one.address, other.address, further.address}) == 3
    assert Addresses(tmp_path).load_balancer("one", "subnet-b") == further
    first.forget_load_balancer("one")
    assert [first.load_balancer(each) for each in ("x", "y")] == [one, further]
    assert Addresses(tmp_path).load_balancer("one-more") == other


@pytest.mark.parametrize("text", ["", "{", "[]", '{"one": 1}', '{"one": {"address": "127.1.1.1"}}'])
def test_a_damaged_file_is_set_aside_and_named_and_load_balancers_keep_the_places_of_their_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    before = Addresses(tmp_path)
    one = before.load_balancer("one")
    file = tmp_path / "addresses.json"
    file.write_text(text)
    again = Addresses(tmp_path)
    again.restore("one", one.dns_name)
    again.restore("two", f"{one.address}:8080")
    assert again.load_balancer("one") == one
    assert again.load_balancer("two") == ListenAddress(one.address, 8000)
    assert (tmp_path / "addresses.json.damaged").read_text() == text
    assert f"{file} was damaged" in caplog.text
    assert Addresses(tmp_path).load_balancer("one") == one


def test_a_place_that_the_file_knows_is_not_changed_by_a_name(tmp_path: Path) -> None:
    listen_addresses = Addresses(tmp_path)
    one = listen_addresses.load_balancer("one")
    listen_addresses.restore("one", "127.0.0.9")
    assert listen_addresses.load_balancer("one") == one


def test_two_state_directories_have_different_blocks(tmp_path: Path) -> None:
    here, there = (
        Addresses(tmp_path / name).load_balancer("x").address for name in ("here", "there")
    )
    assert here != there
    assert 64 <= int(here.split(".")[1]) <= 191


def test_without_privileges_low_ports_are_moved_up_and_the_name_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_unprivileged_ports(monkeypatch)
    listen_address = Addresses(tmp_path).load_balancer("alb")
    assert (listen_address.port(80), listen_address.port(443), listen_address.port(8080)) == (
        8080,
        8443,
        8080,
    )
    assert listen_address.dns_name == f"{listen_address.address}:8080"
    task = Addresses(tmp_path).take_task([80, 9000])
    assert (task.port(80), task.port(9000)) == (8080, 9000)


def test_with_privileges_ports_are_what_they_are() -> None:
    listen_address = ListenAddress("127.64.0.1", 0)
    assert (listen_address.port(80), listen_address.dns_name) == (80, "127.64.0.1")


def test_tasks_take_turns_so_that_an_address_rests_after_use(tmp_path: Path) -> None:
    plan = Addresses(tmp_path)
    first = plan.take_task([9000])
    plan.release_task(first)
    assert plan.take_task([9000]) != first


def test_an_address_that_is_in_use_is_passed_over(tmp_path: Path) -> None:
    first = Addresses(tmp_path).take_task([9000])
    with socket.create_server((first.address, 9000)):
        assert not can_bind(first.address, 9000)
        assert Addresses(tmp_path).take_task([9000]) != first
    assert Addresses(tmp_path).take_task([9000]) == first


def test_a_port_that_is_taken_everywhere_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "can_bind", lambda *_: False)
    with pytest.raises(NoAddressError, match=r"ports \[9000\] are in use"):
        Addresses(tmp_path).take_task([9000])
    with pytest.raises(NoAddressError, match=r"ports \[80, 443\] are in use"):
        Addresses(tmp_path).load_balancer("alb")


def test_more_load_balancers_than_addresses_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "can_bind", lambda *_: True)
    monkeypatch.setattr(addresses, "write_atomically", lambda *_: None)
    plan = Addresses(tmp_path)
    for number in range(255):
        plan.load_balancer(f"alb-{number}")
    with pytest.raises(NoAddressError, match=r"all 255 .* are taken; delete a load balancer"):
        plan.load_balancer("alb-255")


def test_other_systems_than_linux_are_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(NoAddressError, match=r"needs Linux.*darwin.*virtual machine"):
        Addresses(tmp_path)


@given(st.integers(16, 28), st.integers(0, 20))
def test_private_addresses_are_distinct_and_leave_out_those_that_aws_keeps(
    prefix: int, count: int
) -> None:
    cidr = f"10.0.0.0/{prefix}"
    taken: set[str] = set()
    for _ in range(min(count, 2 ** (32 - prefix) - 5)):
        taken.add(private_address(cidr, taken))
    assert not taken & {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert len(taken) == min(count, 2 ** (32 - prefix) - 5)


def test_a_full_subnet_is_an_error() -> None:
    taken = {f"10.0.0.{number}" for number in range(16)}
    with pytest.raises(NoAddressError, match=r"10\.0\.0\.0/28"):
        private_address("10.0.0.0/28", taken)
