"""A second opinion: whether a connection gets an answer, by a model of the network alone.

It is written from the User Guide of Amazon VPC, not from `firewall.py` and `routing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from localaws.vpc.model import Target

if TYPE_CHECKING:
    from localaws.vpc.model import Interface, Model, Rule, Subnet, Vpc

HOST, HOST_IPV6 = "198.51.100.7", "2001:db8:ffff::7"
"""The one host in the internet."""


@dataclass(frozen=True)
class Oracle:
    """What a network of these interfaces lets through."""

    model: Model
    interfaces: tuple[Interface, ...]

    def reachable(self, source: Interface | None, address: str, port: int) -> bool:
        """Return whether a TCP connection gets an answer, be it that nothing listens.

        Args:
            source: The interface that it comes from; None for the host in the internet.
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
        if not self._allows("egress", source, address, frozenset(), port):
            return False
        seen = self._seen_as(vpc, source.subnet, own, source.public_address, address)
        if not seen:
            return False
        return address in (HOST, HOST_IPV6) or self._from_outside(seen, address, port)

    def _inside(self, vpc: Vpc, source: Interface, own: str, address: str, port: int) -> bool:
        for each in self.interfaces:
            if each.vpc == vpc.id and address in each.addresses:
                out = self._allows("egress", source, address, each.groups, port)
                return out and self._allows("ingress", each, own, source.groups, port)
        return False

    def _from_outside(self, source: str, address: str, port: int) -> bool:
        for each in self.interfaces:
            vpc = self.model.vpc(each.vpc)
            if address not in (each.public_address, each.ipv6) or not vpc.has_internet:
                continue
            # Otherwise the answer gets lost.
            if _target(_subnet(vpc, each.subnet), source)[0] is not Target.INTERNET_GATEWAY:
                return False
            return self._allows("ingress", each, source, frozenset(), port)
        return False

    def _seen_as(self, vpc: Vpc, subnet: str, own: str, public: str, address: str) -> str:
        """Return as which address the internet sees a sender; empty if nothing gets there."""
        target, gateway = _target(_subnet(vpc, subnet), address)
        if target is Target.INTERNET_GATEWAY:
            return own if ":" in address else public
        if target is Target.EGRESS_ONLY_GATEWAY:
            return own
        if target is Target.NAT_GATEWAY:
            for each in vpc.nat_gateways:
                if each.id == gateway:
                    return self._seen_as(
                        vpc, each.subnet, each.address, each.public_address, address
                    )
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
