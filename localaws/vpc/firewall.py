"""Security groups and address translation as input for `nft`. Pure.

Each VPC's router has one table. Its rules name sets: of the interfaces of a group, of public
addresses. So an interface that comes or goes changes elements of sets (`elements`), and a change of
the groups' rules replaces the table at once (`table`).

A packet is filtered where it passes the router, by the addresses that it has there. The internet
gateway translates on the way out and in, so a connection to a public address of the same VPC leaves
the VPC and comes back from a public address, as on AWS: no rule that names a group matches it.

Network ACLs filter every packet that leaves a subnet or enters one, also of connections that are
established. Only subnets whose ACL drops anything have chains for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.vpc.routing import (
    INTERNET_UPLINK,
    RESOLVER_ADDRESS,
    SERVICES_UPLINK,
    TASK_METADATA_ADDRESS,
    resolver_address,
    service_side_address,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localaws.vpc.model import AclRule, NetworkAcl, Rule, SecurityGroup, Subnet, Vpc

TABLE = "inet vpc"

_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_ICMP = {"icmp": "icmp", "icmpv6": "icmpv6", "1": "icmp", "58": "icmpv6"}
_WITH_PORTS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
_ALL = "-1"
_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
"""nft finds protocols' names in /etc/protocols, which minimal containers and images lack."""


@dataclass(frozen=True)
class _Family:
    """What differs between IPv4 and IPv6 in nft's language."""

    version: int
    keyword: str
    type: str


_FAMILIES = (_Family(4, "ip", "ipv4_addr"), _Family(6, "ip6", "ipv6_addr"))


@dataclass(frozen=True)
class Attached:
    """An interface that is there: its addresses, and the router's device that it is behind."""

    device: str
    addresses: tuple[str, ...]
    groups: frozenset[str] = frozenset()
    filtered: bool = True
    """Whether security groups apply; not to a NAT gateway."""

    public_address: str = ""
    gateway_of: str = ""
    """The id of its subnet if it is a NAT gateway, which forwards packets from elsewhere."""


def sets_of(vpc: Vpc) -> frozenset[str]:
    """Return what a VPC's table has sets of: ids of security groups and of subnets."""
    found = {group.id for group in vpc.groups}
    found |= {subnet.id for subnet, _ in _filtered_subnets(vpc)}
    return frozenset(found)


def table(vpc: Vpc, number: int, attached: Iterable[Attached]) -> str:
    """Return the script that replaces a VPC's whole table at once.

    Args:
        vpc: The VPC.
        number: Its number on this machine.
        attached: The interfaces that are there now.
    """
    lines = [
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        *_sets(vpc),
        *_chain("egress", _group_rules(vpc, "egress")),
        *_chain("ingress", _group_rules(vpc, "ingress")),
        *_acl_chains(vpc),
        *_chain("forward", _forward()),
        *_chain("input", _input(vpc)),
        *_chain("arriving", _arriving()),
        *_chain("leaving", _leaving(number)),
        "}",
    ]
    known = sets_of(vpc)
    for each in attached:
        lines += elements("add", each, known)
    return "\n".join(lines) + "\n"


def elements(verb: str, interface: Attached, known: Iterable[str]) -> list[str]:
    """Return the commands that add an interface to the sets, or delete it.

    Args:
        verb: `add` or `delete`.
        interface: What comes or goes.
        known: What the VPC's table has sets of, see `sets_of`.
    """
    elements_of = _elements(interface, known)
    return [f"{verb} element {TABLE} {name} {{ {element} }}" for name, element in elements_of]


def _elements(interface: Attached, known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each set or map that an interface is in, and its element there."""
    for address in interface.addresses:
        version = 6 if ":" in address else 4
        yield f"sources_{version}", f'"{interface.device}" . {address}'
        if interface.filtered:
            yield f"interfaces_{version}", address
        for group in sorted(interface.groups.intersection(known)):
            yield _set_of(group, version), address
    if interface.public_address:
        private = interface.addresses[0]
        public = interface.public_address
        yield "public_of", f"{private} : {public}"
        yield "private_of", f"{public} : {private}"
    if interface.gateway_of in known:
        yield _gateways_of(interface.gateway_of), f'"{interface.device}"'


def nat_table(address: str) -> str:
    """Return the script for a NAT gateway's namespace, which forwards packets with its own address.

    Answers to connections that didn't pass it have no address to go back to, so they end here.
    """
    return f"""\
table {TABLE} {{
chain forward {{
type filter hook forward priority filter; policy accept;
ct state invalid drop
}}
chain leaving {{
type nat hook postrouting priority srcnat;
snat ip to {address}
}}
}}
"""


def _set_of(group: str, version: int) -> str:
    return f"{group.replace('-', '_')}_{version}"


def _gateways_of(subnet: str) -> str:
    return f"gateways_of_{subnet.replace('-', '_')}"


def _sets(vpc: Vpc) -> Iterator[str]:
    for family in _FAMILIES:
        version = family.version
        yield f"set sources_{version} {{ type ifname . {family.type}; }}"
        yield f"set interfaces_{version} {{ type {family.type}; }}"
        for group in vpc.groups:
            yield f"set {_set_of(group.id, version)} {{ type {family.type}; }}"
    for subnet, _ in _filtered_subnets(vpc):
        yield f"set {_gateways_of(subnet.id)} {{ type ifname; }}"
    yield "map public_of { type ipv4_addr : ipv4_addr; }"
    yield "map private_of { type ipv4_addr : ipv4_addr; }"


def _chain(name: str, rules: Iterable[str]) -> Iterator[str]:
    yield f"chain {name} {{"
    yield from rules
    yield "}"


def _forward() -> Iterator[str]:
    yield "type filter hook forward priority filter; policy drop;"
    yield "jump acls"
    yield "ct state established,related accept"
    yield "ct state invalid drop"
    uplinks = f'"{INTERNET_UPLINK}"'
    for family in _FAMILIES:
        # Source/destination check: an interface sends from its own addresses only.
        yield (
            f"iifname != {uplinks} meta nfproto ipv{family.version} "
            f"iifname . {family.keyword} saddr != @sources_{family.version} drop"
        )
    # What comes from the internet needs a route back to it through the internet gateway. AWS
    # delivers the first packet and loses the answer, which is the same for who connects.
    yield f'iifname {uplinks} fib saddr oifname != "{INTERNET_UPLINK}" drop'
    for chain, side in (("egress", "saddr"), ("ingress", "daddr")):
        for family in _FAMILIES:
            interfaces = f"@interfaces_{family.version}"
            yield f"{family.keyword} {side} {interfaces} jump {chain}"
    yield "accept"


def _filtered_subnets(vpc: Vpc) -> list[tuple[Subnet, NetworkAcl]]:
    """Return the subnets whose network ACLs may drop a packet, with these ACLs."""
    acls = {each.id: each for each in vpc.acls}
    found = []
    for subnet in vpc.subnets:
        acl = acls.get(subnet.acl)
        if acl is not None and not _allows_everything(acl, ipv6=bool(subnet.ipv6_cidr)):
            found.append((subnet, acl))
    return found


def _allows_everything(acl: NetworkAcl, *, ipv6: bool) -> bool:
    """Return whether a network ACL drops nothing of a subnet."""
    families = _FAMILIES if ipv6 else _FAMILIES[:1]
    for family in families:
        for rules in (acl.ingress, acl.egress):
            if not _first_allows_everything(rules, family):
                return False
    return True


def _first_allows_everything(rules: Iterable[AclRule], family: _Family) -> bool:
    for rule in rules:
        if _is_of(rule, family):
            return rule.allow and rule.protocol == _ALL and rule.network in _EVERYWHERE
    return False


def _is_of(rule: AclRule, family: _Family) -> bool:
    return (":" in rule.network) == (family.version == 6)  # noqa: PLR2004 — IPv6


def _acl_chains(vpc: Vpc) -> Iterator[str]:
    """Yield the chains of network ACLs.

    A subnet's packets are recognized by their addresses, and those that pass one of its NAT
    gateways by the gateway's device.
    """
    filtered = _filtered_subnets(vpc)
    for acl in dict.fromkeys(acl for _, acl in filtered):
        for direction, rules in (("ingress", acl.ingress), ("egress", acl.egress)):
            yield from _chain(_acl_chain(acl, direction), _acl_rules(rules, direction))
    jumps: list[str] = []
    for subnet, acl in filtered:
        gateways = _gateways_of(subnet.id)
        for direction, own, other, own_device, other_device in (
            ("egress", "saddr", "daddr", "iifname", "oifname"),
            ("ingress", "daddr", "saddr", "oifname", "iifname"),
        ):
            name = f"{direction}_of_{subnet.id.replace('-', '_')}"
            # No ACL filters what stays within the subnet, or passes its own NAT gateway.
            chain: list[str] = []
            for keyword, cidr in (("ip", subnet.cidr), ("ip6", subnet.ipv6_cidr)):
                if cidr:
                    chain.append(f"{keyword} {other} {cidr} return")
                    jumps.append(f"{keyword} {own} {cidr} jump {name}")
            chain.append(f"{other_device} @{gateways} return")
            chain.append(f"jump {_acl_chain(acl, direction)}")
            yield from _chain(name, chain)
            jumps.append(f"{own_device} @{gateways} ip {own} != {subnet.cidr} jump {name}")
    yield from _chain("acls", jumps)


def _acl_chain(acl: NetworkAcl, direction: str) -> str:
    return f"{acl.id.replace('-', '_')}_{direction}"


def _acl_rules(rules: Iterable[AclRule], direction: str) -> Iterator[str]:
    """Yield a network ACL's rules in a direction: the first one that matches decides."""
    other = "saddr" if direction == "ingress" else "daddr"
    for rule in rules:
        for family in _FAMILIES:
            if _is_of(rule, family):
                parts = [f"{family.keyword} {other} {rule.network}", *_acl_protocol(rule, family)]
                yield " ".join((*parts, "return" if rule.allow else "drop"))
    yield "counter drop"


def _acl_protocol(rule: AclRule, family: _Family) -> Iterator[str]:
    if rule.protocol == _ALL:
        return
    if rule.protocol in _WITH_PORTS:
        yield f"{_WITH_PORTS[rule.protocol]} dport {rule.first}-{rule.last}"
        return
    yield f"meta l4proto {rule.protocol}"
    name = _ICMP.get(rule.protocol, "")
    if not name or (name == "icmpv6") != (family.version == 6):  # noqa: PLR2004 — IPv6
        return
    for part, value in (("type", rule.first), ("code", rule.last)):
        if value >= 0:
            yield f"{name} {part} {value}"


def _input(vpc: Vpc) -> Iterator[str]:
    """Yield what may reach the router itself: the services that no security group filters."""
    yield "type filter hook input priority filter; policy drop;"
    yield "ct state established,related accept"
    yield 'iifname "lo" accept'
    yield f"meta l4proto {{ {_NUMBERS['icmp']}, {_NUMBERS['icmpv6']} }} accept"
    resolvers = ", ".join((RESOLVER_ADDRESS, resolver_address(vpc.cidr)))
    yield (
        f'iifname != "{INTERNET_UPLINK}" ip daddr {{ {resolvers} }} '
        f"meta l4proto {{ {_NUMBERS['tcp']}, {_NUMBERS['udp']} }} th dport 53 accept"
    )
    yield f'iifname != "{INTERNET_UPLINK}" ip daddr {TASK_METADATA_ADDRESS} tcp dport 80 accept'


def _arriving() -> Iterator[str]:
    yield "type nat hook prerouting priority dstnat;"
    yield f'iifname "{INTERNET_UPLINK}" dnat ip to ip daddr map @private_of'


def _leaving(number: int) -> Iterator[str]:
    yield "type nat hook postrouting priority srcnat;"
    # Without a public address a packet keeps its own, to which the internet has no route back. AWS
    # drops it a moment before.
    yield f'oifname "{INTERNET_UPLINK}" snat ip to ip saddr map @public_of'
    # AWS's services see private addresses. Here VPCs with the same addresses meet there.
    yield f'oifname "{SERVICES_UPLINK}" snat ip to {service_side_address(number)}'


def _group_rules(vpc: Vpc, direction: str) -> Iterator[str]:
    """Yield what the groups allow in a direction; a packet that matches no rule is dropped."""
    known = {each.id for each in vpc.groups}
    for group in vpc.groups:
        rules = group.ingress if direction == "ingress" else group.egress
        for rule in rules:
            yield from _allow(group, rule, direction, known)
    yield "counter drop"


def _allow(group: SecurityGroup, rule: Rule, direction: str, known: Iterable[str]) -> Iterator[str]:
    own, other = ("daddr", "saddr") if direction == "ingress" else ("saddr", "daddr")
    for family in _FAMILIES:
        peer = _peer(rule, family, known)
        protocol = _protocol(rule, family)
        if peer is None or protocol is None:
            continue
        keyword = family.keyword
        parts = [f"{keyword} {own} @{_set_of(group.id, family.version)}"]
        if peer:
            parts.append(f"{keyword} {other} {peer}")
        if protocol:
            parts.append(protocol)
        yield " ".join((*parts, "return"))


def _peer(rule: Rule, family: _Family, known: Iterable[str]) -> str | None:
    """Return what the other side's address must be; empty for any, None if it never matches."""
    if rule.group:
        return f"@{_set_of(rule.group, family.version)}" if rule.group in known else None
    networks = [each for each in rule.networks if (":" in each) == (family.version == 6)]  # noqa: PLR2004 — IPv6
    if not networks:
        return None
    if not _EVERYWHERE.isdisjoint(networks):
        return ""  # other networks on the list add nothing
    return f"{{ {', '.join(networks)} }}"


def _protocol(rule: Rule, family: _Family) -> str | None:
    """Return the packet's protocol and ports; empty for all, None if it never matches."""
    if rule.protocol == _ALL:
        return ""
    if rule.protocol in _WITH_PORTS:
        name = _WITH_PORTS[rule.protocol]
        if rule.first is None or rule.last is None:
            return f"meta l4proto {_NUMBERS[name]}"
        return f"{name} dport {rule.first}-{rule.last}"
    if rule.protocol in _ICMP:
        return _icmp(rule, family)
    return f"meta l4proto {rule.protocol}"


def _icmp(rule: Rule, family: _Family) -> str | None:
    name = _ICMP[rule.protocol]
    if (name == "icmpv6") != (family.keyword == "ip6"):
        return None
    if rule.first is None:
        return f"meta l4proto {_NUMBERS[name]}"
    kind = f"{name} type {rule.first}"
    return kind if rule.last is None else f"{kind} {name} code {rule.last}"
