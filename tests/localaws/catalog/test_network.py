"""VPCs with their gateways, routes, endpoints and flow logs: what each requires of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import Refused
from localaws.catalog.ec2.network import zone_id
from tests.localaws.catalog.network_cases import (
    ASSOCIATION,
    EIP,
    GATEWAY,
    GROUP,
    INGRESS,
    NAT,
    ROUTE,
    SUBNET,
    TABLE,
    VPC,
)
from tests.localaws.catalog.operations import other_vpc, refused
from tests.localaws.catalog.security_cases import ENDPOINT, FLOW_LOG, INTERFACE, policy

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
SERVICE = "aws:ecs/service:Service"


def table(account: Account, *routes: dict[str, Any], vpc: str = "vpc") -> str:
    """Create a route table with inline routes, and return its id."""
    return account.make(TABLE, vpcId=account.id(vpc), routes=list(routes)).id


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


def test_an_elastic_address_of_a_load_balancer_cant_be_deleted(account: Account) -> None:
    mapping = {"subnetId": account.id("subnet-a"), "allocationId": account.id("address")}
    inputs = {"name": "mapped", "loadBalancerType": "network", "subnetMappings": [mapping]}
    balancer = account.make(BALANCER, **inputs)
    held = {("ec2.eip.held", "InvalidIPAddress.InUse")}
    assert refused(account.delete, EIP, account.id("address")) == held
    account.delete(BALANCER, balancer.id)
    account.delete(EIP, account.id("address"))


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


def test_the_parts_of_a_network_must_be_in_one_vpc(account: Account) -> None:
    vpc = other_vpc(account)
    gateway = account.make(GATEWAY).id
    route = {**account.minimal(ROUTE), "gatewayId": gateway}
    assert ("ec2.route.same-vpc", "InvalidParameterValue") in refused(account.make, ROUTE, **route)
    association = {"routeTableId": account.id("table"), "subnetId": account.id("other-a")}
    expected = ("ec2.route-table-association.same-vpc", "InvalidParameterValue")
    assert expected in refused(account.make, ASSOCIATION, **association)
    rule = {
        "securityGroupId": account.id("group"),
        "referencedSecurityGroupId": account.id("other-group"),
    }
    both = {**rule, "ipProtocol": "-1"}
    expected = ("ec2.security-group-rule.same-vpc", "InvalidGroup.NotFound")
    assert expected in refused(account.make, INGRESS, **both)
    account.update(GATEWAY, gateway, {"vpcId": vpc})


def test_a_public_nat_gateway_needs_an_internet_gateway_and_a_free_address(
    account: Account,
) -> None:
    other_vpc(account)
    address = account.make(EIP)
    inputs = {"allocationId": address.id, "subnetId": account.id("other-a")}
    assert ("ec2.nat-gateway.internet", "Gateway.NotAttached") in refused(
        account.make, NAT, **inputs
    )
    gateway = account.make(NAT, allocationId=address.id, subnetId=account.id("subnet-a"))
    assert gateway.outputs["publicIp"] == address.outputs["publicIp"]
    again = {"allocationId": address.id, "subnetId": account.id("subnet-b")}
    expected = ("ec2.nat-gateway.address-in-use", "Resource.AlreadyAssociated")
    assert expected in refused(account.make, NAT, **again)
    assert ("ec2.eip.held", "InvalidIPAddress.InUse") in refused(account.delete, EIP, address.id)


def test_a_vpcs_main_table_and_default_group_are_deleted_only_with_it(account: Account) -> None:
    vpc = account.make(VPC, cidrBlock="10.8.0.0/16")
    table, group = vpc.outputs["mainRouteTableId"], vpc.outputs["defaultSecurityGroupId"]
    main = ("ec2.route-table.main", "DependencyViolation")
    assert main in refused(account.delete, "aws:ec2/routeTable:RouteTable", table)
    default = ("ec2.security-group.default", "CannotDelete")
    assert default in refused(account.delete, GROUP, group)
    adopted = account.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId=vpc.id)
    assert adopted.id == group
    account.delete(VPC, vpc.id)
    assert account.get(GROUP, group) is None
    assert account.get("aws:ec2/routeTable:RouteTable", table) is None


def test_quotas_of_vpcs_and_elastic_addresses_are_for_each_region(account: Account) -> None:
    # The inputs have no region, as is usual: they get the provider's.
    for number in range(4):
        account.create(VPC, f"urn:vpc:{number}", {"cidrBlock": "10.0.0.0/16"}, region="us-east-1")
    for number in range(5):
        account.create(EIP, f"urn:eip:{number}", {}, region="us-east-1")
    account.make(VPC, cidrBlock="10.9.0.0/16")
    account.make(EIP)
    with pytest.raises(Refused, match="5 VPCs exist in us-east-1"):
        account.create(VPC, "urn:vpc:last", {"cidrBlock": "10.0.0.0/16"}, region="us-east-1")
    with pytest.raises(Refused, match="AddressLimitExceeded"):
        account.create(EIP, "urn:eip:last", {}, region="us-east-1")


def test_a_second_flow_log_needs_another_destination_or_configuration(account: Account) -> None:
    inputs = account.minimal(FLOW_LOG)
    account.make(FLOW_LOG, **inputs)
    rules = refused(account.make, FLOW_LOG, **inputs)
    assert rules == {("ec2.flow-log.unique", "FlowLogAlreadyExists")}
    account.make(FLOW_LOG, **{**inputs, "logDestination": "arn:aws:s3:::other-logs"})
    for other in ({"trafficType": "REJECT"}, {"logFormat": "${srcaddr} ${dstaddr}"}):
        account.make(FLOW_LOG, **{**inputs, **other})


def test_private_dns_of_an_endpoint_needs_the_vpcs_dns_and_is_unique_in_the_vpc(
    account: Account,
) -> None:
    vpc = account.id("vpc")
    account.update(VPC, vpc, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True})
    inputs = {
        "vpcId": vpc,
        **INTERFACE,
        "privateDnsEnabled": True,
        "subnetIds": [account.id("subnet-a")],
    }
    endpoint = account.make(ENDPOINT, **inputs)
    assert endpoint.outputs["securityGroupIds"] == [
        account.made["vpc"].outputs["defaultSecurityGroupId"]
    ]
    rules = refused(account.make, ENDPOINT, **inputs)
    assert rules == {("ec2.vpc-endpoint.private-dns-unique", "InvalidParameter")}
    held = refused(account.delete, SUBNET, account.id("subnet-a"))
    assert ("ec2.subnet.held", "DependencyViolation") in held


def test_a_route_table_has_one_gateway_endpoint_of_a_service(account: Account) -> None:
    inputs = {**account.minimal(ENDPOINT), "routeTableIds": [account.id("table")]}
    first = account.make(ENDPOINT, **inputs)
    assert first.outputs["prefixListId"].startswith("pl-")
    rules = refused(account.make, ENDPOINT, **inputs)
    assert rules == {("ec2.vpc-endpoint.route-unique", "RouteAlreadyExists")}
    account.update(ENDPOINT, first.id, {**inputs, "policy": policy(Action="s3:GetObject")})


def test_the_parts_of_an_endpoint_must_be_in_its_vpc(account: Account) -> None:
    other = account.make(VPC, cidrBlock="10.1.0.0/16").id
    inputs = {**account.minimal(ENDPOINT), "vpcId": other, "routeTableIds": [account.id("table")]}
    assert ("ec2.vpc-endpoint.same-vpc", "InvalidParameter") in refused(
        account.make, ENDPOINT, **inputs
    )


def test_a_routes_gateway_must_be_in_the_tables_vpc(account: Account) -> None:
    nat = account.make(NAT, **account.minimal(NAT)).id
    other = account.make(VPC, cidrBlock="10.1.0.0/16").id
    route = {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat}
    foreign = account.make(TABLE, vpcId=other).id
    rules = refused(account.make, ROUTE, routeTableId=foreign, **route)
    assert rules == {("ec2.route.same-vpc", "InvalidParameterValue")}
    account.make(ROUTE, routeTableId=account.make(TABLE, vpcId=account.id("vpc")).id, **route)


def test_an_update_can_add_an_ipv6_range_for_subnets_and_load_balancers(
    account: Account,
) -> None:
    vpc = account.update(
        VPC, account.id("vpc"), {"cidrBlock": "10.0.0.0/16", "assignGeneratedIpv6CidrBlock": True}
    )
    prefix = vpc.outputs["ipv6CidrBlock"].removesuffix("00::/56")
    dual = {**account.minimal(BALANCER), "ipAddressType": "dualstack"}
    missing = ("elbv2.load-balancer.dualstack", "ValidationError")
    assert missing in refused(account.make, BALANCER, **dual)
    for number, zone in enumerate("ab"):
        subnet = account.made[f"subnet-{zone}"]
        more = {"ipv6CidrBlock": f"{prefix}0{number}::/64", "assignIpv6AddressOnCreation": True}
        account.update(SUBNET, subnet.id, {**subnet.inputs, **more})
        account.update(SUBNET, subnet.id, {**subnet.inputs, **more, "mapPublicIpOnLaunch": True})
    overlapping = {**account.minimal(SUBNET), "ipv6CidrBlock": f"{prefix}00::/60"}
    assert ("ec2.subnet.overlap", "InvalidSubnet.Conflict") in refused(
        account.make, SUBNET, **overlapping
    )
    account.make(BALANCER, **dual)


def test_a_vpcs_ipv6_range_cant_be_removed_while_a_subnet_has_a_part_of_it(
    account: Account,
) -> None:
    plain = {"cidrBlock": "10.0.0.0/16"}
    vpc = account.update(VPC, account.id("vpc"), {**plain, "assignGeneratedIpv6CidrBlock": True})
    subnet = account.made["subnet-a"]
    first = vpc.outputs["ipv6CidrBlock"].replace("/56", "/64")
    account.update(SUBNET, subnet.id, {**subnet.inputs, "ipv6CidrBlock": first})
    held = refused(account.update, VPC, vpc.id, plain)
    assert held == {("ec2.vpc.ipv6-held", "InvalidCidrBlock.InUse")}
    account.update(SUBNET, subnet.id, subnet.inputs)
    assert account.update(VPC, vpc.id, plain).outputs["ipv6CidrBlock"] == ""
