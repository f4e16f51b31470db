"""Networks of random groups, ACLs and routes: packets do what a second reading of records says."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import Refused
from localaws.machine.isolation import Isolation
from localaws.machine.programs import find
from localaws.vpc.desired import desired
from localaws.vpc.network import OPEN, REFUSED, Network
from tests.localaws.vpc.oracle import HOST, HOST_IPV6, Oracle
from tests.localaws.vpc.records import Records, interface, ipv6_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.catalog import Resource
    from localaws.machine.processes import Launcher
    from localaws.vpc.model import Interface

pytestmark = [
    pytest.mark.slow,  # real namespaces
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

NETWORKS = 8
PORTS = (80, 443)
TIMEOUT = 0.6

ACLS, OPEN_AT_THE_END = 0.5, 0.7
"""How often a subnet has its own network ACL, and how often that allows the rest."""

Attempt = tuple["Interface | None", str, int]
"""A source, None for the internet, and an address and port."""


class RandomNetwork(Records):
    """Two VPCs of the same range, with interfaces, groups, rules and routes by chance."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.interfaces: list[Interface] = []
        for number in (1, 2):
            self._fill(number)

    def _fill(self, number: int) -> None:
        vpc = self.vpc(assignGeneratedIpv6CidrBlock=True)
        gateway = self.internet_gateway(vpc)
        only_out = self.make(
            "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", vpcId=vpc.id
        )
        tables = [self.table(vpc) for _ in range(3)]
        subnets = [
            self.subnet(vpc, f"10.0.{index}.0/24", table, ipv6=index)
            for index, table in enumerate(tables)
        ]
        nat = self.nat_gateway(subnets[0])
        self._route(tables[0], {"gatewayId": gateway.id}, {"gatewayId": gateway.id})
        for table in tables[1:]:
            self._route(
                table,
                self.chance.choice([{"gatewayId": gateway.id}, {"natGatewayId": nat.id}, None]),
                self.chance.choice(
                    [{"gatewayId": gateway.id}, {"egressOnlyGatewayId": only_out.id}, None]
                ),
            )
        groups = [self.group(vpc, f"group-{index}") for index in range(3)]
        for group in groups:
            for _ in range(3):
                self._rule_by_chance(self.ingress, group, groups, vpc)
                self._rule_by_chance(self.egress, group, groups, vpc)
        for index, subnet in enumerate((*subnets, subnets[0])):
            self._interface(vpc, number, index, subnet, groups)
        for subnet in subnets:
            if self.chance.random() < ACLS:
                self._acl_by_chance(vpc, subnet)

    def _route(
        self, table: Resource, ipv4: dict[str, str] | None, ipv6: dict[str, str] | None
    ) -> None:
        for destination, target in (("0.0.0.0/0", ipv4), ("::/0", ipv6)):
            if target is not None:
                self.route(table, destination, **target)

    def _acl_by_chance(self, vpc: Resource, subnet: Resource) -> None:
        acl = self.acl(vpc, subnet)
        networks = ("0.0.0.0/0", "10.0.1.0/24", f"{HOST}/32", "203.0.113.0/24", "::/0")
        kinds: list[dict[str, Any]] = [
            {"protocol": "tcp", "ports": 80},
            {"protocol": "6", "ports": (1024, 65535)},
            {"protocol": "udp", "ports": (0, 65535)},
            {},
        ]
        for egress in (False, True):
            for order in self.chance.sample(range(1, 100), 3):
                action = self.chance.choice(("allow", "allow", "deny"))
                other = self.chance.choice(networks)
                kind = self.chance.choice(kinds)
                self.acl_rule(acl, order, other, action, egress=egress, **kind)
            for order, network in ((100, "0.0.0.0/0"), (101, "::/0")):
                if self.chance.random() < OPEN_AT_THE_END:
                    self.acl_rule(acl, order, network, egress=egress)

    def _rule_by_chance(
        self, make: Callable[..., Resource], group: Resource, groups: list[Resource], vpc: Resource
    ) -> None:
        protocol, ports = self.chance.choice([("tcp", 80), ("tcp", (100, 500)), ("-1", None)])
        other = self.chance.choice(
            [
                {"cidrIpv4": "0.0.0.0/0"},
                {"cidrIpv4": "10.0.1.0/24"},
                {"cidrIpv4": "203.0.113.0/24"},
                {"cidrIpv6": "::/0"},
                {"cidrIpv6": str(vpc.outputs["ipv6CidrBlock"])},
                *({"referencedSecurityGroupId": each.id} for each in groups),
            ]
        )
        rule = {**other, **({} if ports is None else {"ports": ports})}
        with suppress(Refused):  # the same rule twice
            make(group, protocol, **rule)

    def _interface(
        self, vpc: Resource, number: int, index: int, subnet: Resource, groups: list[Resource]
    ) -> None:
        chosen = self.chance.sample(groups, self.chance.choice((1, 2)))
        cidr = str(subnet.inputs["cidrBlock"])
        third = cidr.split(".")[2]
        self.interfaces.append(
            interface(
                f"v{number}-{index}",
                subnet,
                f"10.0.{third}.{20 + index}",
                *chosen,
                public=self.chance.choice(("", f"203.0.113.{10 * number + index}")),
                ipv6=f"{ipv6_prefix(vpc)}0{third}::{20 + index}",
            )
        )


def attempts(interfaces: list[Interface]) -> list[Attempt]:
    """Return every connection that is worth a try: from each to each address of the others."""
    found = []
    for source in (None, *interfaces):
        targets = [HOST, HOST_IPV6] if source else []
        for each in interfaces:
            if each is source:
                continue
            if source:
                targets += each.addresses
            else:
                targets.append(each.ipv6)
            if each.public_address:
                targets.append(each.public_address)
        for target in dict.fromkeys(targets):
            found += [(source, target, port) for port in PORTS]
    own = {each.id: each.addresses for each in interfaces}
    # VPCs have the same addresses: what is its own in one is another's in the other.
    return [each for each in found if each[0] is None or each[1] not in own[each[0].id]]


@pytest.fixture
def isolation() -> Isolation:
    return Isolation.ROOT if os.geteuid() == 0 else Isolation.ONE_ID


@pytest.mark.parametrize("seed", range(NETWORKS))
async def test_packets_get_where_the_records_let_them(launcher: Launcher, seed: int) -> None:
    records = RandomNetwork(seed)
    oracle = Oracle(desired(records.cloud), tuple(records.interfaces))
    tries = attempts(records.interfaces)
    network = Network(launcher, records.cloud)
    await network.start()
    for each in records.interfaces:
        await network.attach(each)
    outcomes = await asyncio.gather(
        *(
            network.connect(source.id if source else None, address, port, TIMEOUT)
            for source, address, port in tries
        )
    )
    found = {}
    expected = {}
    for attempt, outcome in zip(tries, outcomes, strict=True):
        source, address, port = attempt
        name = f"{source.id if source else 'internet'} -> {address}:{port}"
        found[name] = outcome in (OPEN, REFUSED)
        expected[name] = oracle.reachable(*attempt)
    assert set(expected.values()) == {True, False}
    assert found == expected
