"""The interfaces of load balancers in a VPC, with attachments that only record."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest

from localaws.alb.certificate_files import authority_file
from localaws.alb.edge import Front
from localaws.alb.model import Listener
from localaws.alb.targets import Endpoint
from localaws.alb.vpc_edge import VpcEdge
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.machine.addresses import Addresses, NoAddressError, SubnetAddresses
from localaws.machine.stream_server import StreamServer
from localaws.vpc.model import Interface
from tests.localaws.alb.conftest import server_context
from tests.localaws.filled_account import FilledAccount

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.catalog.account import Resource
    from localaws.machine.addresses import ListenAddress


PUBLIC = {"a": "203.0.113.1", "b": "203.0.113.2", "full": "203.0.113.3"}
"""The public address of each load balancer's interface, by its subnet."""


class RecordingAttachments:
    """Keeps in `log` what was done, and changes nothing."""

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
            PUBLIC[how["subnet"]] if how["public"] else "",
        )
        assert how["network"] == "alb-vpc-1"
        return interface

    def show(self, interface: Interface, ports: list[int], on: ListenAddress) -> None:
        self.log.append(f"show {interface.public_address} {ports} at {on.dns_name}")

    async def replace(self, interface: Interface, other: Interface) -> None:
        self.log.append(f"replace {interface.id} by {other.id}")

    async def detach(self, interface: Interface) -> None:
        self.log.append(f"detach {interface.id}")
        del self.attached[interface.id]


class Namespaces:
    """A network whose namespaces all are this machine's."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, str, int]] = []

    async def open_connection(self, namespace: str, address: str, port: int) -> socket.socket:
        self.asked.append((namespace, address, port))
        opened = socket.socket()
        opened.setblocking(False)  # noqa: FBT003 — positional only
        await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", self.port))
        return opened


class Harness:
    """The edge of a VPC with two subnets and a full one, and a clock."""

    def __init__(self, directory: Path) -> None:
        self.cloud = FilledAccount()
        # AWS keeps four addresses of each subnet, all that the third one has.
        blocks = {"a": "10.0.0.0/24", "b": "10.0.1.0/24", "full": "10.0.2.0/30"}
        for subnet, block in blocks.items():
            self.cloud.put(SUBNET, subnet, vpcId="vpc-1", cidrBlock=block)
        self.attachments = cast("Any", RecordingAttachments())
        network: Any = None
        self.addresses = Addresses(directory)
        self.now = 0.0
        self.problems: dict[str, str] = {}
        """Why load balancers lacked an address the last time."""

        self.edge = VpcEdge(
            self.cloud,
            network,
            self.attachments,
            SubnetAddresses(),
            self.addresses,
            clock=lambda: self.now,
        )

    async def follow(self, **load_balancers: dict[str, Any]) -> list[Resource]:
        """Have the edge follow these load balancers, by name, with these outputs."""
        found = []
        for name, outputs in load_balancers.items():
            self.cloud.put(LOAD_BALANCER, name, **{"subnets": ["a", "b"], **outputs})
            resource = self.cloud.get(LOAD_BALANCER, name)
            assert resource
            found.append(resource)
        self.problems = dict(await self.edge.follow(found))
        return found

    async def show(self, *load_balancers: str) -> None:
        """Do what follows when the proxy has its configuration."""
        endpoint = Endpoint("127.0.0.1", 80)
        found = [
            Listener(arn="l", endpoint=endpoint, load_balancer=each, port=80, rules=())
            for each in load_balancers
        ]
        await self.edge.show(found)

    async def release(self, *, after: float = 0) -> bool:
        """Return whether the edge releases an interface, so many seconds later."""
        self.now += after
        return await self.edge.release()


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


async def test_a_load_balancer_has_a_private_and_a_public_address_in_each_subnet(
    harness: Harness,
) -> None:
    (one,) = await harness.follow(one={"securityGroups": ["sg-1"]})
    assert harness.edge.front(one) == Front("vpc-1", ("10.0.0.4", "10.0.1.4"))
    shown = {
        PUBLIC["a"]: harness.addresses.load_balancer("one").dns_name,
        PUBLIC["b"]: harness.addresses.load_balancer("one", "b").dns_name,
    }
    assert harness.edge.outside(one) == shown
    harness.attachments.log.clear()
    await harness.show("one")
    expected = [f"show {public} [80] at {here}" for public, here in shown.items()]
    assert harness.attachments.log == expected
    assert {each.groups for each in harness.edge.interfaces("one")} == {frozenset({"sg-1"})}


async def test_an_internal_load_balancer_has_no_public_address(harness: Harness) -> None:
    (one,) = await harness.follow(one={"internal": True})
    assert harness.edge.outside(one) == {}


async def test_a_subnet_that_is_left_is_detached_after_the_proxy_and_clients_have_moved(
    harness: Harness,
) -> None:
    await harness.follow(one={})
    harness.attachments.log.clear()
    (one,) = await harness.follow(one={"subnets": ["b"]})
    front = harness.edge.front(one)
    assert front == Front("vpc-1", ("10.0.1.4",), leaving=("10.0.0.4",)), "it accepts at both"
    assert front.source == "10.0.1.4", "new connections to targets come from where it stays"
    assert harness.attachments.log == ["attach one-b"], "the proxy has yet to learn of it"
    await harness.show("one")
    await harness.show("one")
    own = harness.addresses.load_balancer("one")
    shown = f"show {PUBLIC['b']} [80] at {own.dns_name}"
    assert harness.attachments.log[1:] == ["replace one-a by one-b", shown, shown]
    assert harness.edge.outside(one) == {PUBLIC["b"]: own.dns_name}
    assert not await harness.release(after=4), "requests are on their way"
    assert await harness.release(after=2)
    assert harness.attachments.log[4:] == ["detach one-a"]
    assert harness.edge.front(one) == Front("vpc-1", ("10.0.1.4",))
    assert not await harness.release(after=60)


async def test_a_subnet_that_comes_back_in_time_keeps_its_interface(harness: Harness) -> None:
    await harness.follow(one={})
    await harness.follow(one={"subnets": ["b"]})
    (one,) = await harness.follow(one={})
    assert harness.edge.front(one) == Front("vpc-1", ("10.0.1.4", "10.0.0.4"))
    assert not await harness.release(after=60)
    assert harness.attachments.attached.keys() == {"one-a", "one-b"}


async def test_a_load_balancer_that_is_deleted_is_detached_at_once(harness: Harness) -> None:
    await harness.follow(one={})
    await harness.follow(one={"subnets": ["b"]})
    await harness.follow()
    assert await harness.release()
    assert harness.attachments.attached == {}


async def test_a_dual_stack_load_balancer_listens_on_ipv6_too(harness: Harness) -> None:
    (one,) = await harness.follow(one={"ipAddressType": "dualstack", "subnets": ["a"]})
    assert harness.edge.front(one).addresses == ("10.0.0.4", "2001:db8::4")


async def test_a_change_keeps_addresses_and_attaches_new_ones_before_it_detaches_others(
    harness: Harness,
) -> None:
    await harness.follow(one={})
    harness.attachments.log.clear()
    one, two = await harness.follow(one={"subnets": ["a"]}, two={"subnets": ["b"]})
    assert harness.edge.front(one).addresses == ("10.0.0.4",)
    assert harness.edge.front(two).addresses == ("10.0.1.5",), "it came before the other one went"
    await harness.release(after=6)
    assert harness.attachments.log == ["attach one-a", "attach two-b", "detach one-b"]
    await harness.follow()
    await harness.release()
    assert harness.attachments.attached == {}
    (again,) = await harness.follow(one={})
    assert harness.edge.front(again).addresses == ("10.0.0.4", "10.0.1.4")


async def test_a_load_balancer_without_an_address_keeps_no_other_from_theirs(
    harness: Harness,
) -> None:
    one, two, three = await harness.follow(
        one={"subnets": ["full"]}, two={}, three={"subnets": ["elsewhere"]}
    )
    assert harness.problems == {
        "one": "subnet 10.0.2.0/30 has no free address",
        "three": "subnet elsewhere isn't a resource of the local AWS, so nothing can run in it "
        "here",
    }
    assert [harness.edge.front(each).addresses for each in (one, two, three)] == [
        (),
        ("10.0.0.4", "10.0.1.4"),
        (),
    ]
    harness.cloud.put(SUBNET, "full", vpcId="vpc-1", cidrBlock="10.0.2.0/24")
    (one,) = await harness.follow(one={"subnets": ["full"]})
    assert harness.problems == {}
    assert harness.edge.front(one).addresses == ("10.0.2.4",)


async def test_a_load_balancer_keeps_its_addresses_until_it_has_all_of_the_new_ones(
    harness: Harness,
) -> None:
    await harness.follow(one={})
    (one,) = await harness.follow(one={"subnets": ["full", "b"]})
    assert harness.problems.keys() == {"one"}
    assert harness.edge.front(one) == Front("vpc-1", ("10.0.0.4", "10.0.1.4"))
    harness.cloud.put(SUBNET, "full", vpcId="vpc-1", cidrBlock="10.0.2.0/24")
    (one,) = await harness.follow(one={"subnets": ["full", "b"]})
    assert harness.problems == {}
    front = harness.edge.front(one)
    assert front == Front("vpc-1", ("10.0.1.4", "10.0.2.4"), leaving=("10.0.0.4",))


async def test_public_addresses_are_shown_beside_one_for_which_this_machine_has_none_left(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = await harness.follow(one={}, two={})
    has_address = harness.addresses.load_balancer

    def load_balancer(arn: str, subnet: str = "") -> ListenAddress:
        if arn == "one" and subnet:
            raise NoAddressError("no loopback address is free")
        return has_address(arn, subnet)

    monkeypatch.setattr(harness.addresses, "load_balancer", load_balancer)
    harness.attachments.log.clear()
    with pytest.raises(NoAddressError):
        await harness.show("one", "two")
    assert len(harness.attachments.log) == 3
    assert harness.edge.outside(one) == {PUBLIC["a"]: has_address("one").dns_name}


async def test_an_identity_provider_is_resolved_and_reached_in_the_load_balancers_vpc(
    tmp_path: Path,
) -> None:
    served_one = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        served_one.set()

    served = server_context(tmp_path, "idp.example.test")
    trusted = ssl.create_default_context(cafile=authority_file(tmp_path))
    server = StreamServer(serve)
    await server.listen("127.0.0.1", 0, ssl=served)
    network = Namespaces(server.port)
    records = {("vpc-1", "idp.example.test"): ["10.0.1.9"], ("vpc-1", "b.test"): ["10.0.1.9"]}
    edge = VpcEdge(
        FilledAccount(),
        cast("Any", network),
        cast("Any", RecordingAttachments()),
        SubnetAddresses(),
        Addresses(tmp_path),
        resolve=lambda vpc, name: records.get((vpc, name), []),
    )
    front = Front("vpc-1", ("10.0.0.4",))
    reader, writer = await edge.connect(front, "idp.example.test", 443, trusted)
    writer.write(b"hello\n")
    assert await reader.read() == b"hello\n"
    writer.close()
    await writer.wait_closed()
    await served_one.wait()
    assert network.asked == [("alb-vpc-1", "10.0.1.9", 443)]
    with pytest.raises(ssl.SSLCertVerificationError):
        await edge.connect(front, "b.test", 443, trusted)
    with pytest.raises(OSError, match=r"the local VPC knows no name c\.test"):
        await edge.connect(front, "c.test", 443, trusted)
    await server.close()
