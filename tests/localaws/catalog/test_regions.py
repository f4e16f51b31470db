"""Regions: that of a resource, and what each region has."""

from __future__ import annotations

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import CATALOG, UNKNOWN, Refused
from localaws.catalog.elb.hosted_zones import hosted_zone
from localaws.catalog.partitions import partition_of
from localaws.catalog.tables import table

VPC = "aws:ec2/vpc:Vpc"


def messages(region: object, provider_region: str | None) -> list[str]:
    """Return the refusals of a VPC's region."""
    refusals = CATALOG[VPC].check({"cidrBlock": "10.0.0.0/16", "region": region}, provider_region)
    return [each.message for each in refusals]


@pytest.mark.parametrize(
    ("region", "provider_region"),
    [
        ("us-east-1", "eu-west-1"),
        ("cn-northwest-1", "cn-north-1"),
        ("eu-west-9", "eu-west-9"),  # the configuration vouches for it
        ("us-gov-east-1", None),
        ("", "eu-west-1"),
        (None, "eu-west-1"),
        (UNKNOWN, "eu-west-1"),
    ],
)
def test_a_region_of_aws_is_accepted(region: object, provider_region: str | None) -> None:
    assert not messages(region, provider_region)


@pytest.mark.parametrize("provider_region", ["eu-west-1", None])
def test_a_region_that_aws_does_not_have_is_refused_with_similar_ones(
    provider_region: str | None,
) -> None:
    (message,) = messages("eu-west-9", provider_region)
    assert message.startswith("region eu-west-9 is none of AWS's; similar ones: eu-west-")


def test_a_region_of_another_partition_is_refused() -> None:
    (message,) = messages("cn-north-1", "eu-west-1")
    assert message == (
        "partition (aws-cn) for per-resource Region (cn-north-1) is not the provider's configured "
        "partition (aws)"
    )


@pytest.mark.parametrize("token", [each for each in CATALOG if "region" in CATALOG[each].inputs])
def test_no_type_accepts_a_region_that_aws_does_not_have(token: str) -> None:
    refusals = list(CATALOG[token].check({"region": "mars"}, "eu-west-1"))
    assert ("catalog.region", "region") in [(each.rule, each.property) for each in refusals]


def test_nothing_is_created_in_a_region_that_aws_does_not_have() -> None:
    cloud = Cloud(seed=1)
    inputs = {"cidrBlock": "10.0.0.0/16", "region": "mars"}
    with pytest.raises(Refused, match="region mars is none of AWS's"):
        cloud.create(VPC, "urn", inputs, region="eu-west-1")


@pytest.mark.parametrize("kind", ["application", "network"])
def test_load_balancers_have_a_hosted_zone_in_each_region_of_the_known_partitions(
    kind: str,
) -> None:
    known = {"aws", "aws-cn", "aws-us-gov"}
    regions = [each for each in table("regions")["regions"] if partition_of(each).name in known]
    zones = {region: hosted_zone(region, kind) for region in regions}
    assert None not in zones.values()
    assert len(set(zones.values())) == len(regions), "no zone twice"


@pytest.mark.parametrize(
    ("region", "zone", "identifier"),
    [
        ("us-east-1", "us-east-1f", "use1-az6"),
        ("us-west-2", "us-west-2d", "usw2-az4"),
        ("ap-northeast-1", "ap-northeast-1d", "apne1-az4"),
        ("ca-central-1", "ca-central-1d", "cac1-az4"),
    ],
)
def test_a_subnet_can_be_in_each_zone_of_a_region_with_more_than_three(
    region: str, zone: str, identifier: str
) -> None:
    cloud = Cloud(seed=1)
    vpc = cloud.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}, region=region).id
    for number, named in enumerate(
        ({"availabilityZone": zone}, {"availabilityZoneId": identifier})
    ):
        inputs = {"vpcId": vpc, "cidrBlock": f"10.0.{number}.0/24", **named}
        subnet = cloud.create("aws:ec2/subnet:Subnet", str(number), inputs, region=region)
        assert subnet.outputs["availabilityZone"] == zone
        assert subnet.outputs["availabilityZoneId"] == identifier
    files = {"availabilityZoneName": zone}
    cloud.create("aws:efs/fileSystem:FileSystem", "files", files, region=region)


def test_other_regions_have_no_fourth_zone() -> None:
    cloud = Cloud(seed=1)
    vpc = cloud.create(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}, region="eu-west-1").id
    inputs = {"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "availabilityZone": "eu-west-1d"}
    with pytest.raises(Refused, match="must be one of eu-west-1a, eu-west-1b, eu-west-1c"):
        cloud.create("aws:ec2/subnet:Subnet", "subnet", inputs, region="eu-west-1")
