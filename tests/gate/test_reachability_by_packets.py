"""Each configuration's reviewed sentences, compared with packets: these pass, and no others.

The network consists of the resources that the program registers, without the engine. Beside its
load balancer, tasks and endpoints there is a host on the internet, and a neighbour in the network
whose own security group allows everything, so that only the others' groups decide.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from gate.__main__ import golden
from gate.configurations import CONFIGURATIONS, ROOT, record
from localaws import mocks
from localaws.catalog.ec2.network import SECURITY_GROUP, SUBNET, VPC
from localaws.catalog.ec2.vpc_endpoints import VPC_ENDPOINT
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.values import texts
from localaws.machine.isolation import Isolation
from localaws.machine.programs import find
from localaws.vpc.desired import desired
from localaws.vpc.model import Interface
from localaws.vpc.network import OPEN, REFUSED, Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog import Resource
    from localaws.machine.processes import Launcher
    from localaws.mocks import Recording

pytestmark = [
    pytest.mark.slow,  # real namespaces
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

SERVICE = "aws:ecs/service:Service"
PORTS = (22, 80, 443, 2049, 3389, 5432, 8080)
CONNECT_TIMEOUT = 0.6
"""Seconds; what is dropped takes as long."""
INTERNET, S3 = "the internet", "the addresses of s3"
NEIGHBOUR, DEFAULT = "a neighbour", "a member of the default group"
EVERYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
HOSTS = {INTERNET: ("198.51.100.7", "2001:db8:ffff::7"), S3: ("52.218.0.1",)}
"""Addresses outside of the network, by their names in sentences."""

INBOUND = re.compile(r"(?:The internet \((?P<family>IPv.)\)|Anyone .* from (?P<cidr>\S+)) reaches ")
BETWEEN = re.compile(r"The (?P<source>.+?) reach(?:es)? (?P<rest>the (?:tasks|endpoint|load) .*)")
OUTBOUND = re.compile(
    r"The (?P<source>.+?) (?:reach|may send to) "
    r"(?:the internet \((?P<family>IPv.)\)|(?P<other>the addresses of s3)|(?P<cidr>[\d.:/]+)) on "
)
TARGET = re.compile(r"the (?P<name>.+?) on tcp (?P<port>\d+)")
NO_PATH = "The network's default security group lets nothing in and nothing out."


@dataclass(frozen=True)
class Sentences:
    """What the sentences of a file allow."""

    inbound: frozenset[tuple[str, str, int]]
    """The network of the source, the target's name, and the port."""

    between: frozenset[tuple[str, str, int]]
    """The names of source and target, and the port."""

    outbound: frozenset[tuple[str, str, int]]
    """The source's name, the network or the name of the target, and the port."""

    def allow(self, source: Party, origin: str, target: Party, address: str, port: int) -> bool:
        """Return whether packets pass from a source's address to an address of a target."""
        if DEFAULT in (source.name, target.name):
            return False
        if (source.name, target.name, port) in self.between:
            return True
        return self._may_leave(source, target, address, port) and self._may_enter(
            target, origin, port
        )

    def _may_leave(self, source: Party, target: Party, address: str, port: int) -> bool:
        if source.name in (INTERNET, NEIGHBOUR):
            return True
        for name, network_or_name, allowed_port in self.outbound:
            if (name, allowed_port) != (source.name, port):
                continue
            if network_or_name == target.name or _contains(network_or_name, address):
                return True
        return False

    def _may_enter(self, target: Party, origin: str, port: int) -> bool:
        if target.name in (INTERNET, NEIGHBOUR, S3):
            return True
        for network, name, allowed_port in self.inbound:
            if (name, allowed_port) == (target.name, port) and _contains(network, origin):
                return True
        return False


@dataclass(frozen=True)
class Party:
    """A source or target of packets, by its name in sentences."""

    name: str
    interfaces: tuple[Interface, ...] = ()

    @property
    def sources(self) -> list[tuple[str | None, str]]:
        """Its namespaces, each with an address of packets from there."""
        if not self.interfaces:
            return [(None, address) for address in HOSTS[self.name]]
        found: list[tuple[str | None, str]] = []
        for each in self.interfaces:
            found += [(each.id, address) for address in each.addresses]
        return found

    def addresses(self, source: Party) -> list[str]:
        """Return the addresses to which another party can send."""
        if not self.interfaces:
            return list(HOSTS[self.name])
        found: list[str] = []
        for each in self.interfaces:
            if source.name == INTERNET:
                found += [each.public_address, each.ipv6]
            else:
                found += each.addresses
        return [address for address in found if address]


def read(text: str) -> Sentences:
    """Return what sentences of a golden file allow; one of an unknown form is an error."""
    inbound = set()
    between = set()
    outbound = set()
    for line in text.splitlines():
        sentence = line.removeprefix("- ")
        from_outside = INBOUND.match(sentence)
        to_outside = OUTBOUND.match(sentence)
        connection = BETWEEN.match(sentence)
        if from_outside:
            target = TARGET.match(sentence, from_outside.end())
            assert target, sentence
            network = from_outside["cidr"] or EVERYWHERE[from_outside["family"]]
            inbound.add((network, target["name"], int(target["port"])))
        elif to_outside:
            port = re.match(r"tcp (\d+)", sentence[to_outside.end() :])
            assert port, sentence
            other = to_outside["other"] or to_outside["cidr"] or EVERYWHERE[to_outside["family"]]
            outbound.add((to_outside["source"], other, int(port[1])))
        elif connection:
            target = TARGET.match(connection["rest"])
            assert target, sentence
            between.add((connection["source"], target["name"], int(target["port"])))
        else:
            assert sentence == NO_PATH
    return Sentences(frozenset(inbound), frozenset(between), frozenset(outbound))


def parties(cloud: mocks.Cloud) -> list[Party]:
    """Return the sources and targets in a network that the program registered."""
    (vpc,) = [each for each in cloud.all(VPC) if not each.made_by_aws]
    numbers = iter(range(1, 100))
    found = [
        Party(INTERNET),
        Party(S3),
        *_load_balancers(cloud, numbers),
        *_tasks(cloud, numbers),
        *_endpoints(cloud, vpc),
    ]
    subnet = cloud.where(SUBNET, "vpcId", vpc.id)[0]
    open_group = _open_group(cloud, vpc)
    default = str(vpc.outputs["defaultSecurityGroupId"])
    for name, group in ((NEIGHBOUR, open_group), (DEFAULT, default)):
        found.append(Party(name, (_interface(cloud, subnet.id, next(numbers), [group]),)))
    return found


def _load_balancers(cloud: mocks.Cloud, numbers: Iterator[int]) -> Iterator[Party]:
    for each in cloud.all(LOAD_BALANCER):
        name = f"load balancer {_logical_name(each)}"
        outputs = each.outputs
        public = outputs.get("internal") is not True
        dual = outputs.get("ipAddressType") == "dualstack"
        nodes = []
        for subnet in texts(outputs.get("subnets")):
            groups = texts(outputs.get("securityGroups"))
            nodes.append(_interface(cloud, subnet, next(numbers), groups, public=public, dual=dual))
        yield Party(name, tuple(nodes))


def _tasks(cloud: mocks.Cloud, numbers: Iterator[int]) -> Iterator[Party]:
    for each in cloud.all(SERVICE):
        network: dict[str, Any] = each.outputs["networkConfiguration"]
        public = bool(network.get("assignPublicIp"))
        tasks = []
        for subnet in network["subnets"]:
            groups = network["securityGroups"]
            tasks.append(_interface(cloud, subnet, next(numbers), groups, public=public, dual=True))
        yield Party(f"tasks of {_logical_name(each)}", tuple(tasks))


def _endpoints(cloud: mocks.Cloud, vpc: Resource) -> Iterator[Party]:
    interfaces = desired(cloud).vpc(vpc.id).endpoints
    for each in cloud.all(VPC_ENDPOINT):
        own = tuple(other for other in interfaces if other.id.startswith(f"{each.id}-"))
        if own:
            yield Party(f"endpoint {each.outputs['serviceName'].split('.', 3)[3]}", own)


def _logical_name(resource: Resource) -> str:
    return resource.urn.rpartition("::")[2]


def _interface(
    cloud: mocks.Cloud,
    subnet: str,
    number: int,
    groups: list[str],
    *,
    public: bool = False,
    dual: bool = False,
) -> Interface:
    record_ = cloud.get(SUBNET, subnet)
    assert record_ is not None
    ipv6 = record_.outputs.get("ipv6CidrBlock") if dual else None
    return Interface(
        id=f"eni-{number}",
        vpc=str(record_.outputs["vpcId"]),
        subnet=subnet,
        address=str(ip_network(str(record_.outputs["cidrBlock"]))[10 + number]),
        ipv6=str(ip_network(ipv6)[10 + number]) if ipv6 else "",
        groups=frozenset(groups),
        public_address=f"203.0.113.{number}" if public else "",
    )


def _open_group(cloud: mocks.Cloud, vpc: Resource) -> str:
    everything = {"protocol": "-1", "fromPort": 0, "toPort": 0}
    rule = {**everything, "cidrBlocks": ["0.0.0.0/0"], "ipv6CidrBlocks": ["::/0"]}
    inputs = {"vpcId": vpc.id, "name": "open", "ingress": [rule], "egress": [rule]}
    return cloud.create(SECURITY_GROUP, "urn:open", inputs, region=vpc.region).id


def _contains(network: str, address: str) -> bool:
    return "/" in network and ip_address(address) in ip_network(network)


@dataclass(frozen=True)
class Attempt:
    """A connection to try."""

    source: str
    network: str | None
    """The namespace that it comes from."""

    target: str
    address: str
    port: int


def attempts(all_parties: list[Party], sentences: Sentences) -> dict[Attempt, bool]:
    """Return the connections to try, and whether a sentence allows each."""
    found = {}
    for source, target in product(all_parties, all_parties):
        if source is target or source.name == S3:
            continue
        if source.name in (INTERNET, NEIGHBOUR, DEFAULT) and not target.interfaces:
            continue  # no sentence is about them
        for (network, origin), address in product(source.sources, target.addresses(source)):
            if ip_address(origin).version == ip_address(address).version:
                for port in PORTS:
                    attempt = Attempt(source.name, network, target.name, address, port)
                    found[attempt] = sentences.allow(source, origin, target, address, port)
    return found


@pytest.fixture
def isolation() -> Isolation:
    return Isolation.ROOT if os.geteuid() == 0 else Isolation.ONE_ID


@pytest.fixture
def recording(stack: str) -> Recording:
    """What the program registers; Pulumi's SDK can't start its event loop in a coroutine."""
    chosen = CONFIGURATIONS[stack]
    return record(stack, mocks.configuration(ROOT, chosen.file, **chosen.changes))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws", "ignore:Waiting for")
# Instances are no parties here: their host ports are forwarded by what runs the tasks.
@pytest.mark.parametrize("stack", sorted(CONFIGURATIONS.keys() - {"ec2"}))
async def test_packets_pass_exactly_where_a_sentence_allows_it(
    launcher: Launcher, stack: str, recording: Recording
) -> None:
    all_parties = parties(recording.cloud)
    # The paragraphs after the sentences are about requests.
    text = golden(stack).read_text().split("\n\n")[1] + "\n"
    expected = attempts(all_parties, read(text))
    assert set(expected.values()) == {True, False}
    network = Network(launcher, recording.cloud)
    await network.start()
    assert network.not_enforced == ()
    for party in all_parties:
        if not party.name.startswith("endpoint "):
            for each in party.interfaces:
                await network.attach(each)
    connecting = [
        network.connect(each.network, each.address, each.port, CONNECT_TIMEOUT) for each in expected
    ]
    reached = [outcome in (OPEN, REFUSED) for outcome in await asyncio.gather(*connecting)]
    found = dict(zip(expected, reached, strict=True))
    assert {each for each in expected if found[each] != expected[each]} == set()
    for sentence in text.splitlines(keepends=True):
        if NO_PATH not in sentence:
            without_it = attempts(all_parties, read(text.replace(sentence, "")))
            assert without_it != found, f"no packet needs {sentence}"
