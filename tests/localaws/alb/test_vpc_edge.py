"""The interfaces of load balancers in a VPC, with attachments that only remember."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from localaws.alb.edge import Front
from localaws.alb.model import Listener
from localaws.alb.targets import Endpoint
from localaws.alb.vpc_edge import VpcEdge
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.machine.addresses import Addresses, SubnetAddresses
from localaws.vpc.model import Interface
from tests.localaws.filled_account import FilledAccount

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.catalog.account import Resource
    from localaws.machine.addresses import ListenAddress


class Remembering:
    def __init__(self) -> None:
        self.log: list[str] = []
        self.attached: dict[str, Interface] = {}

    async def attach(self, identifier: str, **how: Any) -> Interface:
        self.log.append(f"attach {identifier}")
        interface = self.attached[identifier] = Interface(
            identifier,
            "vpc-1",
            how["subnet"],
            how["address"],
            "2001:db8::4" if how["ipv6"] else "",
            frozenset(how["groups"]),
            f"203.0.113.{10 + ord(how['subnet'])}" if how["public"] else "",
        )
        assert how["network"] == "alb-vpc-1"
        return interface

    def show(self, interface: Interface, ports: list[int], on: ListenAddress) -> None:
        self.log.append(f"show {interface.public_address} {ports} at {on.dns_name}")

    async def detach(self, interface: Interface) -> None:
        self.log.append(f"detach {interface.id}")
        del self.attached[interface.id]


class Stage:
    def __init__(self, directory: Path) -> None:
        self.cloud = FilledAccount()
        for subnet, block in {"a": "10.0.0.0/24", "b": "10.0.1.0/24"}.items():
            self.cloud.put(SUBNET, subnet, vpcId="vpc-1", cidrBlock=block)
        self.attachments = cast("Any", Remembering())
        network: Any = None
        self.addresses = Addresses(directory)
        self.edge = VpcEdge(
            self.cloud, network, self.attachments, SubnetAddresses(), self.addresses
        )

    def follow(self, **load_balancers: dict[str, Any]) -> list[Resource]:
        found = []
        for name, outputs in load_balancers.items():
            self.cloud.put(LOAD_BALANCER, name, **{"subnets": ["a", "b"], **outputs})
            resource = self.cloud.get(LOAD_BALANCER, name)
            assert resource
            found.append(resource)
        asyncio.run(self.edge.follow(found))
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_load_balancer_has_a_private_and_a_public_address_in_each_subnet(stage: Stage) -> None:
    (one,) = stage.follow(one={"securityGroups": ["sg-1"]})
    assert stage.edge.front(one) == Front("vpc-1", ("10.0.0.4", "10.0.1.4"))
    own, further = stage.addresses.load_balancer("one"), stage.addresses.load_balancer("one", "b")
    shown = {"203.0.113.107": own.dns_name, "203.0.113.108": further.dns_name}
    assert stage.edge.outside(one) == shown
    stage.attachments.log.clear()
    listener = Listener(
        arn="l", endpoint=Endpoint("127.0.0.1", 80), load_balancer="one", port=80, rules=()
    )
    asyncio.run(stage.edge.show([listener]))
    expected = [f"show {public} [80] at {here}" for public, here in shown.items()]
    assert stage.attachments.log == expected
    assert {each.groups for each in stage.edge.interfaces("one")} == {frozenset({"sg-1"})}


def test_an_internal_load_balancer_has_no_public_address(stage: Stage) -> None:
    (one,) = stage.follow(one={"internal": True})
    assert stage.edge.outside(one) == {}


def test_the_name_finds_the_first_subnet_that_is_left(stage: Stage) -> None:
    stage.follow(one={})
    (one,) = stage.follow(one={"subnets": ["b"]})
    own = stage.addresses.load_balancer("one")
    assert stage.edge.outside(one) == {"203.0.113.108": own.dns_name}


def test_a_dual_stack_load_balancer_listens_on_ipv6_too(stage: Stage) -> None:
    (one,) = stage.follow(one={"ipAddressType": "dualstack", "subnets": ["a"]})
    assert stage.edge.front(one).addresses == ("10.0.0.4", "2001:db8::4")


def test_a_change_keeps_addresses_and_what_goes_is_detached_after_what_comes(stage: Stage) -> None:
    stage.follow(one={})
    stage.attachments.log.clear()
    one, two = stage.follow(one={"subnets": ["a"]}, two={"subnets": ["b"]})
    assert stage.attachments.log == ["attach one-a", "attach two-b", "detach one-b"]
    assert stage.edge.front(one).addresses == ("10.0.0.4",)
    assert stage.edge.front(two).addresses == ("10.0.1.5",), "it came before the other one went"
    stage.follow()
    assert stage.attachments.attached == {}
    (again,) = stage.follow(one={})
    assert stage.edge.front(again).addresses == ("10.0.0.4", "10.0.1.4")
