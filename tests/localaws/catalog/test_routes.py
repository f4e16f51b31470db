"""Gateways and routes: NAT gateways of a whole region, and routes inside a route table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog.ec2.network import zone_id
from tests.localaws.catalog.operations import other_vpc, refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

VPC = "aws:ec2/vpc:Vpc"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
SERVICE = "aws:ecs/service:Service"


def table(account: Account, *routes: dict[str, Any], vpc: str = "vpc") -> str:
    """Create a route table with inline routes, and return its id."""
    return account.make(TABLE, vpcId=account.id(vpc), routes=[*routes]).id


def without_public_addresses(account: Account) -> None:
    """Delete the resources of the account's VPC that have public addresses."""
    account.delete(SERVICE, account.id("service"))
    account.delete(BALANCER, account.id("balancer"))


def test_a_regional_nat_gateway_needs_an_internet_gateway_in_its_vpc(account: Account) -> None:
    other = other_vpc(account)
    account.make(GATEWAY, "unattached")
    regional = {"availabilityMode": "regional"}
    assert refused(account.make, NAT, **regional, vpcId=other) == {
        ("ec2.nat-gateway.internet", "Gateway.NotAttached")
    }
    nat = account.make(NAT, **regional, vpcId=account.id("vpc")).id
    without_public_addresses(account)
    assert refused(account.delete, GATEWAY, account.id("gateway")) == {
        ("ec2.internet-gateway.held", "DependencyViolation")
    }
    account.delete(NAT, nat)
    account.delete(GATEWAY, account.id("gateway"))


def test_a_vpc_with_a_regional_nat_gateway_cant_be_deleted(account: Account) -> None:
    vpc = account.make(VPC, cidrBlock="10.9.0.0/16").id
    gateway = account.make(GATEWAY, vpcId=vpc).id
    nat = account.make(NAT, availabilityMode="regional", vpcId=vpc).id
    account.update(GATEWAY, gateway, {})
    held = {("ec2.vpc.held", "DependencyViolation")}
    assert refused(account.delete, VPC, vpc) == held
    account.delete(NAT, nat)
    account.delete(VPC, vpc)


def test_an_internet_gateway_is_held_by_a_public_load_balancer_with_subnet_mappings(
    account: Account,
) -> None:
    mappings = [{"subnetId": account.id(f"subnet-{zone}")} for zone in "ab"]
    account.make(BALANCER, "mapped", name="mapped", subnetMappings=mappings)
    without_public_addresses(account)
    assert refused(account.delete, GATEWAY, account.id("gateway")) == {
        ("ec2.internet-gateway.held", "DependencyViolation")
    }


def test_an_internet_gateway_isnt_held_by_a_gateway_load_balancer(account: Account) -> None:
    account.make(
        BALANCER, name="inspection", loadBalancerType="gateway", subnets=[account.id("subnet-a")]
    )
    without_public_addresses(account)
    account.delete(GATEWAY, account.id("gateway"))


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"gatewayId": "igw-0"}, "InvalidGatewayID.NotFound"),
        ({"natGatewayId": "nat-0"}, "InvalidNatGatewayID.NotFound"),
        ({"egressOnlyGatewayId": "eigw-0"}, "InvalidGatewayID.NotFound"),
    ],
)
def test_the_gateway_of_an_inline_route_must_exist(
    account: Account, target: dict[str, str], code: str
) -> None:
    route = {"ipv6CidrBlock": "::/0", **target}
    assert refused(table, account, route) == {("ec2.route.gateway-exists", code)}


def test_a_table_can_be_updated_after_the_gateway_of_its_route_is_deleted(
    account: Account,
) -> None:
    vpc = account.id("vpc")
    nat = account.make(NAT, **account.minimal(NAT)).id
    inputs = {"vpcId": vpc, "routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": nat}]}
    changed = account.make(TABLE, **inputs).id
    account.delete(NAT, nat)
    account.update(TABLE, changed, {**inputs, "tags": {"a": "b"}})


def test_an_inline_route_can_be_the_local_one(account: Account) -> None:
    table(account, {"cidrBlock": "10.0.0.0/16", "gatewayId": "local"})


def test_the_gateway_of_an_inline_route_must_be_in_the_tables_vpc(account: Account) -> None:
    other_vpc(account)
    route = {"cidrBlock": "0.0.0.0/0", "gatewayId": account.id("gateway")}
    assert refused(table, account, route, vpc="other") == {
        ("ec2.route.same-vpc", "InvalidParameterValue")
    }
    table(account, route)


def test_an_inline_route_to_an_egress_only_gateway_is_for_ipv6(account: Account) -> None:
    token = "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway"
    gateway = account.make(token, vpcId=account.id("vpc")).id
    route = {"cidrBlock": "0.0.0.0/0", "egressOnlyGatewayId": gateway}
    assert refused(table, account, route) == {("ec2.route.ip-version", "InvalidArgument")}
    table(account, {"ipv6CidrBlock": "::/0", "egressOnlyGatewayId": gateway})


def test_a_table_has_one_route_to_a_destination_inline_or_as_a_resource(
    account: Account,
) -> None:
    route = {"cidrBlock": "0.0.0.0/0", "gatewayId": account.id("gateway")}
    taken = {("ec2.route.unique", "RouteAlreadyExists")}
    assert refused(table, account, route, route) == taken
    inline = table(account, route)
    separate = {"routeTableId": inline, "gatewayId": account.id("gateway")}
    assert refused(account.make, ROUTE, **separate, destinationCidrBlock="0.0.0.0/0") == taken
    account.make(ROUTE, **separate, destinationCidrBlock="192.0.2.0/24")
    more = {"cidrBlock": "192.0.2.0/24", "gatewayId": account.id("gateway")}
    change = {"vpcId": account.id("vpc"), "routes": [route, more]}
    assert refused(account.update, TABLE, inline, change) == taken
    account.update(TABLE, inline, {"vpcId": account.id("vpc"), "routes": [route]})


def test_a_route_table_is_associated_with_a_gateway_of_its_own_vpc(account: Account) -> None:
    other_vpc(account)
    elsewhere = table(account, vpc="other")
    gateway = account.id("gateway")
    assert refused(account.make, ASSOCIATION, routeTableId=elsewhere, gatewayId=gateway) == {
        ("ec2.route-table-association.same-vpc", "InvalidParameterValue")
    }
    account.make(ASSOCIATION, routeTableId=table(account), gatewayId=gateway)


@pytest.mark.parametrize(
    ("zone", "identifier"),
    [
        ("eu-west-1a", "euw1-az1"),
        ("us-east-1c", "use1-az3"),
        ("ap-southeast-2b", "apse2-az2"),
        ("ca-central-1a", "cac1-az1"),
        ("cn-north-1b", "cnn1-az2"),
        ("us-gov-west-1a", "usgw1-az1"),
        ("us-gov-east-1c", "usge1-az3"),
    ],
)
def test_a_zones_id_has_the_short_form_of_its_region(zone: str, identifier: str) -> None:
    assert zone_id(zone) == identifier
