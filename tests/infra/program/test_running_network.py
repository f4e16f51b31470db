"""A change of a deployed stack's network that AWS would refuse half-way is refused beforehand."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws import naming
from infra.network import layout
from localaws.mocks import Cloud
from localaws.protocol.awsx.subnets import auto_ranges
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

DEPLOYED: dict[str, dict[str, Any]] = {
    "public": {},
    "nat": {"network": "nat"},
    "three": {"availabilityZoneCount": 3},
    "three-nat": {"availabilityZoneCount": 3, "network": "nat"},
    "three-nat-ipv6": {"availabilityZoneCount": 3, "network": "nat", "dualStack": True},
}
DESTROY = "run `pulumi destroy` first (`pulumi-local destroy` with the local AWS)"
HOW = (
    f"for another value, {DESTROY}, or deploy a second stack and move the domain to it "
    "(docs/network.md)"
)


def left_of_a_stopped_run(before: str, without: str) -> Recording:
    """Return what is left of a stack in DEPLOYED, as `left_of` does."""
    return left_of(recorder.deployed("dev", **DEPLOYED[before]), without)


def left_of(deployed: Recording, without: str) -> Recording:
    """Return what is left of a stack where a first run or a `destroy` was stopped.

    Args:
        deployed: The stack.
        without: How the URN of the resource that is deleted last ends.
    """
    resources = dict(deployed.resources)
    for urn in reversed(list(deployed.resources)):
        gone = resources.pop(urn)
        deployed.cloud.delete(gone.token, gone.id)
        if urn.endswith(without):
            break
    assert len(resources) < len(deployed.resources)
    return replace(deployed, resources=resources)


def refused(before: str, **changes: Any) -> dict[str, str]:
    """Return the problems of a change of a deployed stack, by key."""
    return refused_after(recorder.deployed("dev", **DEPLOYED[before]), before, **changes)


def refused_after(stack: Recording, before: str, **changes: Any) -> dict[str, str]:
    """Return the problems of a change of what is left of a stack, by key."""
    config = {**DEPLOYED[before], **changes}
    found = recorder.refusal_of("dev", cloud=stack.cloud, **config)
    return {problem.key: str(problem) for problem in found.problems}


@pytest.mark.parametrize("zones", range(2, 7))
@pytest.mark.parametrize("private_tasks", [False, True])
def test_the_planned_subnets_are_those_of_awsx(zones: int, *, private_tasks: bool) -> None:
    kinds = ["public", "private"] if private_tasks else ["public"]
    planned = layout.subnets("net", cidr="10.0.0.0/16", zones=zones, private_tasks=private_tasks)
    expected = {}
    ranges = auto_ranges("10.0.0.0/16", zones, [{"type": kind} for kind in kinds])
    for zone, of_zone in enumerate(ranges, start=1):
        for kind, cidr in zip(kinds, of_zone, strict=True):
            expected[f"net-{kind}-{zone}"] = cidr
    assert {name: str(each.cidr) for name, each in planned.items()} == expected


@pytest.mark.parametrize(
    ("before", "changes", "key", "text"),
    [
        ("public", {"network": "nat"}, "network", "public, as before"),
        ("public", {"network": "nat", "capacity": "ec2"}, "network", "public, as before"),
        ("nat", {"network": "public"}, "network", "one other than public, as before"),
        ("public", {"availabilityZoneCount": 3}, "availabilityZoneCount", "2, as before"),
        ("three", {"availabilityZoneCount": 2}, "availabilityZoneCount", "3, as before"),
        ("three-nat-ipv6", {"availabilityZoneCount": 4}, "availabilityZoneCount", "3, as before"),
    ],
)
def test_another_layout_of_subnets_is_refused_with_what_to_do(
    before: str, changes: dict[str, Any], key: str, text: str
) -> None:
    found = refused(before, **changes)
    assert found.keys() == {key}
    assert found[key].startswith(
        f"{key}: {changes[key]}, whose subnets would overlap those of the stack's VPC, vpc-"
    )
    assert found[key].endswith(f"; allowed: {text}; {HOW}")


@pytest.mark.parametrize("before", ["three", "three-nat"])
def test_a_stack_whose_zones_keep_their_ranges_gets_another_zone(before: str) -> None:
    deployed = recorder.deployed("dev", **DEPLOYED[before])
    deployed.cloud.zones = ("a", "b", "c", "d")
    config = {**DEPLOYED[before], "availabilityZoneCount": 4}
    after = recorder.run("dev", after=deployed, **config)
    assert set(recorder.changes_by_name(after, "Subnet").values()) == {"create"}


def test_a_stack_whose_first_run_was_stopped_gets_its_other_subnets() -> None:
    cloud = Cloud(seed=1)
    tags = naming.tags(recorder.PROJECT, "dev")
    cidr = "10.0.0.0/16"
    vpc = cloud.create(
        recorder.VPC, "urn:vpc", {"cidrBlock": cidr, "tags": tags}, region=recorder.REGION
    )
    inputs = {
        "vpcId": vpc.id,
        "cidrBlock": "10.0.0.0/18",
        "tags": {**tags, "Name": "network-public-1", "SubnetType": "Public"},
    }
    cloud.create(recorder.SUBNET, "urn:subnet", inputs, region=recorder.REGION)
    after = recorder.run("dev", cloud=cloud, network="nat")
    assert len(after.all("Subnet")) == 4


def test_another_range_of_the_vpc_is_refused() -> None:
    found = refused("public", vpcCidr="10.9.0.0/16")
    assert found == {
        "vpcCidr": "vpcCidr: 10.9.0.0/16, where the stack's VPC has 10.0.0.0/16; allowed: the "
        f"range of that VPC, as a load balancer doesn't move to another one; {HOW}"
    }


def test_both_keys_are_named_if_each_gives_subnets_that_overlap() -> None:
    found = refused("public", network="nat", availabilityZoneCount=3)
    assert found.keys() == {"network", "availabilityZoneCount"}


def test_only_the_network_is_named_if_other_zones_alone_would_be_accepted() -> None:
    assert refused("three", network="nat", availabilityZoneCount=4).keys() == {"network"}


@pytest.mark.parametrize(
    ("before", "without", "changes"),
    [
        # Only one public subnet is there, which has the range of three public zones as well.
        ("nat", "Subnet::network-public-2", {"network": "public"}),
        ("nat", "Subnet::network-private-1", {"network": "public"}),
        ("three", "Subnet::network-public-3", {"availabilityZoneCount": 2}),
    ],
)
def test_what_a_stopped_run_left_is_to_be_destroyed_without_blaming_a_key(
    before: str, without: str, changes: dict[str, Any]
) -> None:
    (problem,) = refused_after(left_of_a_stopped_run(before, without), before, **changes).values()
    assert "an earlier run that was stopped made or left only some; allowed: " in problem
    assert problem.endswith(f"both keys as in that run; for other values, {DESTROY}")


@pytest.mark.parametrize(
    ("before", "without", "changes"),
    [
        ("public", "LoadBalancer::alb", {"vpcCidr": "10.9.0.0/16"}),
        ("public", "SecurityGroup::alb", {"vpcCidr": "10.9.0.0/16"}),
        ("nat", "NatGateway::network-1", {"vpcCidr": "10.9.0.0/16"}),
        ("nat", "LoadBalancer::alb", {"vpcCidr": "10.9.0.0/16", "network": "public"}),
        ("public", "Vpc::network", {"vpcCidr": "10.9.0.0/16", "network": "nat"}),
    ],
)
def test_a_stack_without_a_load_balancer_or_nat_gateway_gets_another_range(
    before: str, without: str, changes: dict[str, Any]
) -> None:
    left = left_of_a_stopped_run(before, without)
    after = recorder.run("dev", after=left, **{**DEPLOYED[before], **changes})
    assert recorder.changes_by_name(after, "Vpc")["network"] in {"create", "replace"}


def test_a_stack_with_a_nat_gateway_but_no_load_balancer_keeps_its_vpc() -> None:
    left = left_of_a_stopped_run("nat", "LoadBalancer::alb")
    found = refused_after(left, "nat", vpcCidr="10.9.0.0/16")
    assert found["vpcCidr"].endswith(
        "allowed: the range of that VPC, as its NAT gateways keep their elastic IP addresses until "
        f"they are deleted; {HOW}"
    )


@cache
def _account_of_two_stacks() -> Cloud:
    """Return an account with the networks of the stacks `another` and `owner`."""
    first = recorder.deployed("another", file="dev")
    return recorder.run("owner", file="dev", cloud=first.cloud).cloud


@pytest.mark.parametrize(
    ("before", "after", "key", "shown"),
    [
        (None, "owner", "vpcId", "vpc-"),
        (None, "tags", "vpcTags", "Component=network, Stack=owner, "),
        ("owner", "another", "vpcId", "vpc-"),
        ("owner", None, "vpcId", "empty, so that a VPC is created, "),
    ],
)
def test_another_vpc_is_refused(
    before: str | None, after: str | None, key: str, shown: str
) -> None:
    cloud = deepcopy(_account_of_two_stacks())
    another, owner = recorder.made(cloud, recorder.VPC)
    chosen: dict[str | None, dict[str, Any]] = {
        None: {},
        "owner": {"vpcId": owner.id},
        "another": {"vpcId": another.id},
        "tags": {"vpcTags": {"Stack": "owner", "Component": "network"}},
    }
    recorder.run("dev", cloud=cloud, **chosen[before])
    refusal = recorder.refusal_of("dev", cloud=cloud, **chosen[after])
    (problem,) = refusal.problems
    assert str(problem).startswith(f"{key}: {shown}")
    assert "where the stack runs in vpc-" in problem.value
    assert problem.allowed.endswith(HOW)


def test_a_stack_without_a_load_balancer_moves_to_another_vpc() -> None:
    cloud = deepcopy(_account_of_two_stacks())
    _, owner = recorder.made(cloud, recorder.VPC)
    left = left_of(recorder.run("dev", cloud=cloud), "LoadBalancer::alb")
    after = recorder.run("dev", after=left, vpcId=owner.id)
    assert set(recorder.changes_by_name(after, "SecurityGroup").values()) == {"replace"}


@pytest.mark.parametrize("config", DEPLOYED.values(), ids=DEPLOYED)
def test_an_unchanged_network_is_accepted(config: dict[str, Any]) -> None:
    deployed = recorder.deployed("dev", **config)
    assert set(recorder.run("dev", after=deployed, **config).operations.values()) <= {"same"}
