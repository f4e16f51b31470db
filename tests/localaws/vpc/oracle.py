"""A second opinion: whether a connection gets an answer, by a model of the network alone.

It is written from the User Guide of Amazon VPC, not from `firewall.py` and `routing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from localaws.vpc.model import Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localaws.vpc.model import AclRule, Interface, Model, Rule, Subnet, Vpc

HOST, HOST_IPV6 = "198.51.100.7", "2001:db8:ffff::7"
"""The one host on the internet."""

EPHEMERAL = (32768, 60999)
"""Linux' ports for the side that connects."""


class _Sender(NamedTuple):
    """What sends to the internet."""

    subnet: str
    address: str
    public: str


@dataclass(frozen=True)
class Oracle:
    """What a network of these interfaces lets through."""

    model: Model
    interfaces: tuple[Interface, ...]

    def reachable(self, source: Interface | None, address: str, port: int) -> bool:
        """Return whether a TCP connection gets an answer, be it that nothing listens.

        Args:
            source: The interface that it comes from; None for the host on the internet.
            address: Where it goes to.
            port: The port that it goes to.
        """
        if source is None:
            return self._from_outside(HOST_IPV6 if ":" in address else HOST, address, port)
        vpc = self.model.vpc(source.vpc)
        own = source.ipv6 if ":" in address else source.address
        if not own:
            return False
        if any(_contains(each, address) for each in (vpc.cidr, vpc.ipv6_cidr)):
            return self._inside(vpc, source, own, address, port)
        sender = _Sender(source.subnet, own, source.public_address)
        seen = ""
        if self._allows("egress", source, address, frozenset(), port):
            seen = self._seen_as(vpc, sender, address, port)
        if not seen:
            return False
        return address in (HOST, HOST_IPV6) or self._from_outside(seen, address, port)

    def _inside(self, vpc: Vpc, source: Interface, own: str, address: str, port: int) -> bool:
        for each in self.interfaces:
            if each.vpc == vpc.id and address in each.addresses:
                out = self._allows("egress", source, address, each.groups, port)
                into = self._allows("ingress", each, own, source.groups, port)
                if not out or not into:
                    return False
                if each.subnet == source.subnet:
                    return True  # what stays in a subnet passes no network ACL
                return _passes(vpc, source.subnet, "egress", address, port) and _passes(
                    vpc, each.subnet, "ingress", own, port
                )
        return False

    def _from_outside(self, source: str, address: str, port: int) -> bool:
        for each in self.interfaces:
            vpc = self.model.vpc(each.vpc)
            if address not in (each.public_address, each.ipv6) or not vpc.has_internet:
                continue
            # Otherwise the answer gets lost.
            if _target(_subnet(vpc, each.subnet), source)[0] is not Target.INTERNET_GATEWAY:
                return False
            allowed = self._allows("ingress", each, source, frozenset(), port)
            return allowed and _passes(vpc, each.subnet, "ingress", source, port)
        return False

    def _seen_as(self, vpc: Vpc, sender: _Sender, address: str, port: int) -> str:
        """Return as which address the internet sees a sender; empty if nothing gets there."""
        if not _passes(vpc, sender.subnet, "egress", address, port):
            return ""
        target, gateway = _target(_subnet(vpc, sender.subnet), address)
        if target is Target.INTERNET_GATEWAY:
            return sender.address if ":" in address else sender.public
        if target is Target.EGRESS_ONLY_GATEWAY:
            return sender.address
        if target is not Target.NAT_GATEWAY:
            return ""
        for each in vpc.nat_gateways:
            if each.id == gateway:
                inside = each.subnet == sender.subnet
                if inside or _passes(vpc, each.subnet, "ingress", sender.address, port):
                    nat = _Sender(each.subnet, each.address, each.public_address)
                    return self._seen_as(vpc, nat, address, port)
        return ""

    def _allows(
        self, direction: str, guarded: Interface, other: str, groups: frozenset[str], port: int
    ) -> bool:
        for group in self.model.vpc(guarded.vpc).groups:
            if group.id in guarded.groups:
                rules = group.ingress if direction == "ingress" else group.egress
                if any(_matches(rule, other, groups, port) for rule in rules):
                    return True
        return False


def _passes(vpc: Vpc, subnet: str, direction: str, other: str, port: int) -> bool:
    """Return whether a subnet's network ACL lets a connection's packets pass, and its answers.

    Args:
        vpc: Where the subnet is.
        subnet: The subnet.
        direction: That of the first packet.
        other: The address outside of the subnet.
        port: The port that the connection goes to.
    """
    (acl,) = [each for each in vpc.acls if each.id == _subnet(vpc, subnet).acl]
    there, back = (acl.ingress, acl.egress) if direction == "ingress" else (acl.egress, acl.ingress)
    return _decides(there, other, (port, port)) and _decides(back, other, EPHEMERAL)


def _decides(rules: Iterable[AclRule], other: str, ports: tuple[int, int]) -> bool:
    """Return what the first rule says that is about an address and ports, all or none of them."""
    for rule in rules:
        if not _contains(rule.network, other) or rule.protocol not in ("-1", "6"):
            continue
        low, high = ports
        if rule.protocol == "-1" or (rule.first <= low and high <= rule.last):
            return rule.allow
        assert high < rule.first or rule.last < low, "about some of the ports only"
    return False


def _matches(rule: Rule, other: str, groups: frozenset[str], port: int) -> bool:
    if rule.protocol not in ("-1", "tcp", "6"):
        return False
    if rule.first is not None and rule.last is not None and not rule.first <= port <= rule.last:
        return False
    return rule.group in groups or any(_contains(each, other) for each in rule.networks)


def _subnet(vpc: Vpc, identifier: str) -> Subnet:
    return next(each for each in vpc.subnets if each.id == identifier)


def _target(subnet: Subnet, address: str) -> tuple[Target, str]:
    """Return the target of the most specific route."""
    matching = [each for each in subnet.routes if _contains(each.destination, address)]
    if not matching:
        return Target.NOWHERE, ""
    best = max(matching, key=lambda route: ip_network(route.destination).prefixlen)
    return best.target, best.gateway


def _contains(network: str, address: str) -> bool:
    if not network or (":" in network) != (":" in address):
        return False
    return ip_address(address) in ip_network(network)
