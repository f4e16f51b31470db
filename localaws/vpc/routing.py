"""Namespaces, devices, addresses and routes as lines for `ip -batch`. Pure.

The launcher's own network namespace is the internet. Each VPC has one for its router, with three
links to the internet: for the internet gateway, for the egress-only one, and for AWS's services
behind gateway endpoints. So a route's target is the link that its packets leave by. Each interface
has a namespace with a link to the router, and sends every packet there, to its own subnet too.

The router has a routing table for each subnet, chosen by the packet's source; its main table has
what is inside the VPC.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from localaws.vpc.model import Target
from localaws.vpc.steps import Batch, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from localaws.vpc.model import Interface, Route, Subnet, Vpc
    from localaws.vpc.steps import Step

INTERNET_ADDRESSES = ("198.51.100.7", "2001:db8:ffff::7")
"""A host on the internet (RFC 5737 and RFC 3849: addresses for documentation)."""

INTERNET_UPLINK = "internet"
EGRESS_ONLY_UPLINK = "egress"
SERVICES_UPLINK = "services"
UPLINKS = (INTERNET_UPLINK, EGRESS_ONLY_UPLINK, SERVICES_UPLINK)
"""The router's links to the internet, by what is at the other end on AWS."""

_UPLINK_OF = {
    Target.INTERNET_GATEWAY: INTERNET_UPLINK,
    Target.EGRESS_ONLY_GATEWAY: EGRESS_ONLY_UPLINK,
    Target.GATEWAY_ENDPOINT: SERVICES_UPLINK,
}

RESOLVER_ADDRESS = "169.254.169.253"
"""Of every VPC. Source: Amazon VPC User Guide, "Amazon DNS server"."""

TASK_METADATA_ADDRESS = "169.254.170.2"
"""Where tasks find their metadata and credentials."""


_FAR_END, _NEAR_END = "169.254.0.1", "169.254.0.2"
"""The two ends of each link between a router and the internet; no VPC may have such addresses."""

_IPV6_FAR_END, _IPV6_NEAR_END = "fe80::1", "fe80::2"
_FIRST_TABLE = 100
_LOCAL_PREFERENCE, _OTHER_PREFERENCE = 10000, 20000
_INSIDE = "eth0"
"""What each interface is called in its namespace."""

_SERVICE_SIDE = int(ipaddress.IPv4Address("198.18.0.0"))
_NOWHERE = "blackhole"
_FIRST_IN_SUBNET, _SECOND_IN_VPC = 1, 2

_IPV6_ON = ("ipv6/conf/all/disable_ipv6=0", "ipv6/conf/default/disable_ipv6=0")
_ANY_WAY_BACK = ("ipv4/conf/all/rp_filter=0", "ipv4/conf/default/rp_filter=0")
"""Packets may come in by another device than the one that answers leave by."""

_OF_ROUTERS = (*_IPV6_ON, *_ANY_WAY_BACK, "ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1")

ANY_USER_LISTENS = "ipv4/ip_unprivileged_port_start=0"
"""As in containers of Docker and of Fargate: any user may listen on port 80."""

_OF_INTERFACES = (
    *_IPV6_ON,
    ANY_USER_LISTENS,
    # Of several addresses in a subnet the first may go before the others.
    "ipv4/conf/all/promote_secondaries=1",
)


def router(number: int) -> str:
    """Return the name of a VPC's router, a network namespace."""
    return f"vpc-{number}"


def resolver_address(cidr: str) -> str:
    """Return where a VPC's resolver is: the second address after the VPC's first."""
    return str(ipaddress.IPv4Network(cidr)[_SECOND_IN_VPC])


def service_side_address(number: int) -> str:
    """Return the address that a VPC has for AWS's services (RFC 2544: never on the internet)."""
    return str(ipaddress.IPv4Address(_SERVICE_SIDE + number))


def gateway_address(cidr: str) -> str:
    """Return the address of the router in a subnet, its first one."""
    return str(ipaddress.IPv4Network(cidr)[_FIRST_IN_SUBNET])


def internet(service_networks: Iterable[str]) -> tuple[Step, ...]:
    """Return how the internet is set up, once.

    It refuses connections to AWS's services, which nothing here serves, and loses packets to
    addresses that nothing has.
    """
    ipv4, ipv6 = INTERNET_ADDRESSES
    lines = [
        "link set lo up",
        f"addr add {ipv4}/32 dev lo",
        f"addr add {ipv6}/128 dev lo nodad",
        # A link whose other end ignores every packet. A blackhole would be an error to a sender in
        # this namespace, where a real one gets no answer.
        "link add void type veth peer name void-end",
        "link set void up arp off",
        "link set void-end up",
        "route add default dev void",
        "route add ::/0 dev void",
    ]
    lines += [f"route add local {network} dev lo" for network in service_networks]
    return Settings(None, _OF_ROUTERS), Batch(None, tuple(lines))


def create_vpc(vpc: Vpc, number: int) -> tuple[Step, ...]:
    """Return how a VPC's router is made."""
    name = router(number)
    outside = [f"netns add {name}"]
    inside = ["link set lo up"]
    addresses = (RESOLVER_ADDRESS, TASK_METADATA_ADDRESS, resolver_address(vpc.cidr))
    inside += [f"addr add {address}/32 dev lo" for address in addresses]
    for uplink in UPLINKS:
        far = _far_device(number, uplink)
        outside += [
            f"link add {far} type veth peer name {uplink} netns {name}",
            f"addr add {_FAR_END}/32 dev {far}",
            f"addr add {_IPV6_FAR_END}/64 dev {far} nodad",
            f"link set {far} up",
        ]
        inside += [
            f"addr add {_NEAR_END}/32 dev {uplink}",
            f"addr add {_IPV6_NEAR_END}/64 dev {uplink} nodad",
            f"link set {uplink} up",
        ]
    service_side = f"{service_side_address(number)}/32 via {_NEAR_END}"
    outside.append(f"route add {service_side} dev {_far_device(number, SERVICES_UPLINK)} onlink")
    # Each interface has a more specific route; packets to other addresses are dropped.
    inside += [f"route add {_NOWHERE} {each}" for each in (vpc.cidr, "default", "::/0")]
    # The settings come before the devices, which take theirs from them.
    create, *links = outside
    return (
        Batch(None, (create,)),
        Settings(name, _OF_ROUTERS),
        Batch(None, tuple(links)),
        Batch(name, tuple(inside)),
    )


def delete_vpc(number: int) -> tuple[Step, ...]:
    """Return how a VPC's router is deleted.

    Its links are deleted first: the namespace lasts as long as a socket of it is open somewhere.
    """
    links = [f"link delete {_far_device(number, uplink)}" for uplink in UPLINKS]
    return (Batch(None, (*links, f"netns delete {router(number)}")),)


def routes_of_internet(vpc: Vpc, number: int, public_addresses: Iterable[str]) -> dict[str, str]:
    """Return the internet's routes to a VPC, by destination."""
    if not vpc.has_internet:
        return {}
    device = _far_device(number, INTERNET_UPLINK)
    # Else clients on the internet would have the link's address, in load balancers' logs too.
    ipv4, ipv6 = INTERNET_ADDRESSES
    hop = f"via {_NEAR_END} dev {device} onlink src {ipv4}"
    found: dict[str, str] = {}
    for each in public_addresses:
        found[f"{each}/32"] = f"{each}/32 {hop}"
    if vpc.ipv6_cidr:
        ipv6_hop = f"via {_IPV6_NEAR_END} dev {device} src {ipv6}"
        found[vpc.ipv6_cidr] = f"{vpc.ipv6_cidr} {ipv6_hop}"
    return found


def routes_of_subnet(
    subnet: Subnet, index: int, nat_gateways: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Return a subnet's routing table, by destination and table.

    Args:
        subnet: The subnet.
        index: Its number in its VPC.
        nat_gateways: The address of each NAT gateway, and the router's device that it is behind.
    """
    table = f"table {_FIRST_TABLE + index}"
    hops = {"0.0.0.0/0": "", "::/0": ""}
    for route in subnet.routes:
        hops[route.destination] = _next_hop(route, nat_gateways)
    found = {}
    for destination, hop in hops.items():
        line = f"{destination} {hop}" if hop else f"{_NOWHERE} {destination}"
        found[f"{destination} {table}"] = f"{line} {table}"
    return found


def rules_of_subnet(vpc: Vpc, subnet: Subnet, index: int) -> frozenset[str]:
    """Return which routing tables hold for a subnet's packets: the VPC's own, then its table."""
    rules = set()
    for own, whole in ((subnet.cidr, vpc.cidr), (subnet.ipv6_cidr, vpc.ipv6_cidr)):
        if own:
            rules.add(f"from {own} to {whole} lookup main pref {_LOCAL_PREFERENCE + index}")
            rules.add(f"from {own} lookup {_FIRST_TABLE + index} pref {_OTHER_PREFERENCE + index}")
    return frozenset(rules)


def addresses_of_subnet(subnet: Subnet) -> frozenset[str]:
    """Return the router's own addresses in a subnet."""
    return frozenset({f"{gateway_address(subnet.cidr)}/32 dev lo"})


def changes(
    kind: str, before: Mapping[str, str], after: Mapping[str, str], add: str = "add"
) -> list[str]:
    """Return the lines for `ip` that change what is there into what is wanted.

    Args:
        kind: `route`, `rule` or `addr`.
        before: What is there, by the text that deletes it.
        after: What is wanted, by the text that deletes it.
        add: The command that adds one: `replace` if another one may be there.
    """
    return list(_changes(kind, before, after, add))


def _changes(
    kind: str, before: Mapping[str, str], after: Mapping[str, str], add: str
) -> Iterator[str]:
    for key, line in after.items():
        if before.get(key) != line:
            yield f"{kind} {add} {line}"
    for key in before:
        if key not in after:
            yield f"{kind} delete {key}"


def add_interface(
    interface: Interface, subnet: Subnet, name: str, device: str, number: int, *, new: bool
) -> tuple[Step, ...]:
    """Return how an interface's addresses are added to a namespace, and the routes to them.

    Args:
        interface: The interface.
        subnet: Its subnet.
        name: The namespace.
        device: The router's end of the namespace's link.
        number: The VPC's number.
        new: Whether the namespace and its link have to be made.
    """
    gateway = gateway_address(subnet.cidr)
    length = ipaddress.IPv4Network(subnet.cidr).prefixlen
    outside = [f"route add {interface.address}/32 dev {device}"]
    inside = [
        # Without the route to its subnet: packets to neighbours must pass the router too.
        f"addr add {interface.address}/{length} dev {_INSIDE} noprefixroute",
        f"route replace {gateway}/32 dev {_INSIDE}",
        f"route replace default via {gateway} dev {_INSIDE}",
    ]
    if interface.ipv6:
        outside.append(f"route add {interface.ipv6}/128 dev {device}")
        inside += [
            f"addr add {interface.ipv6}/64 dev {_INSIDE} nodad noprefixroute",
            f"route replace ::/0 via {_IPV6_FAR_END} dev {_INSIDE}",
        ]
    settings: tuple[str, ...] = ()
    if new:
        outside[:0] = [
            f"netns add {name}",
            f"link add {device} type veth peer name {_INSIDE} netns {name}",
            f"addr add {_IPV6_FAR_END}/64 dev {device} nodad",
            f"link set {device} up",
        ]
        inside[:0] = ["link set lo up", f"link set {_INSIDE} up"]
        settings = _OF_INTERFACES
    return (
        Batch(router(number), tuple(outside)),
        Settings(name, settings),
        Batch(name, tuple(inside)),
    )


def remove_interface(
    interface: Interface, subnet: Subnet, name: str, device: str, number: int
) -> tuple[Batch, Batch]:
    """Return how the routes to an interface are deleted, and then its addresses."""
    length = ipaddress.IPv4Network(subnet.cidr).prefixlen
    outside = [f"route delete {interface.address}/32 dev {device}"]
    inside = [f"addr delete {interface.address}/{length} dev {_INSIDE}"]
    if interface.ipv6:
        outside.append(f"route delete {interface.ipv6}/128 dev {device}")
        inside.append(f"addr delete {interface.ipv6}/64 dev {_INSIDE}")
    return Batch(router(number), tuple(outside)), Batch(name, tuple(inside))


def delete_network(name: str) -> Batch:
    """Return how a namespace without interfaces is deleted, and its link with it.

    The kernel takes its time for both, so the routes to the interfaces are deleted before.
    """
    return Batch(None, (f"netns delete {name}",))


def forward_for_others(name: str) -> Settings:
    """Return the settings that make an interface's namespace a NAT gateway's."""
    settings = ("ipv4/ip_forward=1", "ipv4/conf/all/send_redirects=0")
    own = f"ipv4/conf/{_INSIDE}/send_redirects=0"
    return Settings(name, (*settings, own))


def _next_hop(route: Route, nat_gateways: Mapping[str, tuple[str, str]]) -> str:
    """Return where a route's packets go next; empty for nowhere."""
    if route.target is Target.NAT_GATEWAY:
        if route.gateway not in nat_gateways or ":" in route.destination:
            return ""
        address, device = nat_gateways[route.gateway]
        return f"via {address} dev {device} onlink"
    uplink = _UPLINK_OF.get(route.target)
    if uplink is None:
        return ""
    if ":" in route.destination:
        return f"via {_IPV6_FAR_END} dev {uplink}"
    return f"via {_FAR_END} dev {uplink} onlink"


def _far_device(number: int, uplink: str) -> str:
    """Return the internet's device of a link to a router."""
    return f"{uplink}{number}"
