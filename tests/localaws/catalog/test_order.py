"""Names that are in use, quotas, and deletions that a use or a protection forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.catalog import CATALOG
from tests.localaws.catalog.iam_cases import ATTACHMENT
from tests.localaws.catalog.load_balancer_cases import BALANCER, LISTENER, RULE
from tests.localaws.catalog.network_cases import EIP, INGRESS, VPC
from tests.localaws.catalog.operations import refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_names_of_repositories_and_profiles_are_unique(account: Account) -> None:
    for token, rule, code in (
        (
            "aws:ecr/repository:Repository",
            "ecr.repository.unique",
            "RepositoryAlreadyExistsException",
        ),
        (
            "aws:iam/instanceProfile:InstanceProfile",
            "iam.instance-profile.unique",
            "EntityAlreadyExists",
        ),
    ):
        inputs = account.minimal(token)
        account.make(token, **inputs)
        assert refused(account.make, token, **inputs) == {(rule, code)}


@pytest.mark.parametrize(
    "token",
    ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"],
)
def test_a_repository_has_one_policy_of_a_kind_which_is_deleted_with_it(
    account: Account, token: str
) -> None:
    first = account.make(token, **account.minimal(token))
    assert refused(account.make, token, **account.minimal(token)) == {
        ("ecr.policy.unique", "AlreadyExistsException")
    }
    account.delete("aws:ecr/repository:Repository", account.id("repository"))
    assert account.get(token, first.id) is None


def test_quotas_are_enforced(account: Account) -> None:
    # Beside those of `account`, and the default one.
    for number in range(1, 5 - len(account.all(VPC))):
        account.make(VPC, cidrBlock=f"10.{number}.0.0/16")
    assert ("ec2.vpc.quota", "VpcLimitExceeded") in refused(
        account.make, VPC, cidrBlock="10.9.0.0/16"
    )
    for _ in range(5 - len(account.all(EIP))):
        account.make(EIP)
    assert ("ec2.eip.quota", "AddressLimitExceeded") in refused(account.make, EIP)
    rule = account.minimal(INGRESS)
    for port in range(1, 60):
        account.make(INGRESS, **{**rule, "fromPort": port, "toPort": port})
    full = ("ec2.security-group-rule.quota", "RulesPerSecurityGroupLimitExceeded")
    assert full in refused(account.make, INGRESS, **rule)
    listener = account.minimal(LISTENER)
    for port in range(1000, 1048):
        account.make(LISTENER, **{**listener, "port": port})
    assert ("elbv2.listener.quota", "TooManyListeners") in refused(
        account.make, LISTENER, **listener
    )
    for _ in range(99):
        account.make(RULE, **account.minimal(RULE))
    assert ("elbv2.listener-rule.quota", "TooManyRules") in refused(
        account.make, RULE, **account.minimal(RULE)
    )
    for number in range(10):
        account.make(ATTACHMENT, role="tasks", policyArn=f"arn:aws:iam::aws:policy/P{number}")
    attachment = account.minimal(ATTACHMENT)
    assert ("iam.role.quota", "LimitExceeded") in refused(account.make, ATTACHMENT, **attachment)


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
