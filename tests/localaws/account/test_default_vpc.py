"""The default VPC that every account has in every region, without a program that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN, Refused
from localaws.catalog.ec2.default_network import DEFAULT_SUBNET, DEFAULT_VPC
from localaws.catalog.ec2.network import SECURITY_GROUP, VPC, VPCS_PER_REGION
from localaws.catalog.ec2.security_groups import DEFAULT_SECURITY_GROUP

if TYPE_CHECKING:
    from pathlib import Path

REGION = "eu-west-1"


def ask(cloud: Cloud, function: str, region: str = REGION, **args: Any) -> dict[str, Any]:
    return invokes.answer(cloud, f"aws:ec2/{function}:{function}", args, region)


def subnets(cloud: Cloud, vpc: str) -> list[dict[str, Any]]:
    """As public programs look for the subnets of the default VPC."""
    found = ask(cloud, "getSubnets", filters=[{"name": "vpc-id", "values": [vpc]}])
    return [ask(cloud, "getSubnet", id=each) for each in found["ids"]]


def test_it_has_a_public_subnet_in_each_zone() -> None:
    cloud = Cloud(seed=1)
    vpc = ask(cloud, "getVpc", default=True)
    assert vpc["cidrBlock"] == "172.31.0.0/16"
    assert vpc["enableDnsHostnames"]
    assert vpc["default"]
    shown = [
        (
            each["cidrBlock"],
            each["availabilityZone"],
            each["mapPublicIpOnLaunch"],
            each["defaultForAz"],
        )
        for each in subnets(cloud, vpc["id"])
    ]
    assert shown == [
        ("172.31.0.0/20", "eu-west-1a", True, True),
        ("172.31.16.0/20", "eu-west-1b", True, True),
        ("172.31.32.0/20", "eu-west-1c", True, True),
    ]
    by_filter = ask(cloud, "getSubnets", filters=[{"name": "default-for-az", "values": ["true"]}])
    assert by_filter["ids"] == [each["id"] for each in subnets(cloud, vpc["id"])]


def test_its_main_table_has_a_route_to_its_internet_gateway() -> None:
    cloud = Cloud(seed=1)
    vpc = ask(cloud, "getVpc", default=True)
    main = [{"name": "association.main", "values": ["true"]}]
    (table,) = ask(cloud, "getRouteTables", vpcId=vpc["id"], filters=main)["ids"]
    assert table == vpc["mainRouteTableId"]
    (gateway,) = cloud.all("aws:ec2/internetGateway:InternetGateway")
    assert gateway.inputs["vpcId"] == vpc["id"]
    routes = ask(cloud, "getRouteTable", routeTableId=table)["routes"]
    assert {(each["cidrBlock"], each["gatewayId"]) for each in routes} == {
        ("172.31.0.0/16", "local"),
        ("0.0.0.0/0", gateway.id),
    }
    group = ask(cloud, "getSecurityGroup", vpcId=vpc["id"], name="default")
    assert group["description"] == "default VPC security group"


def test_each_region_has_its_own_in_its_partition() -> None:
    cloud = Cloud(seed=1)
    here, there = (ask(cloud, "getVpc", region, default=True) for region in (REGION, "cn-north-1"))
    assert here["id"] != there["id"]
    assert there["arn"] == f"arn:aws-cn:ec2:cn-north-1:123456789012:vpc/{there['id']}"


def test_a_cloud_from_before_gets_one_and_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "cloud.json"
    before = Cloud(file, seed=1)
    own = before.create(VPC, "urn:own", {"cidrBlock": "10.0.0.0/16"}, region=REGION)
    assert [each.id for each in before.all(VPC)] == [own.id]
    default = ask(Cloud(file, seed=2), "getVpc", default=True)
    again = Cloud(file, seed=3)
    assert ask(again, "getVpc", default=True) == default
    assert {each.id for each in again.all(VPC)} == {own.id, default["id"]}


@pytest.mark.parametrize("token", [SECURITY_GROUP, DEFAULT_SECURITY_GROUP])
def test_a_group_that_names_no_vpc_is_in_it(token: str) -> None:
    cloud = Cloud(seed=1)
    group = cloud.create(token, "urn:group", {}, region=REGION)
    vpc = ask(cloud, "getVpc", default=True)
    assert group.outputs["vpcId"] == vpc["id"]
    assert (group.id == vpc["defaultSecurityGroupId"]) is (token == DEFAULT_SECURITY_GROUP)


def test_it_is_never_deleted_and_counts_as_one_of_the_quota() -> None:
    cloud = Cloud(seed=1)
    vpc = ask(cloud, "getVpc", default=True)["id"]
    with pytest.raises(Refused) as refused:
        cloud.delete(VPC, vpc)
    assert [each.rule for each in refused.value.refusals] == ["ec2.vpc.default"]
    for number in range(1, VPCS_PER_REGION):
        cloud.create(VPC, f"urn:{number}", {"cidrBlock": f"10.{number}.0.0/16"}, region=REGION)
    with pytest.raises(Refused, match="5 VPCs exist"):
        cloud.create(VPC, "urn:last", {"cidrBlock": "10.9.0.0/16"}, region=REGION)


def test_a_program_takes_it_over_and_leaves_it() -> None:
    cloud = Cloud(seed=1)
    shown = ask(Cloud(seed=2), "getVpc", default=True)
    vpc = cloud.create(DEFAULT_VPC, "urn:vpc", {"tags": {"Name": "Default VPC"}}, region=REGION)
    assert vpc.id == shown["id"]
    names = ("cidrBlock", "arn", "mainRouteTableId", "enableDnsHostnames")
    assert {name: vpc.outputs[name] for name in names} == {name: shown[name] for name in names}
    subnet = cloud.create(
        DEFAULT_SUBNET, "urn:subnet", {"availabilityZone": "eu-west-1b"}, region=REGION
    )
    assert (subnet.outputs["vpcId"], subnet.outputs["cidrBlock"]) == (vpc.id, "172.31.16.0/20")
    group = cloud.create(SECURITY_GROUP, "urn:group", {"vpcId": vpc.id}, region=REGION)
    cloud.delete(DEFAULT_SUBNET, subnet.id)
    cloud.delete(DEFAULT_VPC, vpc.id)
    assert cloud.get(SECURITY_GROUP, group.id), "what is in the VPC stays, as the VPC does"
    assert ask(cloud, "getVpc", default=True) == shown


def test_a_default_subnet_is_in_one_of_the_regions_zones() -> None:
    cloud = Cloud(seed=1)
    with pytest.raises(Refused) as refused:
        cloud.create(
            DEFAULT_SUBNET, "urn:subnet", {"availabilityZone": "us-east-1a"}, region=REGION
        )
    assert [each.rule for each in refused.value.refusals] == ["ec2.default-subnet.zone"]


def test_a_preview_of_a_take_over_leaves_unknown_what_aws_has() -> None:
    seen = Cloud(seed=1).preview(DEFAULT_VPC, {}, region=REGION)
    assert seen["cidrBlock"] is seen["arn"] is UNKNOWN
    assert seen["region"] == REGION
