"""A VPC's routes as lines for `ip`."""

from __future__ import annotations

import pytest

from localaws.vpc import routing
from localaws.vpc.model import Interface, Route, Subnet, Target, Vpc
from localaws.vpc.steps import Batch, Settings

NAT = {"nat-1": ("10.0.0.200", "eni3")}


def subnet(*routes: Route, ipv6: str = "") -> Subnet:
    return Subnet("subnet-1", "10.0.1.0/24", ipv6, routes)


def vpc(*, ipv6: str = "", has_internet: bool = True) -> Vpc:
    return Vpc(
        id="vpc-1",
        cidr="10.0.0.0/16",
        ipv6_cidr=ipv6,
        has_internet=has_internet,
        subnets=(),
        groups=(),
        nat_gateways=(),
        endpoints=(),
    )


@pytest.mark.parametrize(
    ("route", "line"),
    [
        (
            Route("0.0.0.0/0", Target.INTERNET_GATEWAY),
            "0.0.0.0/0 via 169.254.0.1 dev internet onlink table 107",
        ),
        (
            Route("::/0", Target.INTERNET_GATEWAY),
            "::/0 via fe80::1 dev internet table 107",
        ),
        (
            Route("::/0", Target.EGRESS_ONLY_GATEWAY),
            "::/0 via fe80::1 dev egress table 107",
        ),
        (
            Route("52.218.0.0/17", Target.GATEWAY_ENDPOINT),
            "52.218.0.0/17 via 169.254.0.1 dev services onlink table 107",
        ),
        (
            Route("0.0.0.0/0", Target.NAT_GATEWAY, "nat-1"),
            "0.0.0.0/0 via 10.0.0.200 dev eni3 onlink table 107",
        ),
        (
            Route("0.0.0.0/0", Target.NAT_GATEWAY, "nat-gone"),
            "blackhole 0.0.0.0/0 table 107",
        ),
        (
            Route("192.0.2.0/24", Target.NOWHERE),
            "blackhole 192.0.2.0/24 table 107",
        ),
    ],
)
def test_a_route_goes_where_its_target_is(route: Route, line: str) -> None:
    found = routing.routes_of_subnet(subnet(route), 7, NAT)
    assert found[f"{route.destination} table 107"] == line


def test_what_has_no_route_is_dropped() -> None:
    assert routing.routes_of_subnet(subnet(), 1, {}) == {
        "0.0.0.0/0 table 101": "blackhole 0.0.0.0/0 table 101",
        "::/0 table 101": "blackhole ::/0 table 101",
    }


def test_a_subnets_packets_stay_in_the_vpc_or_take_its_table() -> None:
    rules = routing.rules_of_subnet(
        vpc(ipv6="2001:db8:1::/56"), subnet(ipv6="2001:db8:1:1::/64"), 1
    )
    assert rules == {
        "from 10.0.1.0/24 to 10.0.0.0/16 lookup main pref 10001",
        "from 10.0.1.0/24 lookup 101 pref 20001",
        "from 2001:db8:1:1::/64 to 2001:db8:1::/56 lookup main pref 10001",
        "from 2001:db8:1:1::/64 lookup 101 pref 20001",
    }


def test_the_internet_knows_only_what_has_a_gateway() -> None:
    range_ = "2001:db8:1::/56"
    assert routing.routes_of_internet(vpc(ipv6=range_), 3, ["203.0.113.5"]) == {
        "203.0.113.5/32": "203.0.113.5/32 via 169.254.0.2 dev internet3 onlink src 198.51.100.7",
        range_: f"{range_} via fe80::2 dev internet3 src 2001:db8:ffff::7",
    }
    without_gateway = vpc(ipv6=range_, has_internet=False)
    assert routing.routes_of_internet(without_gateway, 3, ["203.0.113.5"]) == {}


def test_only_what_differs_is_changed() -> None:
    before = {"a": "a via x", "b": "b via x", "c": "c via x"}
    after = {"a": "a via x", "b": "b via y", "d": "d via x"}
    assert routing.changes("route", before, after, add="replace") == [
        "route replace b via y",
        "route replace d via x",
        "route delete c",
    ]


def test_an_interface_sends_everything_to_the_router() -> None:
    interface = Interface("eni-1", "vpc-1", "subnet-1", "10.0.1.5", ipv6="2001:db8:1:1::5")
    assert routing.add_interface(interface, subnet(), "eni-1", "eni4", 2, new=False) == (
        Batch(
            "vpc-2",
            (
                "route add 10.0.1.5/32 dev eni4",
                "route add 2001:db8:1:1::5/128 dev eni4",
            ),
        ),
        Settings("eni-1", ()),
        Batch(
            "eni-1",
            (
                "addr add 10.0.1.5/24 dev eth0 noprefixroute",
                "route replace 10.0.1.1/32 dev eth0",
                "route replace default via 10.0.1.1 dev eth0",
                "addr add 2001:db8:1:1::5/64 dev eth0 nodad noprefixroute",
                "route replace ::/0 via fe80::1 dev eth0",
            ),
        ),
    )


def test_names_of_devices_fit_into_the_kernels_limit() -> None:
    lines: list[str] = []
    for step in routing.create_vpc(vpc(), 9_999_999):
        if isinstance(step, Batch):
            lines += step.lines
    names = []
    for line in lines:
        words = line.split()
        if "dev" in words:
            names.append(words[words.index("dev") + 1])
    assert len(names) > 6
    assert all(len(name) <= 15 for name in names)
