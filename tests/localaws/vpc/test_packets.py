"""Real packets between real namespaces, as root and as a user without privileges."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import dns.message
import pytest

from localaws.machine.processes import CommandFailedError
from localaws.machine.programs import find
from localaws.vpc.metadata import TaskMetadata
from localaws.vpc.names import Instance, Running
from localaws.vpc.network import INTERNET, OPEN, REFUSED, TIMED_OUT
from localaws.vpc.services import RouterServices
from tests.localaws.vpc.conftest import TIMEOUT
from tests.localaws.vpc.records import (
    ANYWHERE,
    ANYWHERE_IPV6,
    REGION,
    Records,
    interface,
    ipv6_prefix,
)
from tests.localaws.vpc.task_descriptions import path_of
from tests.localaws.vpc.task_descriptions import task as described

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from localaws.vpc.model import Interface
    from tests.localaws.vpc.conftest import Packets, StartNetwork

pytestmark = [
    pytest.mark.slow,  # real namespaces
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

HOST, HOST_IPV6 = "198.51.100.7", "2001:db8:ffff::7"
"""A host on the internet."""


class WebService(Records):
    """A load balancer before tasks in one VPC, and others that try to reach them."""

    def __init__(self) -> None:
        super().__init__()
        self.vpc_ = self.vpc(assignGeneratedIpv6CidrBlock=True)
        self.prefix = ipv6_prefix(self.vpc_)
        gateway = self.internet_gateway(self.vpc_)
        self.public_table, self.private_table = self.table(self.vpc_), self.table(self.vpc_)
        self.route(self.public_table, "0.0.0.0/0", gatewayId=gateway.id)
        self.route(self.public_table, "::/0", gatewayId=gateway.id)
        self.public = self.subnet(self.vpc_, "10.0.0.0/24", self.public_table, ipv6=0)
        self.private = self.subnet(self.vpc_, "10.0.1.0/24", self.private_table, ipv6=1)
        self.isolated = self.subnet(self.vpc_, "10.0.2.0/24")
        self.nat = self.nat_gateway(self.public)
        only_out = self.make(
            "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", vpcId=self.vpc_.id
        )
        self.route(self.private_table, "0.0.0.0/0", natGatewayId=self.nat.id)
        self.route(self.private_table, "::/0", egressOnlyGatewayId=only_out.id)
        self.balancer_group = self.group(self.vpc_, "balancer")
        self.task_group = self.group(self.vpc_, "tasks")
        self.any_group = self.group(self.vpc_, "any")
        for source in (ANYWHERE, ANYWHERE_IPV6):
            self.ingress(self.balancer_group, ports=80, **source)
            self.egress(self.any_group, "-1", **source)
        tasks = {"referencedSecurityGroupId": self.task_group.id}
        balancer = {"referencedSecurityGroupId": self.balancer_group.id}
        self.egress(self.balancer_group, ports=80, **tasks)
        self.from_balancer = self.ingress(self.task_group, ports=80, **balancer)
        self.egress(self.task_group, ports=443, **ANYWHERE)

    async def attach(self, packets: Packets) -> None:
        balancer = interface(
            "balancer",
            self.public,
            "10.0.0.10",
            self.balancer_group,
            public="203.0.113.10",
            ipv6=f"{self.prefix}00::10",
        )
        tasks = (
            interface(
                "task-1",
                self.public,
                "10.0.0.21",
                self.task_group,
                public="203.0.113.21",
                ipv6=f"{self.prefix}00::21",
            ),
            interface(
                "task-2",
                self.private,
                "10.0.1.22",
                self.task_group,
                ipv6=f"{self.prefix}01::22",
            ),
        )
        others = (
            interface(
                "bastion",
                self.public,
                "10.0.0.99",
                self.any_group,
                public="203.0.113.99",
                ipv6=f"{self.prefix}00::99",
            ),
            interface(
                "private", self.private, "10.0.1.99", self.any_group, ipv6=f"{self.prefix}01::99"
            ),
            interface("isolated", self.isolated, "10.0.2.99", self.any_group),
        )
        await packets.listen(INTERNET, 80, 443)
        await packets.attach(balancer, *tasks, listen=(22, 80))
        await packets.attach(*others, listen=(80,))


async def test_a_web_service_is_reached_by_its_load_balancer_only(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    prefix = records.prefix
    packets = await start_network(records)
    await records.attach(packets)
    await packets.check(
        {
            (INTERNET, "203.0.113.10", 80): OPEN,
            (INTERNET, f"{prefix}00::10", 80): OPEN,
            (INTERNET, "203.0.113.10", 22): TIMED_OUT,
            (INTERNET, "203.0.113.10", 3389): TIMED_OUT,
            (INTERNET, "203.0.113.21", 80): TIMED_OUT,
            (INTERNET, "203.0.113.21", 22): TIMED_OUT,
            (INTERNET, f"{prefix}00::21", 80): TIMED_OUT,
            (INTERNET, "10.0.0.21", 80): TIMED_OUT,
            (INTERNET, "203.0.113.222", 80): TIMED_OUT,
            ("balancer", "10.0.0.21", 80): OPEN,
            ("balancer", "10.0.1.22", 80): OPEN,
            ("balancer", "10.0.0.21", 22): TIMED_OUT,
            ("balancer", f"{prefix}01::22", 80): OPEN,
            ("balancer", HOST, 80): TIMED_OUT,
            ("task-1", "10.0.1.22", 80): TIMED_OUT,
            ("bastion", "10.0.0.21", 80): TIMED_OUT,
            ("bastion", "10.0.1.22", 22): TIMED_OUT,
            ("isolated", "10.0.0.10", 80): OPEN,
            ("isolated", "10.0.0.200", 80): TIMED_OUT,
        }
    )


async def test_routes_decide_what_reaches_the_internet_and_is_reached_from_it(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    prefix = records.prefix
    packets = await start_network(records)
    await records.attach(packets)
    await packets.check(
        {
            ("task-1", HOST, 443): OPEN,
            ("task-1", HOST, 80): TIMED_OUT,
            ("task-2", HOST, 443): OPEN,
            ("private", HOST, 80): OPEN,
            ("private", HOST, 81): REFUSED,
            ("private", HOST_IPV6, 80): OPEN,
            ("isolated", HOST, 80): TIMED_OUT,
            # By public addresses: as a stranger comes.
            ("bastion", "203.0.113.10", 80): OPEN,
            ("private", "203.0.113.10", 80): OPEN,
            ("isolated", "203.0.113.10", 80): TIMED_OUT,
            # An egress-only gateway lets nothing in.
            (INTERNET, f"{prefix}01::99", 80): TIMED_OUT,
        }
    )


async def test_a_group_does_not_match_what_comes_by_a_public_address(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    any_group = {"referencedSecurityGroupId": records.any_group.id}
    records.ingress(records.task_group, ports=22, **any_group)
    packets = await start_network(records)
    await records.attach(packets)
    await packets.check(
        {
            ("bastion", "10.0.0.21", 22): OPEN,
            ("bastion", "203.0.113.21", 22): TIMED_OUT,
            ("private", "203.0.113.21", 22): TIMED_OUT,
        }
    )
    own = f"{records.nat.outputs['publicIp']}/32"
    records.ingress(records.task_group, ports=22, cidrIpv4=own)
    await packets.network.follow()
    await packets.check(
        {
            ("bastion", "203.0.113.21", 22): TIMED_OUT,
            ("private", "203.0.113.21", 22): OPEN,
        }
    )


async def test_changes_hold_for_new_connections_and_open_ones_go_on(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    packets = await start_network(records)
    await records.attach(packets)
    attempt = ("balancer", "10.0.0.21", 80)
    with await packets.network.open_connection(*attempt) as open_connection:
        records.remove(records.from_balancer)
        await packets.network.follow()
        await packets.check({attempt: TIMED_OUT})
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(open_connection, b"still there?")
        unacknowledged = await _unacknowledged(open_connection)
        assert unacknowledged == 0
    records.ingress(records.task_group, ports=80, **ANYWHERE)
    await packets.network.follow()
    await packets.check({attempt: OPEN, (INTERNET, "203.0.113.21", 80): OPEN})


async def _unacknowledged(connection: socket.socket) -> int:
    """Return how many segments of a connection have got no acknowledgement after a moment."""
    await asyncio.sleep(TIMEOUT)
    unacknowledged = 24  # offset of tcpi_unacked in struct tcp_info (linux/tcp.h)
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[unacknowledged : unacknowledged + 4], "little")


EPHEMERAL = (1024, 65535)


async def test_a_network_acl_judges_both_directions_by_the_order_of_its_rules(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    acl = records.acl(records.vpc_, records.public)
    packets = await start_network(records)
    await records.attach(packets)
    client = (INTERNET, "203.0.113.10", 80)
    await packets.check(
        {
            client: TIMED_OUT,
            (INTERNET, f"{records.prefix}00::10", 80): TIMED_OUT,
            ("balancer", "10.0.1.22", 80): TIMED_OUT,
            ("balancer", "10.0.0.21", 80): OPEN,  # in one subnet
            ("private", HOST, 80): TIMED_OUT,  # by the NAT gateway in it
        }
    )
    records.acl_rule(acl, 100, "0.0.0.0/0", protocol="tcp", ports=80)
    await packets.network.follow()
    await packets.check({client: TIMED_OUT})  # the answers don't pass
    records.acl_rule(acl, 100, "0.0.0.0/0", protocol="tcp", ports=EPHEMERAL, egress=True)
    await packets.network.follow()
    await packets.check({client: OPEN, (INTERNET, "203.0.113.99", 22): TIMED_OUT})
    records.acl_rule(acl, 200, f"{HOST}/32", "deny", protocol="tcp", ports=80)
    await packets.network.follow()
    await packets.check({client: OPEN})  # an earlier rule decides
    denial = records.acl_rule(acl, 99, f"{HOST}/32", "deny", protocol="tcp", ports=80)
    await packets.network.follow()
    await packets.check({client: TIMED_OUT})
    records.remove(denial)
    # For the NAT gateway: what comes from the private subnet, what it sends, and both back.
    records.acl_rule(acl, 110, "0.0.0.0/0", protocol="tcp", ports=EPHEMERAL)
    await packets.network.follow()
    await packets.check({("private", HOST, 80): TIMED_OUT})
    records.acl_rule(acl, 110, f"{HOST}/32", protocol="tcp", ports=80, egress=True)
    await packets.network.follow()
    await packets.check({("private", HOST, 80): OPEN, ("private", HOST_IPV6, 80): OPEN})
    records.remove(acl)
    await packets.network.follow()
    await packets.check({("balancer", "10.0.1.22", 80): OPEN})  # the VPC's default one


async def test_a_network_acl_cuts_connections_that_are_established(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    vpc = records.vpc_
    packets = await start_network(records)
    await records.attach(packets)
    attempt = ("balancer", "10.0.1.22", 80)
    with await packets.network.open_connection(*attempt) as open_connection:
        acl = records.acl(vpc)
        records.make(
            "aws:ec2/networkAclAssociation:NetworkAclAssociation",
            networkAclId=acl.id,
            subnetId=records.private.id,
        )
        await packets.network.follow()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(open_connection, b"still there?")
        assert await _unacknowledged(open_connection) == 1
        for egress in (False, True):
            records.acl_rule(acl, 1, "0.0.0.0/0", egress=egress)
        await packets.network.follow()
        await packets.check({attempt: OPEN})


async def test_a_network_acl_knows_types_of_icmp(start_network: StartNetwork) -> None:
    records = Records()
    vpc = records.vpc()
    subnets = [records.subnet(vpc, f"10.0.{number}.0/24") for number in (0, 1)]
    group = records.group(vpc, "any")
    records.ingress(group, "-1", **ANYWHERE)
    records.egress(group, "-1", **ANYWHERE)
    acl = records.acl(vpc, subnets[1])
    echo = records.acl_rule(acl, 1, "0.0.0.0/0", protocol="icmp", icmpType=8, icmpCode=-1)
    records.acl_rule(acl, 1, "0.0.0.0/0", protocol="icmp", egress=True)  # an echo reply
    interfaces = (
        interface("sender", subnets[0], "10.0.0.10", group),
        interface("receiver", subnets[1], "10.0.1.10", group),
    )
    packets = await start_network(records)
    await packets.attach(*interfaces)
    assert await _ping(packets, "10.0.1.10") == "answered"
    records.remove(echo)
    records.acl_rule(acl, 1, "0.0.0.0/0", protocol="1", icmpType=3, icmpCode=-1)
    await packets.network.follow()
    assert await _ping(packets, "10.0.1.10") == "silent"


def _public_vpc(records: Records, name: str, public: str) -> tuple[Resource, Interface]:
    """Make a VPC of the same range as every other one, with a server that is open to all."""
    vpc = records.vpc()
    gateway = records.internet_gateway(vpc)
    table = records.table(vpc)
    records.route(table, "0.0.0.0/0", gatewayId=gateway.id)
    subnet = records.subnet(vpc, "10.0.0.0/24", table)
    group = records.group(vpc, name)
    records.ingress(group, ports=80, **ANYWHERE)
    records.egress(group, "-1", **ANYWHERE)
    return vpc, interface(name, subnet, "10.0.0.9", group, public=public)


async def test_vpcs_with_the_same_range_stay_apart_and_go_one_by_one(
    start_network: StartNetwork,
) -> None:
    records = Records()
    left_vpc, left = _public_vpc(records, "left", "203.0.113.1")
    right_vpc, right = _public_vpc(records, "right", "203.0.113.2")
    packets = await start_network(records)
    await packets.attach(left, right, listen=(80,))
    await packets.check(
        {
            (INTERNET, "203.0.113.1", 80): OPEN,
            (INTERNET, "203.0.113.2", 80): OPEN,
            ("left", "203.0.113.2", 80): OPEN,
            ("right", "203.0.113.1", 80): OPEN,
        }
    )
    await packets.network.detach(left)
    _remove_vpc(records, left_vpc)
    await packets.network.follow()
    await packets.check(
        {
            (INTERNET, "203.0.113.1", 80): TIMED_OUT,
            (INTERNET, "203.0.113.2", 80): OPEN,
        }
    )
    names = (await packets.launcher.run(["ls", "/run/netns"])).split()
    assert sorted(names) == ["right", "vpc-2"]
    assert right_vpc.id != left_vpc.id


def _remove_vpc(records: Records, vpc: Resource) -> None:
    for token in (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/route:Route",
    ):
        for each in records.cloud.all(token):
            if _is_in(records, each, vpc):
                records.remove(each)
    for token in (
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/internetGateway:InternetGateway",
    ):
        for each in records.cloud.all(token):
            if not each.made_by_aws and each.outputs.get("vpcId") == vpc.id:
                records.remove(each)
    records.remove(vpc)


def _is_in(records: Records, record: Resource, vpc: Resource) -> bool:
    for name, token in (
        ("securityGroupId", "aws:ec2/securityGroup:SecurityGroup"),
        ("routeTableId", "aws:ec2/routeTable:RouteTable"),
    ):
        parent = records.cloud.get(token, record.inputs.get(name))
        if parent is not None:
            return bool(parent.outputs["vpcId"] == vpc.id)
    return False


async def test_tasks_reach_the_resolver_and_the_metadata_whatever_their_groups(
    start_network: StartNetwork,
) -> None:
    records = WebService()
    metadata = TaskMetadata()
    namespace = records.make(
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        name="local.test",
        vpc=records.vpc_.id,
    )
    kinds = [{"type": kind, "ttl": 10} for kind in ("A", "SRV")]
    service = records.make(
        "aws:servicediscovery/service:Service",
        name="web",
        dnsConfig={"namespaceId": namespace.id, "dnsRecords": kinds},
    )
    registered = [Instance("t1", "10.0.0.21", port=8080)]

    async def check(packets: Packets) -> None:
        await records.attach(packets)
        name = f"ip-10-0-1-22.{REGION}.compute.internal"
        for resolver in ("169.254.169.253", "10.0.0.2"):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                assert await _resolved(packets, resolver, kind, name) == ["10.0.1.22"]
        asked = partial(_resolved, packets, "169.254.169.253", socket.SOCK_DGRAM)
        for wanted, name, expected in (
            ("A", "web.local.test", ["10.0.0.21"]),
            ("SRV", "web.local.test", ["1 1 8080 t1.web.local.test."]),
            ("A", "t1.web.local.test", ["10.0.0.21"]),
        ):
            assert await asked(name, wanted) == expected
        registered.clear()
        assert await asked("web.local.test") == []
        await packets.check(
            {
                ("task-1", "169.254.170.2", 80): OPEN,
                ("task-1", "169.254.170.2", 81): TIMED_OUT,
                ("task-1", "10.0.0.1", 80): TIMED_OUT,
            }
        )
        task = described(vpc=records.vpc_.id, address="10.0.0.21")
        metadata.add(task)
        variables = metadata.environment(task, "web")
        path = path_of(variables["ECS_CONTAINER_METADATA_URI_V4"])
        assert await _http(packets, "task-1", path) == b"HTTP/1.1 200 OK"
        assert await _http(packets, "task-2", path) == b"HTTP/1.1 404 Not Found"

    packets = await start_network(records)
    running = Running(lambda _: (), lambda arn: registered if arn == service.outputs["arn"] else ())
    services = RouterServices(packets.network, records.cloud, running, metadata.answer)
    await services.follow()
    try:
        await check(packets)
    finally:
        await services.close()


async def _resolved(
    packets: Packets, resolver: str, kind: int, name: str, wanted: str = "A"
) -> list[str]:
    """Return a name's records as a program in a task resolves it."""
    query = dns.message.make_query(name, wanted).to_wire()
    loop = asyncio.get_running_loop()
    opened = await packets.launcher.open_socket("task-1", family=socket.AF_INET, type=kind)
    async with asyncio.timeout(5):
        with opened:
            await loop.sock_connect(opened, (resolver, 53))
            if kind == socket.SOCK_STREAM:
                query = len(query).to_bytes(2) + query
            await loop.sock_sendall(opened, query)
            response = await loop.sock_recv(opened, 2**16)
    if kind == socket.SOCK_STREAM:
        response = response[2:]
    addresses = []
    for records in dns.message.from_wire(response).answer:
        addresses += [str(each) for each in records]
    return addresses


async def _http(packets: Packets, network: str, path: str) -> bytes:
    """Return the first line of what the metadata endpoint answers."""
    opened = await packets.network.open_connection(network, "169.254.170.2", 80)
    reader, writer = await asyncio.open_connection(sock=opened)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: metadata\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return line.strip()


async def test_of_many_interfaces_at_once_all_work_but_one_that_can_not(
    start_network: StartNetwork,
) -> None:
    records = Records()
    vpc = records.vpc()
    subnet = records.subnet(vpc, "10.0.0.0/24")
    group = records.group(vpc, "any")
    records.ingress(group, ports=80, **ANYWHERE)
    records.egress(group, "-1", **ANYWHERE)
    good = [interface(f"task-{index}", subnet, f"10.0.0.{10 + index}", group) for index in range(9)]
    bad = interface("bad", subnet, "10.0.0.300", group)
    packets = await start_network(records)
    attach = packets.network.attach
    outcomes = await asyncio.gather(
        *(attach(each) for each in (*good, bad)), return_exceptions=True
    )
    assert outcomes[:-1] == [each.id for each in good]
    assert isinstance(outcomes[-1], CommandFailedError)
    for each in good:
        await packets.listen(each.id, 80)
    pairs = zip(good, (*good[1:], good[0]), strict=True)
    await packets.check({(one.id, other.address, 80): OPEN for one, other in pairs})


PING = """
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.settimeout(float(sys.argv[2]))
head = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
total = sum(struct.unpack("!4H", head))
checksum = ~(total + (total >> 16)) & 0xFFFF
raw.connect((sys.argv[1], 0))
raw.send(struct.pack("!BBHHH", 8, 0, checksum, 1, 1))
try:
    # Until it was connected, it could receive the answers to others' requests.
    while raw.recvfrom(100)[1][0] != sys.argv[1]:
        pass
    print("answered")
except TimeoutError:
    print("silent")
"""
"""Send an echo request; no program for it is on every machine."""


async def test_protocols_and_types_of_icmp_differ(start_network: StartNetwork) -> None:
    records = Records()
    vpc = records.vpc()
    subnet = records.subnet(vpc, "10.0.0.0/24")
    sender_group = records.group(vpc, "sender")
    records.egress(sender_group, "-1", **ANYWHERE)
    groups = {}
    for name, protocol, ports in (
        ("udp", "udp", (5000, 5001)),
        ("echo", "icmp", (8, -1)),
        ("unreachable", "icmp", (3, -1)),
        ("tcp", "tcp", (5000, 5001)),
    ):
        groups[name] = records.group(vpc, name)
        records.ingress(groups[name], protocol, ports=ports, **ANYWHERE)
    packets = await start_network(records)
    await packets.network.attach(interface("sender", subnet, "10.0.0.10", sender_group))
    addresses = {name: f"10.0.0.{20 + index}" for index, name in enumerate(groups)}
    for name, group in groups.items():
        await packets.network.attach(interface(name, subnet, addresses[name], group))
    pings = await asyncio.gather(*(_ping(packets, each) for each in addresses.values()))
    answers = dict(zip(addresses, pings, strict=True))
    assert answers == dict.fromkeys(groups, "silent") | {"echo": "answered"}
    tries = [(name, port) for name in groups for port in (5000, 5001, 5002)]
    datagrams = (_datagram(packets, addresses[name], port, name) for name, port in tries)
    arrived = zip(tries, await asyncio.gather(*datagrams), strict=True)
    assert [each for each, here in arrived if here] == [("udp", 5000), ("udp", 5001)]
    await packets.check(
        {
            ("sender", addresses["tcp"], 5001): REFUSED,
            ("sender", addresses["tcp"], 5002): TIMED_OUT,
            ("sender", addresses["udp"], 5001): TIMED_OUT,
        }
    )


async def _ping(packets: Packets, address: str) -> str:
    command = [sys.executable, "-I", "-S", "-c", PING, address, str(TIMEOUT)]
    return (await packets.launcher.run(command, network="sender")).strip()


async def _datagram(packets: Packets, address: str, port: int, receiver: str) -> bool:
    """Return whether a datagram arrives."""
    loop = asyncio.get_running_loop()
    datagrams = partial(packets.launcher.open_socket, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    with (
        await datagrams(receiver, bind=(address, port)) as receiving,
        await datagrams("sender") as sending,
    ):
        await loop.sock_connect(sending, (address, port))
        await loop.sock_sendall(sending, b"datagram")
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                return await loop.sock_recv(receiving, 100) == b"datagram"
    return False
