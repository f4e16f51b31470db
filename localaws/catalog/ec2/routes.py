"""EC2: route tables, their routes, and their associations with subnets and gateways."""

from __future__ import annotations

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
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, Reference, ResourceType, Unique
from localaws.catalog.values import CIDR_IPV6, Limit, blocks, cidr, exactly_one, given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
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
_INLINE_DESTINATIONS = ("cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")


def _route_table_rules(inputs: Properties) -> Refusals:
    for index, route in enumerate(blocks(inputs.get("routes"))):
        where = f"routes[{index}]: "
        yield from exactly_one(
            route, _INLINE_DESTINATIONS, "ec2.route.one-destination", where=where
        )
        yield from exactly_one(route, _TARGETS, "ec2.route.one-target", where=where)


def _route_table_deletion_rules(table: Resource, _account: Account) -> Refusals:
    made_by_aws = not table.urn
    if made_by_aws:
        message = f"the main route table {table.id} can't be deleted"
        yield Refusal("DependencyViolation", message, "ec2.route-table.main")


def _route_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _DESTINATIONS, "ec2.route.one-destination")
    yield from exactly_one(inputs, _TARGETS, "ec2.route.one-target")
    if inputs.get("gatewayId") == "local":
        message = "every route table has the local route already; leave this route out"
        yield Refusal("InvalidArgument", message, "ec2.route.local", "gatewayId")
    for target, destinations in (
        ("egressOnlyGatewayId", ("destinationIpv6CidrBlock",)),
        ("carrierGatewayId", ("destinationCidrBlock",)),
        ("vpcEndpointId", ("destinationCidrBlock", "destinationIpv6CidrBlock")),
    ):
        if given(inputs, target) and not given(inputs, *destinations):
            message = f"{target} needs {' or '.join(destinations)}"
            yield Refusal("InvalidArgument", message, "ec2.route.ip-version", target)


def _route_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    table = account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if table is None:
        return
    for name, token in (
        ("gatewayId", INTERNET_GATEWAY),
        ("natGatewayId", NAT_GATEWAY),
        ("egressOnlyGatewayId", EGRESS_ONLY_GATEWAY),
    ):
        gateway = account.get(token, inputs.get(name))
        if gateway and _gateway_vpc(account, gateway) != table.inputs.get("vpcId"):
            message = (
                f"route table {table.id} and network gateway {gateway.id} belong to different "
                "networks"
            )
            yield Refusal("InvalidParameterValue", message, "ec2.route.same-vpc", name)


def _gateway_vpc(account: Account, gateway: Resource) -> object:
    """Return a gateway's VPC; a zonal NAT gateway only has a subnet."""
    return gateway.inputs.get("vpcId") or vpc_of(account, gateway.inputs.get("subnetId"))


def _destination(inputs: Properties) -> str:
    names = given(inputs, *_DESTINATIONS)
    return str(inputs[names[0]]) if names else ""


def _route_computed(_mint: Mint, inputs: Properties) -> Properties:
    code = zlib.crc32(_destination(inputs).encode())
    return {
        "id": f"r-{inputs.get('routeTableId')}{code}",
        "origin": "CreateRoute",
        "state": "active",
        "instanceId": "",
        "instanceOwnerId": "",
    }


def _association_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("subnetId", "gatewayId"), "ec2.route-table-association.one")


def _association_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    subnet, table = inputs.get("subnetId"), account.get(ROUTE_TABLE, inputs.get("routeTableId"))
    if subnet is not None and table and vpc_of(account, subnet) != table.inputs.get("vpcId"):
        message = f"route table {table.id} and subnet {subnet} belong to different networks"
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
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"routes", "propagatingVgws"}),
        limits=(
            Limit("routes[].cidrBlock", cidr(), "ec2.route.cidr"),
            Limit("routes[].ipv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(in_vpc("ec2.route-table.vpc-exists"),),
        rules=_route_table_rules,
        computed=id_arn_and_owner("rtb", "route-table"),
        deletion_rules=_route_table_deletion_rules,
    ),
    ResourceType(
        token=ROUTE,
        recorded=NO_PACKET,
        replaces=frozenset({"routeTableId", *_DESTINATIONS, "region"}),
        limits=(
            Limit("destinationCidrBlock", cidr(), "ec2.route.cidr"),
            Limit("destinationIpv6CidrBlock", CIDR_IPV6, "ec2.route.cidr"),
        ),
        references=(
            _TABLE,
            Reference(
                "gatewayId",
                INTERNET_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route.gateway-exists",
            ),
            Reference(
                "natGatewayId",
                NAT_GATEWAY,
                "InvalidNatGatewayID.NotFound",
                "ec2.route.gateway-exists",
            ),
            Reference(
                "egressOnlyGatewayId",
                EGRESS_ONLY_GATEWAY,
                "InvalidGatewayID.NotFound",
                "ec2.route.gateway-exists",
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
        import_ids=lambda route: (f"{route.inputs['routeTableId']}_{_destination(route.inputs)}",),
    ),
    ResourceType(
        token=ASSOCIATION,
        recorded=NO_PACKET,
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
            ),
        ),
        unique=(
            Unique(
                ("subnetId",),
                "Resource.AlreadyAssociated",
                "ec2.route-table-association.unique",
                "subnet {subnetId} already has a route table of its own",
            ),
        ),
        rules=_association_rules,
        account_rules=_association_account_rules,
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "rtbassoc")},
        import_ids=_association_import_ids,
    ),
)
