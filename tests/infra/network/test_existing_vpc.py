"""An existing VPC, and the subnets that a stack uses in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import SettingsError
from infra.network.existing_vpc import Subnet, SubnetQuery, choose
from tests.infra import recorder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.account.cloud import Cloud
    from tests.infra.recorder import Recording

PUBLIC = SubnetQuery(key="subnet", public=True)


def subnet(
    number: int, zone: str, *, public: bool = True, vpc: str = "vpc-1", ipv6: bool = False
) -> Subnet:
    return Subnet(id=f"subnet-{number}", vpc_id=vpc, zone=zone, public=public, ipv6=ipv6)


def named(*, public: bool = True, ipv6: bool = False) -> SubnetQuery:
    return SubnetQuery(key="subnet", public=public, ids=["those"], ipv6=ipv6)


@pytest.mark.parametrize(
    ("subnets", "query", "message"),
    [
        (
            [],
            PUBLIC,
            "vpcId: public subnets in no zone; allowed: public subnets in at least two zones",
        ),
        ([subnet(1, "a"), subnet(2, "a")], PUBLIC, "vpcId: public subnets in a; allowed"),
        (
            [subnet(1, "a"), subnet(2, "b", public=False)],
            PUBLIC,
            "vpcId: public subnets in a; allowed",
        ),
        (
            [subnet(1, "a")],
            SubnetQuery(key="subnet", public=True, tags={"A": "b"}),
            "subnetTags: public subnets in a; all",
        ),
        ([subnet(1, "a")], named(), "subnetIds: public subnets in a; allowed"),
        (
            [subnet(1, "a"), subnet(2, "a")],
            named(),
            "subnetIds: subnet-2 is in zone a like subnet-1",
        ),
        (
            [subnet(1, "a"), subnet(2, "b", public=False)],
            named(),
            "subnetIds: subnet-2 is without a route to an intern",
        ),
        (
            [subnet(1, "a"), subnet(2, "b", vpc="vpc-2")],
            named(),
            "subnetIds: subnet-2 is not in vpc-1",
        ),
        (
            [subnet(1, "a"), subnet(2, "b")],
            named(public=False),
            "subnetIds: subnet-1 is with a route to an internet",
        ),
        (
            [subnet(1, "a"), subnet(2, "b")],
            named(ipv6=True),
            "subnetIds: subnet-1 is without an IPv6 range",
        ),
        (
            [subnet(1, "a"), subnet(2, "c"), subnet(3, "b")],
            replace(named(), zones=["a", "b"]),
            "subnetIds: subnet-2 is in zone c, where the load balancer has no subnet",
        ),
        (
            [subnet(1, "a"), subnet(2, "c")],
            replace(PUBLIC, zones=["a", "b"]),
            (
                "vpcId: public subnets in a; allowed: public subnets in at least two zones "
                "of the load balancer's, a, b"
            ),
        ),
        (
            [subnet(1, "a")],
            SubnetQuery(key="subnet", public=False),
            "vpcId: private subnets in no zone; allowed: private",
        ),
    ],
)
def test_unsuitable_subnets_are_refused(
    subnets: list[Subnet], query: SubnetQuery, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        choose("vpc-1", subnets, query)
    assert message in str(refused.value)


def test_one_public_subnet_per_zone_is_chosen() -> None:
    subnets = [subnet(4, "b"), subnet(3, "b"), subnet(2, "a"), subnet(1, "a", public=False)]
    assert choose("vpc-1", subnets, PUBLIC) == {"a": "subnet-2", "b": "subnet-3"}


def test_subnets_outside_the_load_balancers_zones_are_left_out() -> None:
    subnets = [subnet(1, "c"), subnet(2, "b"), subnet(3, "a")]
    assert choose("vpc-1", subnets, replace(PUBLIC, zones=["a", "b"])) == {
        "b": "subnet-2",
        "a": "subnet-3",
    }


@dataclass(frozen=True)
class SharedVpc:
    """An account with a VPC of three public and two private subnets in it."""

    cloud: Cloud
    vpc: str
    public: list[str]
    private: list[str]

    def run(self, **changes: Any) -> Recording:
        return recorder.run("dev", cloud=self.cloud, **{"vpcId": self.vpc, **changes})

    def zones(self) -> dict[str, str]:
        return {
            each.id: each.outputs["availabilityZone"]
            for each in recorder.made(self.cloud, recorder.SUBNET)
        }

    def refusal(self, **changes: Any) -> str:
        return str(recorder.refusal_of(cloud=self.cloud, **{"vpcId": self.vpc, **changes}))


@pytest.fixture
def shared() -> SharedVpc:
    owner = recorder.deployed("owner", file="dev", vpcCidr="10.0.0.0/16", availabilityZoneCount=3)
    cloud = owner.cloud
    (vpc,) = recorder.made(cloud, recorder.VPC)
    public = [each.id for each in recorder.made(cloud, recorder.SUBNET)]

    def private(zone: str, number: int) -> str:
        # Without its own route table it uses the VPC's main one, which has only the local route.
        inputs: Mapping[str, Any] = {
            "vpcId": vpc.id,
            "cidrBlock": f"10.0.{number}.0/24",
            "availabilityZone": f"ap-northeast-1{zone}",
            "tags": {"Tier": "tasks"},
        }
        return cloud.create(recorder.SUBNET, f"private {zone}", inputs, region=recorder.REGION).id

    return SharedVpc(cloud, vpc.id, public, [private("a", 200), private("c", 201)])


def test_configured_subnets_are_used(shared: SharedVpc) -> None:
    recording = shared.run(subnetIds=shared.public[:2])
    assert sorted(recording.one("LoadBalancer").inputs["subnets"]) == sorted(shared.public[:2])


def test_a_single_zone_is_refused(shared: SharedVpc) -> None:
    assert "at least two zones" in shared.refusal(subnetIds=shared.public[:1])


def test_a_subnet_without_its_own_route_table_uses_the_main_one(shared: SharedVpc) -> None:
    recording = shared.run()
    assert set(recording.one("LoadBalancer").inputs["subnets"]) == set(shared.public), (
        "the main route table has only the local route"
    )


def test_tasks_behind_gateways_are_in_private_subnets_without_public_addresses(
    shared: SharedVpc,
) -> None:
    recording = shared.run(network="nat")
    network = recording.one("Service").inputs["networkConfiguration"]
    assert (network["assignPublicIp"], sorted(network["subnets"])) == (
        False,
        sorted(shared.private),
    )
    assert set(recording.one("LoadBalancer").inputs["subnets"]) == set(shared.public)


@pytest.mark.parametrize("by_id", [True, False])
def test_tasks_subnets_are_taken_by_id_or_by_tags(shared: SharedVpc, *, by_id: bool) -> None:
    changes: dict[str, Any] = {"taskSubnetTags": {"Tier": "tasks"}}
    if by_id:
        changes = {"taskSubnetIds": shared.private}
    network = shared.run(network="nat", **changes).one("Service").inputs["networkConfiguration"]
    assert sorted(network["subnets"]) == sorted(shared.private)


def test_public_subnets_are_refused_for_tasks_without_addresses(shared: SharedVpc) -> None:
    assert "taskSubnetIds" in shared.refusal(network="nat", taskSubnetIds=shared.public[:2])
    assert "taskSubnetTags: private subnets in no zone" in shared.refusal(
        network="nat", taskSubnetTags={"Tier": "x"}
    )


def test_a_vpc_is_found_by_its_tags(shared: SharedVpc) -> None:
    recording = shared.run(vpcId="", vpcTags={"Stack": "owner", "Component": "network"})
    assert recording.one("TargetGroup").inputs["vpcId"] == shared.vpc


def test_tags_of_no_vpc_or_of_several_are_refused(shared: SharedVpc) -> None:
    assert "vpcTags: Name=x, which 0 VPCs have; allowed: tags of exactly one VPC" in shared.refusal(
        vpcId="", vpcTags={"Name": "x"}
    )


@pytest.mark.parametrize(
    ("changes", "key", "missing"),
    [
        ({"vpcId": "vpc-0a1b2c3d"}, "vpcId", "vpc-0a1b2c3d"),
        ({"subnetIds": ["subnet-0a1b2c3d"]}, "subnetIds", "subnet-0a1b2c3d"),
        (
            {"network": "nat", "taskSubnetIds": ["subnet-0a1b2c3d"]},
            "taskSubnetIds",
            "subnet-0a1b2c3d",
        ),
    ],
)
def test_a_missing_resource_is_refused_with_its_key(
    shared: SharedVpc, changes: dict[str, Any], key: str, missing: str
) -> None:
    refusal = shared.refusal(**changes)
    assert f"{key}: {missing}; allowed: " in refusal
    assert "AWS says: " in refusal


def test_tasks_are_in_the_load_balancers_zones(shared: SharedVpc) -> None:
    by_zone = shared.zones()
    balancers = [subnet for subnet in shared.public if by_zone[subnet][-1] in "ab"]
    refusal = shared.refusal(network="nat", subnetIds=balancers, taskSubnetIds=shared.private)
    elsewhere = "is in zone ap-northeast-1c, where the load balancer has no subnet"
    assert f"taskSubnetIds: {shared.private[1]} {elsewhere}" in refusal
    refusal = shared.refusal(network="nat", subnetIds=balancers)
    assert "at least two zones of the load balancer's" in refusal
    balancers = [subnet for subnet in shared.public if by_zone[subnet][-1] in "ac"]
    service = shared.run(network="nat", subnetIds=balancers).one("Service")
    assert sorted(service.inputs["networkConfiguration"]["subnets"]) == sorted(shared.private)


def test_ipv6_needs_subnets_that_have_it(shared: SharedVpc) -> None:
    refusal = shared.refusal(dualStack=True)
    allowed = "public subnets in at least two zones, with IPv6"
    assert f"vpcId: public subnets in no zone; allowed: {allowed}" in refusal
