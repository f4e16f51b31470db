"""EC2: route tables, their routes, and their associations with subnets and gateways."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import (
    ASSOCIATION,
    EGRESS_ONLY_GATEWAY,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    ROUTE,
    ROUTE_TABLE,
    SUBNET,
    ec2_id,
    id_arn_and_owner,
    in_vpc,
    vpc_of,
    vpc_of_gateway,
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, Reference, ResourceType, Unique
from localaws.catalog.values import CIDR_IPV6, Limit, blocks, cidr, exactly_one, given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_INLINE_DESTINATIONS = ("cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")
"""The destinations of a `Route`, and those of a route in a table's `routes`, in the same order."""

_TARGETS = (
    "carrierGatewayId",
    "coreNetworkArn",
    "egressOnlyGatewayId",
    "gatewayId",
    "localGatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "odbNetworkArn",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)
_GATEWAYS = {
    "gatewayId": (INTERNET_GATEWAY, "InvalidGatewayID.NotFound"),
    "natGatewayId": (NAT_GATEWAY, "InvalidNatGatewayID.NotFound"),
    "egressOnlyGatewayId": (EGRESS_ONLY_GATEWAY, "InvalidGatewayID.NotFound"),
}
"""Targets that are types of the catalog, with AWS's error code if the gateway doesn't exist."""

_VPN_GATEWAY = "vgw-[0-9a-f]{8,17}"
"""Matches virtual private gateways, which are assumed to exist: the catalog has no such type."""

_GATEWAY_EXISTS = "ec2.route.gateway-exists"
_LOCAL = "local"
"""The target of the route to the VPC's own range, which every table has."""


def _table_rules(inputs: Properties) -> Refusals:
    for where, route in _inline_routes(inputs):
        yield from exactly_one(
            route, _INLINE_DESTINATIONS, "ec2.route.one-destination", where=where
        )
        yield from exactly_one(route, _TARGETS, "ec2.route.one-target", where=where)
        for message, _ in _destination_faults(route, _INLINE_DESTINATIONS):
            yield Refusal("InvalidArgument", where + message, "ec2.route.ip-version", "routes")


def _inline_routes(table: Properties) -> Iterator[tuple[str, Properties]]:
    """Yield the routes in a table's `routes`, each after the start of a message about it."""
    for index, route in enumerate(blocks(table.get("routes"))):
        yield f"routes[{index}]: ", route


def _destination_faults(
    route: Properties, destinations: tuple[str, str, str]
) -> Iterator[tuple[str, str]]:
    """Yield a message for each target that the route's destination excludes, and that target.

    `destinations` are the names of the inputs for IPv4, IPv6 and prefix lists.
    """
    ipv4, ipv6, _ = destinations
    for target, allowed in (
        ("egressOnlyGatewayId", [ipv6]),
        ("carrierGatewayId", [ipv4]),
        ("vpcEndpointId", [ipv4, ipv6]),
    ):
        if given(route, target) and not given(route, *allowed):
            yield f"{target} needs {' or '.join(allowed)}", target


def _table_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    table = current.id if current else "the route table"
    unchanged = blocks(current.inputs.get("routes")) if current else []
    taken: set[str] = set()
    if current is not None:
        for route in account.where(ROUTE, "routeTableId", current.id):
            taken.add(_destination(route.inputs, _DESTINATIONS))
    for where, inline in _inline_routes(inputs):
        destination = _destination(inline, _INLINE_DESTINATIONS)
        if destination in taken:
            yield _duplicate(table, destination, where)
        taken.add(destination)
        if inline not in unchanged:
            yield from _gateway_exists_rules(inline, account, where)
        for message, _ in _gateway_faults(inline, table, inputs.get("vpcId"), account):
            yield Refusal("InvalidParameterValue", where + message, "ec2.route.same-vpc", "routes")


def _destination(route: Properties, names: Sequence[str]) -> str:
    destinations = given(route, *names)
    return str(route[destinations[0]]) if destinations else ""


def _duplicate(table: str, destination: str, where: str = "") -> Refusal:
    message = f"{where}Route Table ({table}) has a route to {destination} already: remove one"
    return Refusal("RouteAlreadyExists", message, "ec2.route.unique")


def _elsewhere(name: str) -> str | None:
    """Return the pattern of the gateways in an input that are assumed to exist, or None."""
    return _VPN_GATEWAY if name == "gatewayId" else None


def _is_vpn_gateway(name: str, gateway: object) -> bool:
    return name == "gatewayId" and re.fullmatch(_VPN_GATEWAY, str(gateway)) is not None


def _gateway_exists_rules(inline: Properties, account: Account, where: str) -> Refusals:
    """Refuse a route in a table's `routes` to a gateway that doesn't exist."""
    for name, (token, code) in _GATEWAYS.items():
        gateway = inline.get(name)
        # The provider leaves out an empty text.
        if gateway in (None, "", _LOCAL) or _is_vpn_gateway(name, gateway):
            continue
        if account.get(token, gateway) is None:
            message = f"{where}{name} names {gateway!r}, which does not exist"
            yield Refusal(code, message, _GATEWAY_EXISTS, "routes")


def _gateway_faults(
    route: Properties, table: str, vpc: object, account: Account
) -> Iterator[tuple[str, str]]:
    """Yield a message for each gateway in another VPC than the route's table, and its input."""
    for name, (token, _) in _GATEWAYS.items():
        gateway = account.get(token, route.get(name))
        if gateway and vpc_of_gateway(account, gateway.inputs) != vpc:
            message = (
                f"route table {table} and network gateway {gateway.id} belong to different "
                f"networks: use a gateway in {vpc}"
            )
            yield message, name


def _table_deletion_rules(table: Resource, _account: Account) -> Refusals:
    if table.made_by_aws:
        message = f"the main route table {table.id} can't be deleted; AWS deletes it with its VPC"
        yield Refusal("DependencyViolation", message, "ec2.route-table.main")


def _route_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _DESTINATIONS, "ec2.route.one-destination")
    yield from exactly_one(inputs, _TARGETS, "ec2.route.one-target")
    if inputs.get("gatewayId") == _LOCAL:
        message = "every route table has the local route already; leave this route out"
        yield Refusal("InvalidArgument", message, "ec2.route.local", "gatewayId")
    for message, target in _destination_faults(inputs, _DESTINATIONS):
        yield Refusal("InvalidArgument", message, "ec2.route.ip-version", target)


def _route_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    table = account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if table is None:
        return
    for message, name in _gateway_faults(inputs, table.id, table.inputs.get("vpcId"), account):
        yield Refusal("InvalidParameterValue", message, "ec2.route.same-vpc", name)
    if current is not None:
        return  # An update doesn't change the destination.
    destination = _destination(inputs, _DESTINATIONS)
    for _, inline in _inline_routes(table.inputs):
        if _destination(inline, _INLINE_DESTINATIONS) == destination:
            yield _duplicate(table.id, destination)


def _route_computed(_mint: Mint, inputs: Properties) -> Properties:
    code = zlib.crc32(_destination(inputs, _DESTINATIONS).encode())
    return {
        "id": f"r-{inputs.get('routeTableId')}{code}",
        "origin": "CreateRoute",
        "state": "active",
        "instanceId": "",
        "instanceOwnerId": "",
    }


def _route_import_ids(route: Resource) -> Sequence[str]:
    destination = _destination(route.inputs, _DESTINATIONS)
    return (f"{route.inputs['routeTableId']}_{destination}",)


def _association_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("subnetId", "gatewayId"), "ec2.route-table-association.one")


def _association_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    table = account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if table is None:
        return
    subnet = inputs.get("subnetId")
    gateway = account.get(INTERNET_GATEWAY, inputs.get("gatewayId"))
    if subnet is not None:
        associated = f"subnet {subnet}"
        vpc = vpc_of(account, subnet)
    elif gateway is not None:
        associated = f"gateway {gateway.id}"
        vpc = gateway.inputs.get("vpcId")
    else:
        return
    if vpc != table.inputs.get("vpcId"):
        message = (
            f"route table {table.id} and {associated} belong to different networks: use a route "
            f"table of {vpc}"
        )
        yield Refusal(
            "InvalidParameterValue", message, "ec2.route-table-association.same-vpc", "routeTableId"
        )


def _association_import_ids(association: Resource) -> Sequence[str]:
    inputs = association.inputs
    return (f"{inputs.get('subnetId') or inputs.get('gatewayId')}/{inputs['routeTableId']}",)


_TABLE = Reference(
    "routeTableId", ROUTE_TABLE, "InvalidRouteTableID.NotFound", "ec2.route-table.exists", "gone"
)

TYPES = (
    ResourceType(
        token=ROUTE_TABLE,
        only_recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"routes", "propagatingVgws"}),
        limits=(
            Limit("routes[].cidrBlock", cidr(), "ec2.route.cidr"),
            Limit("routes[].ipv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(in_vpc("ec2.route-table.vpc-exists"),),
        rules=_table_rules,
        account_rules=_table_account_rules,
        computed=id_arn_and_owner("rtb", "route-table"),
        deletion_rules=_table_deletion_rules,
    ),
    ResourceType(
        token=ROUTE,
        only_recorded=NO_PACKET,
        replaces=frozenset({"routeTableId", *_DESTINATIONS, "region"}),
        limits=(
            Limit("destinationCidrBlock", cidr(), "ec2.route.cidr"),
            Limit("destinationIpv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(
            _TABLE,
            *(
                Reference(name, token, code, _GATEWAY_EXISTS, elsewhere=_elsewhere(name))
                for name, (token, code) in _GATEWAYS.items()
            ),
        ),
        unique=(
            Unique(
                ("routeTableId", *_DESTINATIONS),
                "RouteAlreadyExists",
                "ec2.route.unique",
                "Route Table ({routeTableId}) has a route to this destination already",
            ),
        ),
        rules=_route_rules,
        account_rules=_route_account_rules,
        computed=_route_computed,
        import_ids=_route_import_ids,
    ),
    ResourceType(
        token=ASSOCIATION,
        only_recorded=NO_PACKET,
        replaces=AllExcept("routeTableId"),
        references=(
            _TABLE,
            Reference(
                "subnetId",
                SUBNET,
                "InvalidSubnetID.NotFound",
                "ec2.route-table-association.exists",
                "gone",
            ),
            Reference(
                "gatewayId",
                INTERNET_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route-table-association.exists",
                "gone",
                elsewhere=_VPN_GATEWAY,
            ),
        ),
        unique=(
            Unique(
                ("subnetId",),
                "Resource.AlreadyAssociated",
                "ec2.route-table-association.unique",
                "subnet {subnetId} is already associated with a route table",
            ),
        ),
        rules=_association_rules,
        account_rules=_association_account_rules,
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "rtbassoc")},
        import_ids=_association_import_ids,
    ),
)
