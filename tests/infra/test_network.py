"""The VPC that a stack makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


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
