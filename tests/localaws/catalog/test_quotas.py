"""AWS's default quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.localaws.catalog.iam_cases import ATTACHMENT
from tests.localaws.catalog.load_balancer_cases import LISTENER, RULE
from tests.localaws.catalog.network_cases import EIP, INGRESS, VPC
from tests.localaws.catalog.operations import refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


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
