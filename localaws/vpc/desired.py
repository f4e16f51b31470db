"""Read the network from the account's records, as a `Model`. Pure.

Whatever has no effect on packets here is named in the model's `not_enforced`, and never left out in
silence.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.catalog.ec2.ip_permissions import ALL_PROTOCOLS, permissions_of
from localaws.catalog.ec2.network import (
    ASSOCIATION,
    EGRESS_ONLY_GATEWAY,
    EIP,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    ROUTE,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
)
from localaws.catalog.ec2.network_acls import acl_of, entries_of
from localaws.catalog.ec2.vpc_endpoints import (
    VPC_ENDPOINT,
    prefix_list_id,
    prefix_lists,
)
from localaws.catalog.efs import MOUNT_TARGET
from localaws.catalog.values import blocks, text, texts
from localaws.vpc.model import (
    AclRule,
    Interface,
    Model,
    NatGateway,
    NetworkAcl,
    Route,
    Rule,
    SecurityGroup,
    Subnet,
    Target,
    Vpc,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.catalog.ec2.ip_permissions import Permission
    from localaws.catalog.ec2.network_acls import Entry
    from localaws.catalog.properties import Properties

_DESTINATIONS = (
    "destinationCidrBlock",
    "destinationIpv6CidrBlock",
    # The same in the routes that a route table names itself.
    "cidrBlock",
    "ipv6CidrBlock",
)
_KEPT_BY_AWS = 4
"""The first addresses of each subnet; the last one is kept too.

Source: Amazon VPC User Guide, "Subnet CIDR blocks".
"""


def desired(account: Account) -> Model:
    """Return the network that an account's records describe."""
    reading = _Reading(account)
    vpcs = tuple(map(reading.vpc, reading.with_range(account.all(VPC))))
    # Several subnets may have the same route table, and report the same of it.
    return Model(vpcs, tuple(dict.fromkeys(reading.not_enforced)))


@dataclass
class _Reading:
    """One pass over the records."""

    account: Account
    not_enforced: list[str] = field(default_factory=list)

    def with_range(self, records: Iterable[Resource]) -> list[Resource]:
        """Return the VPCs or subnets that have an IPv4 range; report the others."""
        found = []
        for record in records:
            if record.outputs.get("cidrBlock"):
                found.append(record)
            else:
                self.not_enforced.append(
                    f"{record.id} has no IPv4 range here, so nothing runs in it."
                )
        return found

    def vpc(self, record: Resource) -> Vpc:
        """Return a VPC with all that is in it."""
        in_vpc = self.with_range(self._in(SUBNET, record))
        subnets = tuple(self._subnet(each, record) for each in in_vpc)
        groups = tuple(map(self._group, self._in(SECURITY_GROUP, record)))
        by_id = {each.id: each for each in subnets}
        taken: dict[str, set[str]] = defaultdict(set)
        gateways = (*self._in(INTERNET_GATEWAY, record), *self._in(EGRESS_ONLY_GATEWAY, record))
        acls = dict.fromkeys(each.acl for each in subnets)
        return Vpc(
            id=record.id,
            cidr=str(record.outputs.get("cidrBlock")),
            ipv6_cidr=text(record.outputs.get("ipv6CidrBlock")) or "",
            has_internet=bool(gateways),
            subnets=subnets,
            groups=groups,
            nat_gateways=tuple(self._nat_gateways(by_id, taken)),
            endpoints=tuple(self._service_interfaces(record, by_id, taken)),
            acls=tuple(map(self._acl, acls)),
        )

    def _in(self, token: str, vpc: Resource) -> Sequence[Resource]:
        return self.account.where(token, "vpcId", vpc.id)

    def _subnet(self, record: Resource, vpc: Resource) -> Subnet:
        table = self._route_table(record, vpc)
        routes = tuple(self._routes(table, vpc)) if table else ()
        cidr = str(record.outputs["cidrBlock"])
        return Subnet(
            id=record.id,
            cidr=cidr,
            ipv6_cidr=text(record.outputs.get("ipv6CidrBlock")) or "",
            routes=routes,
            acl=self._acl_id(record),
        )

    def _acl_id(self, subnet: Resource) -> str:
        found, named = acl_of(self.account, subnet)
        others = sorted(set(named) - {found})
        if others:
            self.not_enforced.append(
                f"Network ACL {found} holds for {subnet.id}, and not {', '.join(others)}, which "
                "resources name too: AWS lets the last change decide."
            )
        return found

    def _acl(self, identifier: str) -> NetworkAcl:
        ingress = entries_of(self.account, identifier, "ingress")
        egress = entries_of(self.account, identifier, "egress")
        return NetworkAcl(identifier, _acl_rules(ingress), _acl_rules(egress))

    def _route_table(self, subnet: Resource, vpc: Resource) -> Resource | None:
        """Return the route table of a subnet: the VPC's main one if none is associated."""
        for association in self.account.all(ASSOCIATION):
            if association.inputs.get("subnetId") == subnet.id:
                return self.account.get(ROUTE_TABLE, association.outputs.get("routeTableId"))
            if association.inputs.get("gatewayId") is not None:
                gateway = association.inputs["gatewayId"]
                self.not_enforced.append(
                    f"The route table associated with gateway {gateway} routes nothing here."
                )
        return self.account.get(ROUTE_TABLE, vpc.computed.get("mainRouteTableId"))

    def _routes(self, table: Resource, vpc: Resource) -> Iterator[Route]:
        for block in blocks(table.inputs.get("routes")):
            yield from self._route(block, table, vpc)
        for route in self.account.all(ROUTE):
            if route.inputs.get("routeTableId") == table.id:
                yield from self._route(route.outputs, table, vpc)
        for endpoint in self._in(VPC_ENDPOINT, vpc):
            if table.id in texts(endpoint.outputs.get("routeTableIds")):
                for network in texts(endpoint.outputs.get("cidrBlocks")):
                    yield Route(network, Target.GATEWAY_ENDPOINT)

    def _route(self, route: Properties, table: Resource, vpc: Resource) -> Iterator[Route]:
        target, gateway = self._target(route, table, vpc)
        destinations = [str(route[name]) for name in _DESTINATIONS if route.get(name)]
        listed = route.get("destinationPrefixListId")
        if listed:
            where = f"A route of {table.id}"
            destinations += self._prefix_list(listed, table.region, where)
        for destination in destinations:
            yield Route(destination, target, gateway)

    def _target(self, route: Properties, table: Resource, vpc: Resource) -> tuple[Target, str]:
        """Return a route's target; a gateway that is gone drops what it gets, as on AWS."""
        for name, token, target in (
            ("gatewayId", INTERNET_GATEWAY, Target.INTERNET_GATEWAY),
            ("egressOnlyGatewayId", EGRESS_ONLY_GATEWAY, Target.EGRESS_ONLY_GATEWAY),
            ("natGatewayId", NAT_GATEWAY, Target.NAT_GATEWAY),
        ):
            if not route.get(name):
                continue
            gateway = self.account.get(token, route[name])
            if gateway is None or not self._is_attached(gateway, vpc):
                return Target.NOWHERE, ""
            return target, gateway.id if target is Target.NAT_GATEWAY else ""
        self.not_enforced.append(
            f"A route of {table.id} has a target that doesn't exist here; it drops its packets."
        )
        return Target.NOWHERE, ""

    def _is_attached(self, gateway: Resource, vpc: Resource) -> bool:
        if gateway.token != NAT_GATEWAY:
            return bool(gateway.outputs.get("vpcId") == vpc.id)
        subnet = self.account.get(SUBNET, gateway.outputs.get("subnetId"))
        return subnet is not None and subnet.outputs.get("vpcId") == vpc.id

    def _prefix_list(self, identifier: object, region: str, where: str) -> list[str]:
        """Return the networks of a prefix list."""
        for name, networks in prefix_lists(region).items():
            if prefix_list_id(name) == identifier:
                return list(networks)
        self.not_enforced.append(
            f"{where} names prefix list {identifier}, which has no networks here; it matches "
            "nothing."
        )
        return []

    def _group(self, record: Resource) -> SecurityGroup:
        return SecurityGroup(
            record.id,
            ingress=tuple(self._rules(record, "ingress")),
            egress=tuple(self._rules(record, "egress")),
        )

    def _rules(self, group: Resource, direction: str) -> Iterator[Rule]:
        for permission in permissions_of(self.account, group, direction):
            first, last = _ports(permission)
            where = f"A rule of {group.id}"
            if permission.kind == "referencedSecurityGroupId":
                self._check_group(permission.other, group, where)
                yield Rule(permission.protocol, first, last, group=permission.other)
                continue
            networks = [permission.other]
            if permission.kind == "prefixListId":
                networks = self._prefix_list(permission.other, group.region, where)
            yield Rule(permission.protocol, first, last, networks=tuple(networks))

    def _check_group(self, other: str, group: Resource, where: str) -> None:
        """Report a rule for a group in another VPC, to which nothing connects this one here."""
        found = self.account.get(SECURITY_GROUP, other)
        if found is None or found.outputs.get("vpcId") != group.outputs.get("vpcId"):
            self.not_enforced.append(
                f"{where} names {other}, which is in no network that reaches this one; it matches "
                "nothing."
            )

    def _nat_gateways(
        self, subnets: Mapping[str, Subnet], taken: dict[str, set[str]]
    ) -> Iterator[NatGateway]:
        for record in self.account.all(NAT_GATEWAY):
            subnet = subnets.get(str(record.outputs.get("subnetId")))
            if subnet is None:
                if not record.outputs.get("subnetId"):
                    self.not_enforced.append(
                        f"{record.id} is in no subnet; its routes drop their packets."
                    )
                continue
            address = self._address(record, "privateIp", record.inputs, subnet, taken)
            if not address:
                continue
            elastic = self.account.get(EIP, record.outputs.get("allocationId"))
            public = str(elastic.outputs["publicIp"]) if elastic else ""
            yield NatGateway(record.id, subnet.id, address, public)

    def _service_interfaces(
        self, vpc: Resource, subnets: Mapping[str, Subnet], taken: dict[str, set[str]]
    ) -> Iterator[Interface]:
        """Yield the interfaces of AWS's services: VPC endpoints, and mount targets of EFS."""
        for record in self._in(VPC_ENDPOINT, vpc):
            kind = record.outputs.get("vpcEndpointType")
            if kind == "Gateway":
                continue
            if kind != "Interface":
                self.not_enforced.append(f"{record.id} is a {kind} endpoint, which routes nothing.")
            groups = frozenset(texts(record.outputs.get("securityGroupIds")))
            for name in texts(record.outputs.get("subnetIds")):
                if name in subnets:
                    yield from self._service_interface(record, vpc, subnets[name], groups, taken)
        for record in self.account.all(MOUNT_TARGET):
            name = str(record.outputs.get("subnetId"))
            if name in subnets:
                groups = frozenset(texts(record.outputs.get("securityGroups")))
                yield from self._service_interface(record, vpc, subnets[name], groups, taken)

    def _service_interface(
        self,
        record: Resource,
        vpc: Resource,
        subnet: Subnet,
        groups: frozenset[str],
        taken: dict[str, set[str]],
    ) -> Iterator[Interface]:
        address = self._address(record, "ipAddress", record.outputs, subnet, taken)
        if address:
            name = f"{record.id}-{subnet.id}"
            yield Interface(name, vpc.id, subnet.id, address, groups=groups)

    def _address(
        self,
        record: Resource,
        name: str,
        properties: Properties,
        subnet: Subnet,
        taken: dict[str, set[str]],
    ) -> str:
        """Return the address of an interface: the given one, else a free one; empty for none."""
        address = text(properties.get(name)) or _free_address(
            subnet.cidr, record.id, taken[subnet.id]
        )
        if not address:
            self.not_enforced.append(
                f"{record.id} has no interface in {subnet.id}, whose addresses are all taken."
            )
            return ""
        taken[subnet.id].add(address)
        return address


def _acl_rules(entries: Iterable[Entry]) -> tuple[AclRule, ...]:
    return tuple(map(_acl_rule, entries))


def _acl_rule(entry: Entry) -> AclRule:
    return AclRule(entry.allow, entry.protocol, entry.first, entry.last, entry.network)


def _free_address(cidr: str, identifier: str, taken: set[str]) -> str:
    """Return an address for something that AWS itself puts into a subnet; empty if it is full.

    It is derived from the id, so it stays the same while others come and go. It is in the subnet's
    upper half as long as one is free there, because tasks get the lowest free address.
    """
    network = ipaddress.IPv4Network(cidr)
    middle = max(network.num_addresses // 2, _KEPT_BY_AWS)
    upper = range(middle, network.num_addresses - 1)
    start = zlib.crc32(identifier.encode()) % len(upper)
    lower = range(middle - 1, _KEPT_BY_AWS - 1, -1)
    for number in (*upper[start:], *upper[:start], *lower):
        address = str(network[number])
        if address not in taken:
            return address
    return ""


def _ports(permission: Permission) -> tuple[int | None, int | None]:
    """Return the first and last port of a permission, None where it means all."""
    if permission.protocol == ALL_PROTOCOLS:
        return None, None
    return _whole(permission.first), _whole(permission.last)


def _whole(value: float | None) -> int | None:
    return None if value is None or value < 0 else int(value)
