"""Which interfaces load balancers and tasks get, with a network that only remembers."""

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


class Remembering:
    """A network and host ports."""

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


class Stage:
    def __init__(self) -> None:
        cloud = FilledAccount()
        cloud.put(VPC, "vpc-1", defaultSecurityGroupId="sg-default")
        cloud.put(SUBNET, "a", vpcId="vpc-1", ipv6CidrBlock="2001:db8:1:2::/64")
        self.machine = cast("Any", Remembering())
        self.changes = 0
        self.attachments = Attachments(self.machine, self.machine, cloud, self.changed)

    def changed(self) -> None:
        self.changes += 1

    async def attach(self, identifier: str = "i", **how: Any) -> Interface:
        given = {"subnet": "a", "address": "10.0.1.4", "groups": (), **how}
        return await self.attachments.attach(identifier, **given)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_an_interface_without_groups_has_the_default_one(stage: Stage) -> None:
    assert (await stage.attach()).groups == {"sg-default"}
    assert (await stage.attach(groups=["sg-1"])).groups == {"sg-1"}


async def test_a_public_address_is_kept_until_its_interface_goes(stage: Stage) -> None:
    first = await stage.attach("one", public=True)
    second = await stage.attach("two", public=True)
    assert (first.public_address, second.public_address) == ("203.0.113.1", "203.0.113.2")
    assert (await stage.attach("one", public=True, groups=["sg-1"])).public_address == "203.0.113.1"
    await stage.attachments.detach(first)
    assert (await stage.attach("three", public=True)).public_address == "203.0.113.1"
    assert (await stage.attach("four")).public_address == ""


async def test_an_ipv6_address_ends_as_the_ipv4_address_does(stage: Stage) -> None:
    assert (await stage.attach(ipv6=True)).ipv6 == "2001:db8:1:2::104"
    assert (await stage.attach()).ipv6 == ""


async def test_a_subnet_that_is_nowhere_is_an_error_that_names_it(stage: Stage) -> None:
    with pytest.raises(NoAddressError, match=r"subnet b isn't a resource of the local AWS"):
        await stage.attach(subnet="b")


async def test_an_interface_that_the_machine_refuses_leaves_nothing(stage: Stage) -> None:
    await stage.attach("old")
    stage.machine.refuses = True
    with pytest.raises(NoAddressError):
        await stage.attach("new", public=True)
    with pytest.raises(NoAddressError):
        await stage.attach("old", groups=["sg-1"])
    assert [*stage.machine.attached] == ["old"], "only what is new is taken back"


async def test_of_ports_that_would_be_shown_at_the_same_address_the_needed_one_is(
    stage: Stage,
) -> None:
    interface = await stage.attach(public=True)
    stage.attachments.show(interface, [80], ListenAddress("127.70.0.1", 8000))
    shown = stage.machine.shown["203.0.113.1"]
    assert sorted(shown) == [3389, 8022, 8080, 8443]
    assert stage.changes == 1


async def test_only_ports_that_something_listens_at_are_a_problem(stage: Stage) -> None:
    interface = await stage.attach(public=True)
    stage.attachments.show(interface, [80], ListenAddress("127.70.0.1", 0))
    held = "can't be shown at 127.70.0.1:80: Address already in use"
    stage.machine.problems = {("203.0.113.1", 80): held, ("203.0.113.1", 22): "held too"}
    assert stage.attachments.problems == [f"port 80 of 203.0.113.1 {held}"]
    await stage.attachments.detach(interface)
    assert stage.attachments.problems == []
