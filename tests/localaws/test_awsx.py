"""Where the subnets of an `awsx:ec2:Vpc` go: the layouts recorded from the real component."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.awsx import layout

ZONES = ("r-1a", "r-1b", "r-1c")
PUBLIC, PRIVATE, ISOLATED = {"type": "Public"}, {"type": "Private"}, {"type": "Isolated"}


@pytest.mark.parametrize(
    ("cidr", "zones", "specs", "expected"),
    [
        ("10.0.0.0/16", 2, [PUBLIC], ["10.0.0.0/17", "10.0.128.0/17"]),
        ("10.0.0.0/16", 2, [PUBLIC, PRIVATE], ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18", "10.0.192.0/18"]),
        (
            "10.1.0.0/16",
            2,
            [{**PUBLIC, "cidrMask": 24}, {**PRIVATE, "cidrMask": 20, "name": "app"}],
            ["10.1.0.0/24", "10.1.16.0/20", "10.1.128.0/24", "10.1.144.0/20"],
        ),
    ],
)
def test_subnets_lie_where_the_real_component_puts_them(
    cidr: str, zones: int, specs: list[dict[str, object]], expected: list[str]
) -> None:
    assert [plan.cidr for plan in layout("net", cidr, ZONES[:zones], specs)] == expected


def test_three_kinds_in_three_zones_get_a_sixteenth_each() -> None:
    plans = list(layout("net", "10.0.0.0/16", ZONES, [PUBLIC, PRIVATE, ISOLATED]))
    assert {plan.cidr.split("/")[1] for plan in plans} == {"20"}
    assert [plan.name for plan in plans[:3]] == ["net-public-1", "net-private-1", "net-isolated-1"]


def test_an_unused_spec_takes_its_space_but_makes_nothing() -> None:
    plans = list(layout("net", "10.0.0.0/16", ZONES[:1], [{"type": "Unused"}, PUBLIC]))
    assert [(plan.name, plan.cidr) for plan in plans] == [("net-public-1", "10.0.128.0/17")]


@given(zones=st.integers(1, 3), count=st.integers(1, 4), prefix=st.integers(16, 22))
def test_subnets_never_overlap_and_never_leave_the_vpc(zones: int, count: int, prefix: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.0.0.0/{prefix}")
    plans = layout("net", str(vpc), ZONES[:zones], [{"type": "Public", "name": str(n)} for n in range(count)])
    subnets = [ipaddress.IPv4Network(plan.cidr) for plan in plans]
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])
