"""A stack in another stack's VPC under the real engine: changes of subnets and of the VPC."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.stack import Stack, deployed, operations_on_types
from tests.engine.traffic import Traffic, tasks
from tests.infra.changes import NEVER, as_documented, documented, promised
from tests.infra.recorder import SUBNET, VPC

if TYPE_CHECKING:
    from collections.abc import Iterator


QUICK: dict[str, Any] = {
    "secrets": {"APP_MESSAGE": "/demo/local/message", "DB_PASSWORD": "/demo/local/db_password"},
    "drainSeconds": 2,
    "healthCheckIntervalSeconds": 5,
    "healthCheckTimeoutSeconds": 2,
}
"""What makes dev the like of the local stack."""


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack, with a VPC of public and private subnets in three zones, and no tasks."""
    stack = Stack(tmp_path_factory.mktemp("state"))
    yield from deployed(stack, network="nat", availabilityZoneCount=3, desiredCount=0)


@pytest.fixture(scope="module")
def guest(owner: Stack) -> Stack:
    """The dev stack, in the same account."""
    return replace(owner, environment={"PULUMI_STACK": "dev"})


@pytest.fixture(scope="module")
def vpc(owner: Stack) -> str:
    """The owner's VPC."""
    (found,) = (each["id"] for each in owner.resources() if each["type"].startswith(VPC))
    return str(found)


def subnets(owner: Stack, kind: str) -> list[str]:
    """The public or private subnets of the owner's VPC, one a zone."""
    found = (each for each in owner.resources() if each["type"].startswith(SUBNET))
    return [each["id"] for each in found if each["outputs"]["tags"]["SubnetType"] == kind]


def test_no_running_stack_moves_into_another_vpc_and_each_try_changes_nothing(
    guest: Stack, vpc: str
) -> None:
    guest.up(**QUICK)
    before = guest.recorded()
    for key, value in {"vpcId": vpc, "vpcTags": {"Stack": "local", "Component": "network"}}.items():
        assert documented()[key].startswith(NEVER)
        guest.up(**QUICK, **{key: value}, fails=True)
    assert guest.recorded() == before
    assert len(tasks(guest.outputs()["serviceUrl"])) == 2
    guest.destroy()


def test_a_stack_in_an_existing_vpc_moves_between_its_subnets_without_a_failed_request(
    owner: Stack, guest: Stack, vpc: str
) -> None:
    public, private = subnets(owner, "Public"), subnets(owner, "Private")
    there: dict[str, Any] = {**QUICK, "vpcId": vpc}
    guest.up(**there, subnetIds=public[:2])
    balancers = {"subnetTags": {"SubnetType": "Public"}}
    behind_a_gateway = {**there, **balancers, "network": "nat"}
    moves: list[tuple[str, dict[str, Any]]] = [
        ("subnetIds", {**there, "subnetIds": public[1:]}),
        ("subnetTags", {**there, **balancers}),
        ("network", {**behind_a_gateway, "taskSubnetIds": private[:2]}),
        ("taskSubnetIds", {**behind_a_gateway, "taskSubnetIds": private[1:]}),
        ("taskSubnetTags", {**behind_a_gateway, "taskSubnetTags": {"SubnetType": "Private"}}),
    ]
    with Traffic(guest.outputs()["serviceUrl"]) as traffic:
        for key, config in moves:
            done = operations_on_types(guest.up_steps(**config))
            assert done == promised("taskSubnetIds" if key == "network" else key), (
                f"{key} {as_documented(done)}"
            )
    assert set(traffic.answers) == {"200"}, traffic.answers
    # The steps of each next move have shown that the one before it left nothing to do.
    guest.needs_nothing(**moves[-1][1])
