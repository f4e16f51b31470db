"""The VPC that is made, and the subnets that are taken from one that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import SettingsError
from infra.existing_vpc import Subnet, Wanted, choose
from tests.infra import recorder

if TYPE_CHECKING:
    from localaws.cloud import Cloud
    from tests.infra.recorder import Recording


def subnet(number: int, zone: str, *, public: bool = True, vpc: str = "vpc-1") -> Subnet:
    return Subnet(id=f"subnet-{number}", vpc_id=vpc, zone=zone, public=public)


@pytest.mark.parametrize(
    ("subnets", "named", "complaint"),
    [
        ([], False, "vpcId: public subnets in no zone; allowed: public subnets in at least two zones"),
        ([subnet(1, "a"), subnet(2, "a")], False, "vpcId: public subnets in a; allowed"),
        ([subnet(1, "a"), subnet(2, "b", public=False)], False, "vpcId: public subnets in a; allowed"),
        ([subnet(1, "a")], True, "subnetIds: public subnets in a; allowed"),
        ([subnet(1, "a"), subnet(2, "a")], True, "subnetIds: subnet-2 is in zone a like subnet-1"),
        ([subnet(1, "a"), subnet(2, "b", public=False)], True, "subnetIds: subnet-2 is without a route to an internet"),
        ([subnet(1, "a"), subnet(2, "b", vpc="vpc-2")], True, "subnetIds: subnet-2 is not in vpc-1"),
    ],
)
def test_subnets_that_a_load_balancer_cannot_use_stop_the_run(
    subnets: list[Subnet], *, named: bool, complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        choose("vpc-1", subnets, Wanted(key="subnet", public=True, ids=["those"] if named else []))


def test_of_the_subnets_found_one_public_one_a_zone_is_taken() -> None:
    subnets = [subnet(4, "b"), subnet(3, "b"), subnet(2, "a"), subnet(1, "a", public=False)]
    chosen = choose("vpc-1", subnets, Wanted(key="subnet", public=True))
    assert [each.id for each in chosen] == ["subnet-2", "subnet-3"]


def test_the_vpc_is_awsxs_with_public_subnets_and_no_nat_gateway(dev: Recording) -> None:
    component = next(each for each in dev.registered if each.type == "awsx:ec2:Vpc")
    inputs = dict(component.inputs)
    del inputs["tags"]
    assert inputs == {
        "cidrBlock": "10.0.0.0/16",
        "numberOfAvailabilityZones": 2,
        "subnetStrategy": "Auto",
        "subnetSpecs": [{"type": "Public"}],
        "natGateways": {"strategy": "None"},
    }


def test_subnets_hand_out_no_public_addresses_by_themselves(dev: Recording) -> None:
    assert [each.inputs["mapPublicIpOnLaunch"] for each in dev.all("Subnet")] == [False, False]


def test_the_vpcs_default_security_group_is_closed(dev: Recording) -> None:
    group = dev.one("DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])
    assert group.inputs["vpcId"] == dev.id(dev.one("Vpc"))


@pytest.mark.parametrize("zones", [2, 3])
def test_a_vpc_spans_as_many_zones_as_asked_for(zones: int) -> None:
    recording = recorder.run("dev", availabilityZoneCount=zones, vpcCidr="10.9.0.0/24")
    assert len({each.inputs["availabilityZone"] for each in recording.all("Subnet")}) == zones
    assert len(recording.one("LoadBalancer").inputs["subnets"]) == zones


def test_named_subnets_of_an_existing_vpc_are_used(home: tuple[Cloud, str, list[str]]) -> None:
    cloud, vpc, subnets = home
    recording = recorder.run("dev", cloud=cloud, vpcId=vpc, subnetIds=subnets[:2])
    assert sorted(recording.one("LoadBalancer").inputs["subnets"]) == sorted(subnets[:2])


def test_a_single_zone_stops_the_run_before_anything_is_registered(home: tuple[Cloud, str, list[str]]) -> None:
    cloud, vpc, subnets = home
    watched = recorder.Recorder(cloud)
    config = recorder.configuration("dev", {"vpcId": vpc, "subnetIds": subnets[:1]})
    with pytest.raises(SettingsError, match="at least two zones"):
        recorder.run_under(watched, "dev", config)
    assert watched.registered == []


def test_a_subnet_without_a_table_of_its_own_follows_the_main_one(home: tuple[Cloud, str, list[str]]) -> None:
    cloud, vpc, subnets = home
    inputs: dict[str, Any] = {"vpcId": vpc, "cidrBlock": "10.0.200.0/24", "availabilityZone": "ap-northeast-1c"}
    private = cloud.create(recorder.SUBNET, "no table", inputs, region=recorder.REGION)
    recording = recorder.run("dev", cloud=cloud, vpcId=vpc)
    assert private.id not in recording.one("LoadBalancer").inputs["subnets"], "the main table leads nowhere"
    assert set(recording.one("LoadBalancer").inputs["subnets"]) == set(subnets)


@pytest.fixture
def home() -> tuple[Cloud, str, list[str]]:
    """An account with a VPC in it, and the ids of the VPC and of its public subnets."""
    cloud = recorder.run("owner", file="dev", vpcCidr="10.0.0.0/16", availabilityZoneCount=3).cloud
    (vpc,) = cloud.all(recorder.VPC)
    return cloud, vpc.id, [each.id for each in cloud.all(recorder.SUBNET)]
