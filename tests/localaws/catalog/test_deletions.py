"""Deletions that a use or a protection forbids, and the order of those of a destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.catalog import CATALOG
from tests.localaws.catalog.load_balancer_cases import BALANCER
from tests.localaws.catalog.operations import refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


IN_USE = [
    ("vpc", "ec2.vpc.held", "DependencyViolation"),
    ("subnet-a", "ec2.subnet.held", "DependencyViolation"),
    ("gateway", "ec2.internet-gateway.held", "DependencyViolation"),
    ("group", "ec2.security-group.held", "DependencyViolation"),
    ("target", "elbv2.target-group.held", "ResourceInUse"),
    ("cluster", "ecs.cluster.held", "ClusterContainsServicesException"),
]


@pytest.mark.parametrize(("name", "rule", "code"), IN_USE)
def test_a_resource_in_use_cant_be_deleted(
    account: Account, name: str, rule: str, code: str
) -> None:
    resource = account.made[name]
    assert (rule, code) in refused(account.delete, resource.token, resource.id)
    assert account.get(resource.token, resource.id) is not None


def test_a_protected_resource_can_be_deleted_only_after_its_protection_is_off(
    account: Account,
) -> None:
    balancer = account.made["balancer"]
    account.update(BALANCER, balancer.id, {**balancer.inputs, "enableDeletionProtection": True})
    expected = ("elbv2.load-balancer.deletion-protection", "OperationNotPermitted")
    assert expected in refused(account.delete, BALANCER, balancer.id)
    account.update(BALANCER, balancer.id, balancer.inputs)
    account.delete(BALANCER, balancer.id)
    logs = account.make(
        "aws:cloudwatch/logGroup:LogGroup", name="kept", deletionProtectionEnabled=True
    )
    expected = ("logs.group.deletion-protection", "OperationNotPermitted")
    assert expected in refused(account.delete, logs.token, logs.id)


def test_all_resources_can_be_deleted_in_the_order_of_a_destroy(account: Account) -> None:
    for resource in reversed(account.made.values()):
        if resource.token != "aws:cloudwatch/logGroup:LogGroup":
            account.delete(resource.token, resource.id)
    left: list[str] = []
    for token in CATALOG:
        left += [each.id for each in account.all(token)]
    assert left == ["/web"]
