"""The network that the cloud describes, as plain values.

`desired.py` derives them from the cloud's records, `firewall.py` and `routing.py` turn them into
input for `nft` and `ip`, and `network.py` applies it. Nothing here depends on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Target(StrEnum):
    """Where a route sends its packets."""

    INTERNET_GATEWAY = "internet gateway"
    EGRESS_ONLY_GATEWAY = "egress-only internet gateway"
    NAT_GATEWAY = "NAT gateway"
    GATEWAY_ENDPOINT = "gateway endpoint"
    NOWHERE = "blackhole"


@dataclass(frozen=True)
class Route:
    """One entry of a route table."""

    destination: str
    """A network, IPv4 or IPv6."""

    target: Target
    gateway: str = ""
    """The id of the NAT gateway, where the target is one."""


@dataclass(frozen=True)
class Subnet:
    """A range of addresses in a VPC, and the routes of packets from there."""

    id: str
    cidr: str
    ipv6_cidr: str
    routes: tuple[Route, ...]
    acl: str = ""
    """The id of its network ACL."""


@dataclass(frozen=True)
class AclRule:
    """One rule of a network ACL, which decides about a packet if no earlier one does."""

    allow: bool
    protocol: str
    """`-1` for every protocol, else its number."""

    first: int
    """The first port, or the type of an ICMP message, of which -1 is every one."""

    last: int
    """The last port, or the code of an ICMP message."""

    network: str
    """Where the packet comes from or goes to, outside of the subnet."""


@dataclass(frozen=True)
class NetworkAcl:
    """A network ACL, with its rules in their order; what matches none is dropped."""

    id: str
    ingress: tuple[AclRule, ...]
    egress: tuple[AclRule, ...]


@dataclass(frozen=True)
class Rule:
    """What one rule of a security group allows: a protocol, ports, and the other side."""

    protocol: str
    """`-1` for every protocol, else `tcp`, `udp`, `icmp`, `icmpv6` or a number."""

    first: int | None
    """The first port, or the type of an ICMP message; None for all."""

    last: int | None
    """The last port, or the code of an ICMP message; None for all."""

    networks: tuple[str, ...] = ()
    """The networks of the other side, if it is no group."""

    group: str = ""
    """The security group of the other side, if it is one."""


@dataclass(frozen=True)
class SecurityGroup:
    """A security group of a VPC, with every rule that it has."""

    id: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True)
class NatGateway:
    """A NAT gateway, which forwards packets with its own address."""

    id: str
    subnet: str
    address: str
    public_address: str
    """Empty for a private NAT gateway."""


@dataclass(frozen=True)
class Interface:
    """A network interface: an address in a subnet, and the security groups that guard it."""

    id: str
    vpc: str
    subnet: str
    address: str
    ipv6: str = ""
    groups: frozenset[str] = frozenset()
    public_address: str = ""
    filtered: bool = True
    """Whether its own groups decide what it sends and receives; others' groups always do."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses in the VPC, IPv4 first."""
        return (self.address, self.ipv6) if self.ipv6 else (self.address,)


@dataclass(frozen=True)
class Vpc:
    """A VPC with everything in it that decides where packets go."""

    id: str
    cidr: str
    ipv6_cidr: str
    has_internet: bool
    """Whether an internet gateway or an egress-only one is attached."""

    subnets: tuple[Subnet, ...]
    groups: tuple[SecurityGroup, ...]
    nat_gateways: tuple[NatGateway, ...]
    endpoints: tuple[Interface, ...]
    """The interfaces of its VPC endpoints."""

    acls: tuple[NetworkAcl, ...] = ()
    """The network ACLs of its subnets."""


@dataclass(frozen=True)
class Model:
    """Every VPC of the account."""

    vpcs: tuple[Vpc, ...]
    not_enforced: tuple[str, ...]
    """What the cloud holds and has no effect on packets here, as sentences for a reader."""

    def vpc(self, identifier: str) -> Vpc:
        """Return the VPC with that id.

        Raises:
            KeyError: There is no such VPC.
        """
        for each in self.vpcs:
            if each.id == identifier:
                return each
        raise KeyError(identifier)
