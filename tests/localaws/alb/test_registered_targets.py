"""Targets that a program registers by itself, from the cloud to the proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.alb.parts import file_name
from localaws.alb.registered_targets import endpoints, is_this_machines, unreachable
from localaws.alb.targets import Endpoint, TargetState
from localaws.catalog import Refused
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.cli.status import table
from tests.localaws.alb.scripted_proxy import (
    CHECKED,
    GROUP,
    HTTP,
    INITIAL,
    PASS,
    Harness,
    endpoints_in,
)

if TYPE_CHECKING:
    from pathlib import Path

HERE, ELSEWHERE = "192.168.9.1", "192.168.9.2"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:web"


class Account(Cloud):
    """A VPC with a group of addresses and one of functions."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        vpc = self.make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
        self.addresses = self.make(
            TARGET_GROUP, name="web", targetType="ip", port=8080.0, protocol="HTTP", vpcId=vpc
        )
        self.functions = self.make(TARGET_GROUP, name="functions", targetType="lambda")

    def make(self, token: str, **inputs: Any) -> str:
        return self.create(
            token, f"urn:{len(self.all(token))}:{token}", inputs, region="eu-west-1"
        ).id

    def attach(self, group: str, target: str, **more: Any) -> str:
        return self.make(TARGET_ATTACHMENT, targetGroupArn=group, targetId=target, **more)


def is_here(address: str) -> bool:
    return address == HERE


def test_only_addresses_of_this_machine_are_reached_and_others_have_a_reason() -> None:
    cloud = Account()
    cloud.attach(cloud.addresses, HERE, availabilityZone="all")
    cloud.attach(cloud.addresses, HERE, availabilityZone="all", port=81.0)
    cloud.attach(cloud.addresses, ELSEWHERE, availabilityZone="all")
    cloud.attach(cloud.addresses, "10.0.1.9")
    cloud.attach(cloud.functions, FUNCTION)
    found = endpoints(cloud, is_local=is_here)
    assert {endpoint: reason for (_, endpoint), reason in found.items()} == {
        Endpoint(HERE, 8080): "",
        Endpoint(HERE, 81): "",
        Endpoint(ELSEWHERE, 8080): f"{ELSEWHERE} is no address of this machine",
        Endpoint("10.0.1.9", 8080): "on this machine nothing has the address 10.0.1.9 of the VPC",
        Endpoint(FUNCTION, 0): "the local load balancer forwards to no target of type lambda",
    }
    groups = {endpoint: group for group, endpoint in found}
    assert groups.pop(Endpoint(FUNCTION, 0)) == cloud.functions
    assert set(groups.values()) == {cloud.addresses}


def test_an_address_of_the_vpc_is_never_reached_even_where_this_machine_has_it_too() -> None:
    cloud = Account()
    made = cloud.attach(cloud.addresses, "10.0.1.9")
    attachment = cloud.get(TARGET_ATTACHMENT, made)
    assert attachment
    assert unreachable(cloud, attachment, is_local=lambda _: True)


def test_this_machines_addresses_are_found_without_a_connection() -> None:
    assert is_this_machines("127.0.0.1")
    assert not is_this_machines("203.0.113.7")  # RFC 5737: of documentation only


def test_a_group_of_functions_takes_one_and_a_second_address_is_another_target() -> None:
    cloud = Account()
    cloud.attach(cloud.functions, FUNCTION)
    with pytest.raises(Refused) as refused:
        cloud.attach(cloud.functions, f"{FUNCTION}-2")
    assert [(each.rule, each.code) for each in refused.value.refusals] == [
        ("elbv2.target.only-one", "TooManyTargets")
    ]
    cloud.attach(cloud.addresses, "10.0.1.9")
    cloud.attach(cloud.addresses, "10.0.1.10")


def test_where_vpcs_exist_targets_in_theirs_are_reached_and_no_others() -> None:
    cloud = Account()
    cloud.attach(cloud.addresses, HERE, availabilityZone="all")
    cloud.attach(cloud.addresses, "10.0.1.9")
    found = endpoints(cloud, is_local=is_here, vpcs_exist=True)
    in_vpc = (cloud.addresses, Endpoint("10.0.1.9", 8080))
    outside = (cloud.addresses, Endpoint(HERE, 8080))
    assert found == {
        in_vpc: "",
        outside: f"the local VPC has no way to {HERE}, which is outside of it",
    }


def test_a_target_is_found_by_what_pulumi_aws_documents_for_imports() -> None:
    cloud = Account()
    by_address = cloud.attach(cloud.addresses, "10.0.1.9")
    by_port = cloud.attach(cloud.addresses, "10.0.1.9", port=81.0)
    for wanted, identifier in ((by_address, "10.0.1.9"), (by_port, "10.0.1.9,81")):
        found = cloud.find(TARGET_ATTACHMENT, f"{cloud.addresses},{identifier}")
        assert found
        assert found.id == wanted


class WithTargets(Harness):
    """A load balancer whose group has targets that were registered by the program."""

    def forward(self, weights: dict[str, int]) -> None:
        """Have the listener forward to these groups."""
        groups = [{"arn": arn, "weight": weight} for arn, weight in weights.items()]
        action = {"type": "forward", "forward": {"targetGroups": groups}}
        listener = self.cloud.outputs[LISTENER, HTTP]
        self.cloud.outputs[LISTENER, HTTP] = {**listener, "defaultActions": [action]}

    async def sync_targets(self) -> list[str]:
        """Sync, and return the state of each registered target."""
        await self.load_balancer.sync()
        return [each["state"] for each in self.load_balancer.attached()]


OTHER = f"{GROUP}-other"
REACHED, NOT_REACHED = (GROUP, Endpoint("127.99.0.1", 80)), (GROUP, Endpoint("10.0.1.9", 80))


async def test_a_registered_target_gets_requests_from_its_first_pass_until_it_is_deregistered(
    tmp_path: Path,
) -> None:
    harness = WithTargets(tmp_path)
    harness.attached = {REACHED: "", NOT_REACHED: "nothing has it"}
    assert await harness.sync_targets() == [TargetState.INITIAL, TargetState.UNHEALTHY]
    assert harness.target_count(INITIAL) == 1
    assert harness.target_count(CHECKED) == 0
    for cluster in (INITIAL, CHECKED):
        harness.proxy.verdicts = {(cluster, REACHED[1]): PASS}
        await harness.sync_targets()
    assert await harness.sync_targets() == [TargetState.HEALTHY, TargetState.UNHEALTHY]
    assert harness.target_count(INITIAL) == 0
    assert harness.target_count(CHECKED) == 1
    assert harness.load_balancer.attached()[1]["description"] == "nothing has it"
    harness.attached = {NOT_REACHED: "nothing has it"}
    assert await harness.sync_targets() == [TargetState.UNHEALTHY]
    assert harness.target_count(CHECKED) == 0


async def test_a_changed_rule_is_applied_before_the_targets_of_its_old_group_are_gone(
    tmp_path: Path,
) -> None:
    """Else a proxy that gets both at once has requests for a target group without targets: 503."""
    harness = WithTargets(tmp_path)
    harness.cloud.outputs[TARGET_GROUP, OTHER] = harness.cloud.outputs[TARGET_GROUP, GROUP]
    harness.forward({GROUP: 1, OTHER: 0})
    harness.attached = {REACHED: ""}
    await harness.sync_targets()
    harness.proxy.verdicts = {(INITIAL, REACHED[1]): PASS}
    await harness.sync_targets()
    before = len(harness.proxy.applied)
    harness.forward({GROUP: 0, OTHER: 1})
    harness.attached = {}
    await harness.sync_targets()
    last = harness.proxy.applied[before:]
    assert [len(endpoints_in(files, CHECKED)) for files in last] == [1, 0]
    routes = file_name("routes", HTTP)
    assert last[0][routes] == last[1][routes]
    assert last[0][routes] != harness.proxy.applied[before - 1][routes]


async def test_targets_of_a_group_that_no_listener_forwards_to_are_unused(tmp_path: Path) -> None:
    harness = WithTargets(tmp_path)
    harness.attached = {REACHED: "", NOT_REACHED: "nothing has it"}
    del harness.cloud.outputs[LISTENER, HTTP]
    assert await harness.sync_targets() == [TargetState.UNUSED, TargetState.UNUSED]


def test_the_status_shows_each_target_with_its_state_and_why() -> None:
    row = {
        "targetGroupArn": GROUP,
        "target": "10.0.1.9:80",
        "state": "unhealthy",
        "description": "nothing has it",
    }
    shown = table({"services": [], "names": {}, "problems": [], "targets": [row]})
    assert "target group web:" in shown
    last_line = " ".join(shown.split("\n")[-1].split())
    assert last_line == "target 10.0.1.9:80 unhealthy nothing has it"
