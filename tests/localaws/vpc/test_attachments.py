"""Which interfaces load balancers and tasks get, with a machine that only records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from localaws.catalog.ec2.network import SUBNET, VPC
from localaws.machine.addresses import ListenAddress, NoAddressError
from localaws.vpc.attachments import Attachments
from tests.localaws.filled_account import FilledAccount

if TYPE_CHECKING:
    from collections.abc import Collection

    from localaws.vpc.model import Interface


class RecordingMachine:
    """A network and host ports, which only record what they are to do."""

    def __init__(self) -> None:
        self.attached: dict[str, Interface] = {}
        self.shown: dict[str, list[int]] = {}
        self.problems: dict[tuple[str, int], str] = {}
        self.refuses = False

    async def attach(self, interface: Interface, network: str) -> str:
        self.attached[interface.id] = interface
        if self.refuses:
            raise NoAddressError("no more links")
        return network

    async def detach(self, interface: Interface) -> None:
        self.attached.pop(interface.id, None)

    def show(self, public_address: str, ports: Collection[int], on: ListenAddress) -> None:
        self.shown[public_address] = [on.port(each) for each in ports]

    async def hide(self, public_address: str) -> None:
        self.shown.pop(public_address, None)


class Harness:
    """Attachments of a VPC with one subnet, on a machine that only records."""

    def __init__(self) -> None:
        cloud = FilledAccount()
        cloud.put(VPC, "vpc-1", defaultSecurityGroupId="sg-default")
        cloud.put(SUBNET, "a", vpcId="vpc-1", ipv6CidrBlock="2001:db8:1:2::/64")
        self.machine = cast("Any", RecordingMachine())
        self.changes = 0
        self.attachments = Attachments(self.machine, self.machine, cloud, self.changed)

    def changed(self) -> None:
        self.changes += 1

    async def attach(self, identifier: str = "i", **how: Any) -> Interface:
        given = {"subnet": "a", "address": "10.0.1.4", "groups": (), **how}
        return await self.attachments.attach(identifier, **given)


@pytest.fixture
def harness() -> Harness:
    return Harness()


async def test_an_interface_without_groups_has_the_default_one(harness: Harness) -> None:
    assert (await harness.attach()).groups == {"sg-default"}
    assert (await harness.attach(groups=["sg-1"])).groups == {"sg-1"}


async def test_a_public_address_is_kept_until_its_interface_goes(harness: Harness) -> None:
    first = await harness.attach("one", public=True)
    second = await harness.attach("two", public=True)
    assert first.public_address == "203.0.113.1"
    assert second.public_address == "203.0.113.2"
    changed = await harness.attach("one", public=True, groups=["sg-1"])
    assert changed.public_address == "203.0.113.1"
    await harness.attachments.detach(first)
    third = await harness.attach("three", public=True)
    assert third.public_address == "203.0.113.1", "it is free again"
    private = await harness.attach("four")
    assert private.public_address == ""


async def test_an_ipv6_address_ends_as_the_ipv4_address_does(harness: Harness) -> None:
    assert (await harness.attach(ipv6=True)).ipv6 == "2001:db8:1:2::104"
    assert (await harness.attach()).ipv6 == ""


async def test_a_subnet_that_is_nowhere_is_an_error_that_names_it(harness: Harness) -> None:
    with pytest.raises(NoAddressError, match=r"subnet b isn't a resource of the local AWS"):
        await harness.attach(subnet="b")


async def test_an_interface_that_the_machine_refuses_leaves_nothing(harness: Harness) -> None:
    await harness.attach("old")
    harness.machine.refuses = True
    with pytest.raises(NoAddressError):
        await harness.attach("new", public=True)
    with pytest.raises(NoAddressError):
        await harness.attach("old", groups=["sg-1"])
    assert list(harness.machine.attached) == ["old"], "only the new one is detached"


async def test_a_listeners_port_is_shown_although_another_would_have_the_same_number(
    harness: Harness,
) -> None:
    interface = await harness.attach(public=True)
    harness.attachments.show(interface, [80], ListenAddress("127.70.0.1", 8000))
    shown = harness.machine.shown["203.0.113.1"]
    assert sorted(shown) == [3389, 8022, 8080, 8443]
    assert harness.changes == 1


async def test_only_ports_that_something_listens_at_are_a_problem(harness: Harness) -> None:
    interface = await harness.attach(public=True)
    harness.attachments.show(interface, [80], ListenAddress("127.70.0.1", 0))
    held = "can't be shown at 127.70.0.1:80: Address already in use"
    harness.machine.problems = {("203.0.113.1", 80): held, ("203.0.113.1", 22): "held too"}
    assert harness.attachments.problems == [f"port 80 of 203.0.113.1 {held}"]
    await harness.attachments.detach(interface)
    assert harness.attachments.problems == []
