"""Instances and the containers behind their ports, with real packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.machine.programs import find
from localaws.vpc.attachments import Attachments
from localaws.vpc.host_ports import HostPorts
from localaws.vpc.instances import Instances, NoSuchInstanceError
from localaws.vpc.network import INTERNET, OPEN, REFUSED, TIMED_OUT
from tests.localaws.vpc.records import ANYWHERE, Records, interface

if TYPE_CHECKING:
    from tests.localaws.vpc.conftest import Attempt, Packets, StartNetwork

pytestmark = [
    pytest.mark.slow,  # real namespaces
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

INSTANCE, OTHER = "10.0.1.40", "10.0.1.41"
WEB = 4567


class OnInstances(Records):
    """A load balancer, and instances that admit it on the agent's range of ports."""

    def __init__(self) -> None:
        super().__init__()
        self.vpc_ = self.vpc()
        gateway = self.internet_gateway(self.vpc_)
        table = self.table(self.vpc_)
        self.route(table, "0.0.0.0/0", gatewayId=gateway.id)
        self.public = self.subnet(self.vpc_, "10.0.0.0/24", table)
        self.private = self.subnet(self.vpc_, "10.0.1.0/24")
        self.balancer_group = self.group(self.vpc_, "balancer")
        self.instance_group = self.group(self.vpc_, "instances")
        self.any_group = self.group(self.vpc_, "any")
        for each in (self.balancer_group, self.any_group):
            self.egress(each, "-1", **ANYWHERE)
        balancer = {"referencedSecurityGroupId": self.balancer_group.id}
        for port in (32768, 32769):
            self.ingress(self.instance_group, ports=port, **balancer)
        self.egress(self.instance_group, ports=443, **ANYWHERE)


@pytest.fixture
def records() -> OnInstances:
    return OnInstances()


@pytest.fixture
async def packets(start_network: StartNetwork, records: OnInstances) -> Packets:
    return await start_network(records)


@pytest.fixture
async def instances(packets: Packets, records: OnInstances) -> Instances:
    """Two instances, a load balancer, and a stranger that no group admits."""
    host_ports = HostPorts(packets.network)
    attachments = Attachments(packets.network, host_ports, records.cloud, lambda: None)
    instances = Instances(packets.launcher, attachments)
    for name, address in (("i-1", INSTANCE), ("i-2", OTHER)):
        await instances.boot(
            name,
            subnet=records.private.id,
            address=address,
            groups=[records.instance_group.id],
        )
    balancer = interface("balancer", records.public, "10.0.0.10", records.balancer_group)
    stranger = interface("stranger", records.public, "10.0.0.11", records.any_group)
    await packets.attach(balancer, stranger)
    return instances


async def test_host_ports_are_forwarded_for_the_load_balancer_and_closed_for_others(
    packets: Packets, instances: Instances
) -> None:
    for number in (0, 1):
        container = await instances.connect("i-1", f"task-{number}", {32768 + number: WEB})
        assert container.address == f"172.17.0.{number + 2}"
        await packets.listen(container.network, WEB)
    await packets.listen("i-1", 22, 51678)
    await packets.check(
        {
            ("balancer", INSTANCE, 32768): OPEN,
            ("balancer", INSTANCE, 32769): OPEN,
            ("balancer", INSTANCE, 22): TIMED_OUT,
            ("balancer", INSTANCE, 51678): TIMED_OUT,
            ("balancer", INSTANCE, WEB): TIMED_OUT,
            ("balancer", OTHER, 32768): REFUSED,
            ("stranger", INSTANCE, 32768): TIMED_OUT,
            ("stranger", INSTANCE, 22): TIMED_OUT,
            ("i-2", INSTANCE, 32768): TIMED_OUT,
            (INTERNET, INSTANCE, 32768): TIMED_OUT,
        }
    )


async def test_containers_have_localhost_to_themselves_and_their_neighbours_on_the_bridge(
    packets: Packets, instances: Instances
) -> None:
    web = await instances.connect("i-1", "task-0", {32768: WEB})
    await instances.connect("i-1", "task-1", {32769: WEB})
    await instances.connect("i-2", "task-2", {32768: WEB})
    await packets.listen(web.network, WEB)
    await packets.check(
        {
            ("task-0", "127.0.0.1", WEB): OPEN,
            ("task-1", "127.0.0.1", WEB): REFUSED,
            ("task-1", web.address, WEB): OPEN,
            ("task-2", web.address, WEB): REFUSED,  # it has that address itself
            ("i-1", INSTANCE, 32768): OPEN,
            ("task-0", "169.254.169.254", 80): TIMED_OUT,
            ("i-1", "169.254.169.254", 80): TIMED_OUT,
        }
    )


async def test_what_a_container_sends_is_judged_as_its_instances(
    records: OnInstances, packets: Packets, instances: Instances
) -> None:
    await instances.connect("i-1", "task-0", {})
    server = interface("server", records.public, "10.0.0.20", records.any_group)
    admitted = {"referencedSecurityGroupId": records.instance_group.id}
    for port in (443, 8443):
        records.ingress(records.any_group, ports=port, **admitted)
    await packets.network.follow()
    await packets.attach(server, listen=(443, 8443))
    await packets.check(
        {("task-0", "10.0.0.20", 443): OPEN, ("task-0", "10.0.0.20", 8443): TIMED_OUT}
    )


async def test_ports_and_addresses_are_free_again_once_a_container_is_gone(
    packets: Packets, instances: Instances
) -> None:
    await instances.connect("i-1", "task-0", {32768: WEB})
    await instances.disconnect("i-1", "task-0")
    await packets.check({("balancer", INSTANCE, 32768): REFUSED})
    again = await instances.connect("i-1", "task-1", {32768: 80})
    assert again.address == "172.17.0.2"
    await packets.listen(again.network, 80)
    await packets.check({("balancer", INSTANCE, 32768): OPEN})


async def test_a_container_with_the_address_of_one_before_it_is_reached_at_once(
    packets: Packets, instances: Instances
) -> None:
    """The instance still knows the hardware address that this address had."""
    for number in range(3):
        await instances.connect("i-1", f"other-{number}", {})
    for number in range(5):
        container = await instances.connect("i-1", f"task-{number}", {32768: WEB})
        assert container.address == "172.17.0.5"
        # By the container, in which nothing listens.
        await packets.check({("balancer", INSTANCE, 32768): REFUSED})
        await instances.disconnect("i-1", container.network)


async def test_a_container_reaches_its_instances_network_whichever_neighbours_come_and_go(
    records: OnInstances, packets: Packets, instances: Instances
) -> None:
    """By itself a bridge has the lowest hardware address of what is connected to it."""
    server = interface("server", records.public, "10.0.0.20", records.any_group)
    admitted = {"referencedSecurityGroupId": records.instance_group.id}
    records.ingress(records.any_group, ports=443, **admitted)
    await packets.network.follow()
    await packets.attach(server, listen=(443,))
    reached: dict[Attempt, str] = {("task-0", "10.0.0.20", 443): OPEN}
    await instances.connect("i-1", "task-0", {})
    for number in range(1, 6):
        await instances.connect("i-1", f"task-{number}", {})
        await packets.check(reached)
    for number in range(1, 6):
        await instances.disconnect("i-1", f"task-{number}")
        await packets.check(reached)


async def test_a_terminated_instance_takes_its_containers_networks_along(
    packets: Packets, instances: Instances
) -> None:
    await instances.connect("i-1", "task-0", {32768: WEB})
    await instances.terminate("i-1")
    await instances.terminate("i-1")
    await packets.check({("balancer", INSTANCE, 32768): TIMED_OUT})
    with pytest.raises(NoSuchInstanceError, match="i-1"):
        await instances.connect("i-1", "task-1", {})
    left = await packets.launcher.run(["ip", "netns", "list"])
    assert "task-0" not in left
    assert "i-1" not in left
    assert "i-2" in left
