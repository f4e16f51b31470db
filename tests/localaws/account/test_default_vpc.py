"""The default VPC, which every account has in every region without creating it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN, Refused
from localaws.catalog.ec2.default_network import DEFAULT_SUBNET, DEFAULT_VPC
from localaws.catalog.ec2.ip_permissions import DEFAULT_SECURITY_GROUP
from localaws.catalog.ec2.network import SECURITY_GROUP, VPC
from localaws.catalog.ec2.vpcs import VPCS_PER_REGION

if TYPE_CHECKING:
    from pathlib import Path

REGION = "eu-west-1"


def ask(cloud: Cloud, function: str, region: str = REGION, **args: Any) -> dict[str, Any]:
    return invokes.answer(cloud, f"aws:ec2/{function}:{function}", args, region)


def subnets(cloud: Cloud, vpc: str) -> list[dict[str, Any]]:
    """Return a VPC's subnets, looked up as programs usually do it."""
    found = ask(cloud, "getSubnets", filters=[{"name": "vpc-id", "values": [vpc]}])
    return [ask(cloud, "getSubnet", id=each) for each in found["ids"]]


def test_the_default_vpc_has_a_public_subnet_in_each_zone() -> None:
    cloud = Cloud(seed=1)
    vpc = ask(cloud, "getVpc", default=True)
    assert vpc["cidrBlock"] == "172.31.0.0/16"
    assert vpc["enableDnsHostnames"]
    assert vpc["default"]
    found = subnets(cloud, vpc["id"])
    assert [(each["cidrBlock"], each["availabilityZone"]) for each in found] == [
        ("172.31.0.0/20", "eu-west-1a"),
        ("172.31.16.0/20", "eu-west-1b"),
        ("172.31.32.0/20", "eu-west-1c"),
    ]
    for each in found:
        assert each["mapPublicIpOnLaunch"] is True
        assert each["defaultForAz"] is True
    by_filter = ask(cloud, "getSubnets", filters=[{"name": "default-for-az", "values": ["true"]}])
    assert by_filter["ids"] == [each["id"] for each in found]


def test_the_default_vpcs_main_route_table_routes_to_its_internet_gateway() -> None:
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


def test_each_region_has_its_own_default_vpc() -> None:
    cloud = Cloud(seed=1)
    european = ask(cloud, "getVpc", REGION, default=True)
    chinese = ask(cloud, "getVpc", "cn-north-1", default=True)
    assert european["id"] != chinese["id"]
    assert chinese["arn"] == f"arn:aws-cn:ec2:cn-north-1:123456789012:vpc/{chinese['id']}"


def test_an_older_state_file_gets_a_default_vpc_and_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "cloud.json"
    before = Cloud(file, seed=1)
    own = before.create(VPC, "urn:own", {"cidrBlock": "10.0.0.0/16"}, region=REGION)
    assert [each.id for each in before.all(VPC)] == [own.id]
    default = ask(Cloud(file, seed=2), "getVpc", default=True)
    again = Cloud(file, seed=3)
    assert ask(again, "getVpc", default=True) == default
    assert {each.id for each in again.all(VPC)} == {own.id, default["id"]}


@pytest.mark.parametrize("token", [SECURITY_GROUP, DEFAULT_SECURITY_GROUP])
def test_a_security_group_without_a_vpc_is_in_the_default_vpc(token: str) -> None:
    cloud = Cloud(seed=1)
    group = cloud.create(token, "urn:group", {}, region=REGION)
    vpc = ask(cloud, "getVpc", default=True)
    assert group.outputs["vpcId"] == vpc["id"]
    assert (group.id == vpc["defaultSecurityGroupId"]) is (token == DEFAULT_SECURITY_GROUP)


def test_the_default_vpc_cant_be_deleted_and_counts_towards_the_quota() -> None:
    cloud = Cloud(seed=1)
    vpc = ask(cloud, "getVpc", default=True)["id"]
    with pytest.raises(Refused) as refused:
        cloud.delete(VPC, vpc)
    assert [each.rule for each in refused.value.refusals] == ["ec2.vpc.default"]
    for number in range(1, VPCS_PER_REGION):
        urn = f"urn:pulumi:stack{number % 3}::shop::{VPC}::{number}"
        cloud.create(VPC, urn, {"cidrBlock": f"10.{number}.0.0/16"}, region=REGION)
    held = "no more are allowed; stacks that have some: stack0, stack1, stack2. "
    with pytest.raises(Refused, match=f"5 VPCs exist in {REGION}, {held}`pulumi-local destroy "):
        cloud.create(VPC, "urn:last", {"cidrBlock": "10.9.0.0/16"}, region=REGION)


def test_a_program_can_adopt_the_default_vpc_and_its_destruction_leaves_it() -> None:
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
    assert cloud.get(SECURITY_GROUP, group.id), "the VPC and the resources in it stay"
    assert ask(cloud, "getVpc", default=True) == shown


def test_a_default_subnet_is_in_one_of_the_regions_zones() -> None:
    cloud = Cloud(seed=1)
    with pytest.raises(Refused) as refused:
        cloud.create(
            DEFAULT_SUBNET, "urn:subnet", {"availabilityZone": "us-east-1a"}, region=REGION
        )
    assert [each.rule for each in refused.value.refusals] == ["ec2.default-subnet.zone"]


def test_a_preview_of_adopting_the_default_vpc_shows_its_outputs_as_unknown() -> None:
    seen = Cloud(seed=1).preview(DEFAULT_VPC, {}, region=REGION)
    assert seen["cidrBlock"] is seen["arn"] is UNKNOWN
    assert seen["region"] == REGION
