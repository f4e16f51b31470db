"""The agent's choice of host ports."""

from __future__ import annotations

import pytest

from localaws.ec2.host_ports import HostPorts, NoHostPortError, port_range


def test_the_first_task_gets_the_first_port_and_the_next_goes_on() -> None:
    ports = HostPorts()
    assert [ports.assign() for _ in range(3)] == [32768, 32769, 32770]
    ports.release(32768)
    assert ports.assign() == 32771, "a free port before the last one waits for its turn"


def test_at_the_end_it_begins_again_with_what_is_free() -> None:
    ports = HostPorts(first=10, last=12)
    assert [ports.assign() for _ in range(3)] == [10, 11, 12]
    ports.release(11)
    assert ports.assign() == 11
    with pytest.raises(NoHostPortError, match="a host port is unavailable"):
        ports.assign()


def test_the_agents_own_ports_are_skipped() -> None:
    ports = HostPorts(first=51677, last=51680)
    assert [ports.assign(), ports.assign()] == [51677, 51680]


def test_a_fixed_port_is_taken_once() -> None:
    ports = HostPorts()
    ports.take(80)
    with pytest.raises(NoHostPortError, match="80 is already in use"):
        ports.take(80)
    ports.take(32768)
    assert ports.assign() == 32769


def test_the_range_is_the_configured_one() -> None:
    assert port_range("") == (32768, 60999)
    assert port_range("40000-40010") == (40000, 40010)


@pytest.mark.parametrize("wrong", ["40000", "40010-40000", "0-10", "1-70000", "a-b"])
def test_another_range_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=f"ECS_DYNAMIC_HOST_PORT_RANGE={wrong}; allowed: "):
        port_range(wrong)
