"""Security groups and translation as rules of nftables."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from localaws.vpc.firewall import Attached, elements, table
from localaws.vpc.model import AclRule, NetworkAcl, Rule, SecurityGroup, Subnet, Vpc

ANY = ("0.0.0.0/0",)
ANY_IPV6 = ("::/0",)


def vpc(*rules: Rule, direction: str = "ingress") -> Vpc:
    """Return a VPC whose group sg-1 has these rules in one direction; sg-2 has none."""
    both: dict[str, tuple[Rule, ...]] = {"ingress": (), "egress": (), direction: rules}
    groups = (SecurityGroup("sg-1", **both), SecurityGroup("sg-2", (), ()))
    return Vpc(
        id="vpc-1",
        cidr="10.0.0.0/16",
        ipv6_cidr="",
        has_internet=True,
        subnets=(),
        groups=groups,
        nat_gateways=(),
        endpoints=(),
    )


def chain(name: str, text: str) -> list[str]:
    """Return the rules of one chain."""
    lines = text.splitlines()
    start = lines.index(f"chain {name} {{") + 1
    return lines[start : lines.index("}", start)]


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (
            Rule("tcp", 80, 90, ANY),
            ["ip daddr @sg_1_4 tcp dport 80-90 return"],
        ),
        (
            Rule("tcp", 80, 80, ANY_IPV6),
            ["ip6 daddr @sg_1_6 tcp dport 80-80 return"],
        ),
        (
            Rule("udp", 53, 53, ("10.0.0.0/8",)),
            ["ip daddr @sg_1_4 ip saddr { 10.0.0.0/8 } udp dport 53-53 return"],
        ),
        (
            Rule("tcp", 443, 443, ("52.218.0.0/17", "3.5.64.0/21")),
            ["ip daddr @sg_1_4 ip saddr { 52.218.0.0/17, 3.5.64.0/21 } tcp dport 443-443 return"],
        ),
        (
            Rule("tcp", 80, 80, group="sg-2"),
            [
                "ip daddr @sg_1_4 ip saddr @sg_2_4 tcp dport 80-80 return",
                "ip6 daddr @sg_1_6 ip6 saddr @sg_2_6 tcp dport 80-80 return",
            ],
        ),
        (
            Rule("-1", None, None, group="sg-1"),
            [
                "ip daddr @sg_1_4 ip saddr @sg_1_4 return",
                "ip6 daddr @sg_1_6 ip6 saddr @sg_1_6 return",
            ],
        ),
        (Rule("-1", None, None, ANY), ["ip daddr @sg_1_4 return"]),
        (Rule("tcp", None, None, ANY), ["ip daddr @sg_1_4 meta l4proto 6 return"]),
        (Rule("47", None, None, ANY), ["ip daddr @sg_1_4 meta l4proto 47 return"]),
        (Rule("icmp", None, None, ANY), ["ip daddr @sg_1_4 meta l4proto 1 return"]),
        (Rule("icmp", 8, None, ANY), ["ip daddr @sg_1_4 icmp type 8 return"]),
        (Rule("icmp", 3, 4, ANY), ["ip daddr @sg_1_4 icmp type 3 icmp code 4 return"]),
        (
            Rule("icmpv6", 128, 0, ANY_IPV6),
            ["ip6 daddr @sg_1_6 icmpv6 type 128 icmpv6 code 0 return"],
        ),
        (Rule("icmpv6", None, None, ANY), []),
        (Rule("tcp", 80, 80, group="sg-elsewhere"), []),
        (Rule("tcp", 80, 80, networks=()), []),
    ],
)
def test_a_rule_allows_exactly_its_traffic(rule: Rule, lines: list[str]) -> None:
    assert chain("ingress", table(vpc(rule), 1, ())) == [*lines, "counter drop"]


def test_a_rule_to_outside_is_about_the_destination() -> None:
    rule = Rule("tcp", 443, 443, ("10.0.0.0/8",))
    assert chain("egress", table(vpc(rule, direction="egress"), 1, ())) == [
        "ip saddr @sg_1_4 ip daddr { 10.0.0.0/8 } tcp dport 443-443 return",
        "counter drop",
    ]


ALL: dict[str, Any] = {
    "device": "eni1",
    "addresses": ("10.0.0.5", "2001:db8::5"),
    "groups": frozenset({"sg-1", "sg-gone"}),
    "public_address": "203.0.113.5",
}


def test_an_interface_is_an_element_of_the_sets_of_its_groups() -> None:
    assert elements("add", Attached(**ALL), {"sg-1", "sg-2"}) == [
        'add element inet vpc sources_4 { "eni1" . 10.0.0.5 }',
        "add element inet vpc interfaces_4 { 10.0.0.5 }",
        "add element inet vpc sg_1_4 { 10.0.0.5 }",
        'add element inet vpc sources_6 { "eni1" . 2001:db8::5 }',
        "add element inet vpc interfaces_6 { 2001:db8::5 }",
        "add element inet vpc sg_1_6 { 2001:db8::5 }",
        "add element inet vpc public_of { 10.0.0.5 : 203.0.113.5 }",
        "add element inet vpc private_of { 203.0.113.5 : 10.0.0.5 }",
    ]


def test_no_security_group_filters_a_nat_gateway() -> None:
    gateway = Attached("eni1", ("10.0.0.5",), filtered=False)
    assert elements("add", gateway, ()) == ['add element inet vpc sources_4 { "eni1" . 10.0.0.5 }']


def test_a_new_table_comes_with_the_interfaces_that_are_there() -> None:
    text = table(vpc(), 1, [Attached(**ALL)])
    assert text.startswith("table inet vpc\ndelete table inet vpc\ntable inet vpc {\n")
    assert text.endswith("\n".join(elements("add", Attached(**ALL), {"sg-1"})) + "\n")


EVERYTHING = AclRule(allow=True, protocol="-1", first=0, last=0, network="0.0.0.0/0")
EVERYTHING_IPV6 = dataclasses.replace(EVERYTHING, network="::/0")


def with_acl(*rules: AclRule) -> Vpc:
    """Return a VPC with one subnet, whose ACL has these rules in both directions."""
    subnet = Subnet("subnet-1", "10.0.0.0/24", "2001:db8::/64", (), acl="acl-1")
    acl = NetworkAcl("acl-1", ingress=rules, egress=rules)
    return dataclasses.replace(vpc(), subnets=(subnet,), acls=(acl,))


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (
            AclRule(allow=False, protocol="6", first=80, last=90, network="10.0.0.0/8"),
            ["ip saddr 10.0.0.0/8 tcp dport 80-90 drop"],
        ),
        (
            AclRule(allow=True, protocol="17", first=53, last=53, network="::/0"),
            ["ip6 saddr ::/0 udp dport 53-53 return"],
        ),
        (
            AclRule(allow=True, protocol="1", first=3, last=4, network="0.0.0.0/0"),
            ["ip saddr 0.0.0.0/0 meta l4proto 1 icmp type 3 icmp code 4 return"],
        ),
        (
            AclRule(allow=True, protocol="58", first=128, last=-1, network="::/0"),
            ["ip6 saddr ::/0 meta l4proto 58 icmpv6 type 128 return"],
        ),
        # Of the other IP version, so it has no such types.
        (
            AclRule(allow=True, protocol="58", first=128, last=-1, network="0.0.0.0/0"),
            ["ip saddr 0.0.0.0/0 meta l4proto 58 return"],
        ),
        (
            AclRule(allow=True, protocol="47", first=0, last=0, network="0.0.0.0/0"),
            ["ip saddr 0.0.0.0/0 meta l4proto 47 return"],
        ),
        (EVERYTHING, ["ip saddr 0.0.0.0/0 return"]),
    ],
)
def test_a_rule_of_an_acl_matches_exactly_its_traffic(rule: AclRule, lines: list[str]) -> None:
    text = table(with_acl(rule), 1, ())
    assert chain("acl_1_ingress", text) == [*lines, "counter drop"]


@pytest.mark.parametrize(
    ("rules", "judged"),
    [
        ((EVERYTHING, EVERYTHING_IPV6), False),
        ((EVERYTHING,), True),
        ((dataclasses.replace(EVERYTHING, allow=False), EVERYTHING, EVERYTHING_IPV6), True),
        ((dataclasses.replace(EVERYTHING, network="10.0.0.0/8"), EVERYTHING_IPV6), True),
        ((dataclasses.replace(EVERYTHING, protocol="6"), EVERYTHING_IPV6), True),
    ],
)
def test_only_an_acl_that_may_drop_something_costs_rules(
    rules: tuple[AclRule, ...], *, judged: bool
) -> None:
    assert bool(chain("acls", table(with_acl(*rules), 1, ()))) is judged


def test_a_nat_gateway_is_known_by_its_device_where_an_acl_judges() -> None:
    gateway = Attached("eni1", ("10.0.0.5",), filtered=False, gateway_of="subnet-1")
    added = elements("add", gateway, {"subnet-1"})
    assert added[1:] == ['add element inet vpc gateways_of_subnet_1 { "eni1" }']
    assert elements("add", gateway, ()) == added[:1]
