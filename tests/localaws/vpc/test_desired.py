"""The network that an account's resources describe."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog.ec2.vpc_endpoints import prefix_list_id
from localaws.vpc.desired import desired
from localaws.vpc.model import AclRule, Route, Rule, Target
from tests.localaws.vpc.records import ANYWHERE, REGION, Records, ipv6_prefix

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from localaws.vpc.model import SecurityGroup, Subnet

S3_LIST = prefix_list_id(f"com.amazonaws.{REGION}.s3")
S3_NETWORKS = ("52.218.0.0/17", "3.5.64.0/21")


def subnet_of(records: Records, subnet: Resource) -> Subnet:
    vpc = desired(records.cloud).vpc(str(subnet.inputs["vpcId"]))
    return next(each for each in vpc.subnets if each.id == subnet.id)


def group_of(records: Records, group: Resource) -> SecurityGroup:
    vpc = desired(records.cloud).vpc(str(group.outputs["vpcId"]))
    return next(each for each in vpc.groups if each.id == group.id)


def test_a_subnet_without_an_association_has_the_main_route_table() -> None:
    records = Records()
    vpc = records.vpc()
    gateway = records.internet_gateway(vpc)
    main = records.cloud.get("aws:ec2/routeTable:RouteTable", vpc.outputs["mainRouteTableId"])
    assert main is not None
    records.route(main, "0.0.0.0/0", gatewayId=gateway.id)
    other = records.table(vpc)
    left = records.subnet(vpc, "10.0.0.0/24")
    right = records.subnet(vpc, "10.0.1.0/24", other)
    assert subnet_of(records, left).routes == (Route("0.0.0.0/0", Target.INTERNET_GATEWAY),)
    assert subnet_of(records, right).routes == ()


def test_routes_of_every_kind_have_their_target() -> None:
    records = Records()
    vpc = records.vpc(assignGeneratedIpv6CidrBlock=True)
    gateway = records.internet_gateway(vpc)
    public = records.subnet(vpc, "10.0.0.0/24")
    nat = records.nat_gateway(public)
    only_out = records.make(
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", vpcId=vpc.id
    )
    table = records.make(
        "aws:ec2/routeTable:RouteTable",
        vpcId=vpc.id,
        routes=[{"cidrBlock": "198.51.100.0/24", "gatewayId": gateway.id}],
    )
    private = records.subnet(vpc, "10.0.1.0/24", table)
    records.route(table, "0.0.0.0/0", natGatewayId=nat.id)
    records.route(table, "::/0", egressOnlyGatewayId=only_out.id)
    records.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=vpc.id,
        serviceName=f"com.amazonaws.{REGION}.s3",
        routeTableIds=[table.id],
    )
    assert subnet_of(records, private).routes == (
        Route("198.51.100.0/24", Target.INTERNET_GATEWAY),
        Route("0.0.0.0/0", Target.NAT_GATEWAY, nat.id),
        Route("::/0", Target.EGRESS_ONLY_GATEWAY),
        *(Route(network, Target.GATEWAY_ENDPOINT) for network in S3_NETWORKS),
    )
    assert desired(records.cloud).not_enforced == ()


def test_a_nat_gateway_has_its_elastic_address_and_one_of_its_subnet() -> None:
    records = Records()
    vpc = records.vpc()
    records.internet_gateway(vpc)
    subnet = records.subnet(vpc, "10.0.0.0/28")
    record = records.nat_gateway(subnet)
    (found,) = desired(records.cloud).vpc(vpc.id).nat_gateways
    assert (found.id, found.subnet) == (record.id, subnet.id)
    assert found.public_address == record.outputs["publicIp"]
    assert ipaddress.ip_address(found.address) in ipaddress.ip_network("10.0.0.8/29")


def test_elastic_addresses_differ_and_leave_the_lower_half_to_others() -> None:
    records = Records()
    for _ in range(40):  # as each has an address by chance
        made = records.make("aws:ec2/eip:Eip", domain="vpc")
        last_number = int(made.outputs["publicIp"].rpartition(".")[2])
        assert last_number >= 128
        records.remove(made)
    kept = [records.make("aws:ec2/eip:Eip", domain="vpc") for _ in range(5)]
    assert len({each.outputs["publicIp"] for each in kept}) == 5


def test_interfaces_of_endpoints_have_different_addresses_that_they_keep() -> None:
    records = Records()
    vpc = records.vpc()
    subnet = records.subnet(vpc, "10.0.0.0/28")
    group = records.group(vpc, "endpoints")
    made = [
        records.make(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId=vpc.id,
            serviceName=f"com.amazonaws.{REGION}.{service}",
            vpcEndpointType="Interface",
            subnetIds=[subnet.id],
            securityGroupIds=[group.id],
        )
        for service in ("ssm", "logs", "ecr.api", "ecr.dkr", "kms")
    ]
    endpoints = desired(records.cloud).vpc(vpc.id).endpoints
    assert [each.groups for each in endpoints] == [frozenset({group.id})] * len(made)
    assert len({each.address for each in endpoints}) == len(made)
    records.remove(made[-1])
    assert desired(records.cloud).vpc(vpc.id).endpoints == endpoints[:-1]


def test_rules_that_are_resources_are_read_with_their_ports_and_the_other_side() -> None:
    records = Records()
    vpc = records.vpc()
    one, other = records.group(vpc, "one"), records.group(vpc, "other")
    records.ingress(one, ports=(80, 90), cidrIpv4="10.0.0.0/8")
    records.ingress(one, ports=443, referencedSecurityGroupId=other.id)
    records.ingress(one, "icmp", ports=(8, -1), **ANYWHERE)
    records.egress(one, "-1", cidrIpv6="::/0")
    records.egress(one, ports=443, prefixListId=S3_LIST)
    records.make(
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        securityGroupId=one.id,
        type="ingress",
        protocol="udp",
        fromPort=53,
        toPort=53,
        self=True,
    )
    found = group_of(records, one)
    assert len(found.ingress) == 4
    assert set(found.ingress) == {
        Rule("tcp", 80, 90, ("10.0.0.0/8",)),
        Rule("tcp", 443, 443, group=other.id),
        Rule("icmp", 8, None, ("0.0.0.0/0",)),
        Rule("udp", 53, 53, group=one.id),
    }
    assert found.egress == (
        Rule("-1", None, None, ("::/0",)),
        Rule("tcp", 443, 443, S3_NETWORKS),
    )


def test_inline_rules_are_read_too() -> None:
    records = Records()
    vpc = records.vpc()
    group = records.group(
        vpc,
        "inline",
        ingress=[{"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["10.1.0.0/16"]}],
        egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}],
    )
    found = group_of(records, group)
    assert found.ingress == (Rule("tcp", 80, 80, ("10.1.0.0/16",)),)
    assert found.egress == (Rule("-1", None, None, group=group.id),)


def default_group(records: Records, vpc: Resource) -> Resource:
    found = records.cloud.get(
        "aws:ec2/securityGroup:SecurityGroup", vpc.outputs["defaultSecurityGroupId"]
    )
    assert found is not None
    return found


def test_a_default_group_lets_itself_in_and_everything_out() -> None:
    records = Records()
    group = default_group(records, records.vpc())
    found = group_of(records, group)
    assert found.ingress == (Rule("-1", None, None, group=group.id),)
    assert [each.networks for each in found.egress] == [("0.0.0.0/0",), ("::/0",)]


def test_a_default_group_that_a_program_took_over_has_only_its_rules() -> None:
    records = Records()
    vpc = records.vpc()
    records.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId=vpc.id)
    found = group_of(records, default_group(records, vpc))
    assert (found.ingress, found.egress) == ((), ())


def test_vpcs_with_the_same_range_are_apart() -> None:
    records = Records()
    left, right = records.vpc(), records.vpc()
    records.subnet(left, "10.0.0.0/24")
    records.subnet(right, "10.0.0.0/24")
    model = desired(records.cloud)
    assert [each.cidr for each in model.vpcs] == ["10.0.0.0/16"] * 2
    assert [len(each.subnets) for each in model.vpcs] == [1, 1]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"prefixListId": "pl-12345678"}, "names prefix list pl-12345678"),
        ({"referencedSecurityGroupId": "123456789012/sg-12345678"}, "123456789012/sg-12345678"),
    ],
)
def test_a_rule_that_can_match_nothing_is_reported(rule: dict[str, Any], words: str) -> None:
    records = Records()
    group = records.group(records.vpc(), "one")
    records.ingress(group, ports=80, **rule)
    (sentence,) = desired(records.cloud).not_enforced
    assert words in sentence
    assert group.id in sentence


def test_a_route_to_what_does_not_exist_here_is_reported_and_drops() -> None:
    records = Records()
    vpc = records.vpc()
    table = records.table(vpc)
    subnet = records.subnet(vpc, "10.0.0.0/24", table)
    records.route(table, "0.0.0.0/0", transitGatewayId="tgw-12345678")
    assert subnet_of(records, subnet).routes == (Route("0.0.0.0/0", Target.NOWHERE),)
    (sentence,) = desired(records.cloud).not_enforced
    assert table.id in sentence


def test_a_route_to_a_gateway_that_is_not_attached_drops() -> None:
    records = Records()
    vpc = records.vpc()
    table = records.table(vpc)
    subnet = records.subnet(vpc, "10.0.0.0/24", table)
    gateway = records.internet_gateway(vpc)
    records.route(table, "0.0.0.0/0", gatewayId=gateway.id)
    records.remove(gateway)
    assert subnet_of(records, subnet).routes == (Route("0.0.0.0/0", Target.NOWHERE),)
    assert not desired(records.cloud).vpc(vpc.id).has_internet


def test_what_has_no_ipv4_range_is_left_out_and_reported() -> None:
    records = Records()
    vpc = records.vpc(assignGeneratedIpv6CidrBlock=True)
    only_ipv6 = records.make(
        "aws:ec2/subnet:Subnet",
        vpcId=vpc.id,
        ipv6Native=True,
        ipv6CidrBlock=f"{ipv6_prefix(vpc)}01::/64",
    )
    from_pool = records.make("aws:ec2/vpc:Vpc", ipv4IpamPoolId="ipam-pool-1", ipv4NetmaskLength=16)
    model = desired(records.cloud)
    assert [(each.id, each.subnets) for each in model.vpcs] == [(vpc.id, ())]
    assert len(model.not_enforced) == 2
    for each in (only_ipv6, from_pool):
        assert any(each.id in sentence for sentence in model.not_enforced)


def test_an_endpoint_for_which_no_address_is_left_is_reported() -> None:
    records = Records()
    vpc = records.vpc()
    subnet = records.subnet(vpc, "10.0.0.0/28")
    for service in "abcdefghijkl":
        records.make(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId=vpc.id,
            serviceName=f"com.amazonaws.{REGION}.{service}",
            vpcEndpointType="Interface",
            subnetIds=[subnet.id],
        )
    model = desired(records.cloud)
    assert len(model.vpc(vpc.id).endpoints) == 11
    (sentence,) = model.not_enforced
    assert subnet.id in sentence


def test_of_several_acls_of_a_subnet_the_others_are_named() -> None:
    records = Records()
    vpc = records.vpc()
    subnet = records.subnet(vpc, "10.0.0.0/24")
    first, second = records.acl(vpc, subnet), records.acl(vpc, subnet)
    records.acl_rule(second, 7, "10.0.0.0/8", "deny", protocol="tcp", ports=(1, 2))
    model = desired(records.cloud)
    (acl,) = model.vpc(vpc.id).acls
    assert (acl.id, subnet_of(records, subnet).acl) == (second.id, second.id)
    expected = AclRule(allow=False, protocol="6", first=1, last=2, network="10.0.0.0/8")
    assert (acl.ingress, acl.egress) == ((expected,), ())
    (sentence,) = model.not_enforced
    assert f"{second.id} holds for {subnet.id}, and not {first.id}" in sentence
