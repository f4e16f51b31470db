"""Load balancers, target groups, listeners and rules: what each requires of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog.elb.tls_policies import versions
from tests.localaws.catalog.conftest import bucket_policy, forward
from tests.localaws.catalog.load_balancer_cases import BALANCER, LISTENER, RULE, TARGETS
from tests.localaws.catalog.network_cases import SUBNET
from tests.localaws.catalog.operations import other_vpc, refused
from tests.localaws.catalog.security_cases import BUCKET_POLICY, ENCRYPTION

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_a_public_load_balancer_needs_an_internet_gateway_and_an_internal_one_does_not(
    account: Account,
) -> None:
    other_vpc(account)
    inputs = {"name": "other", "subnets": [account.id("other-a"), account.id("other-b")]}
    expected = ("elbv2.load-balancer.internet-gateway", "InvalidSubnet")
    assert expected in refused(account.make, BALANCER, **inputs)
    account.make(BALANCER, **inputs, internal=True)


def test_a_gateway_load_balancer_needs_no_internet_gateway(account: Account) -> None:
    other_vpc(account)
    inputs = {
        "name": "inspection",
        "loadBalancerType": "gateway",
        "subnets": [account.id("other-a")],
    }
    account.make(BALANCER, **inputs)
    public = ("elbv2.load-balancer.internet-gateway", "InvalidSubnet")
    assert refused(
        account.make, BALANCER, **{**inputs, "name": "public", "loadBalancerType": "network"}
    ) == {public}


def test_a_load_balancer_is_in_one_vpc_with_one_subnet_for_each_of_its_zones(
    account: Account,
) -> None:
    other_vpc(account)
    a, b = account.id("subnet-a"), account.id("subnet-b")
    same_zone = account.make(
        SUBNET, vpcId=account.id("vpc"), cidrBlock="10.0.7.0/28", availabilityZone="eu-west-1a"
    ).id

    def rules(*subnets: str, **more: Any) -> set[str]:
        return {
            rule
            for rule, _ in refused(
                account.make, BALANCER, name="new", subnets=list(subnets), **more
            )
        }

    assert rules(a, same_zone) >= {
        "elbv2.load-balancer.two-zones",
        "elbv2.load-balancer.subnet-per-zone",
    }
    assert "elbv2.load-balancer.subnet-size" in rules(b, same_zone)
    assert rules(a, account.id("other-b")) == {"elbv2.load-balancer.one-vpc"}
    assert rules(a, b, securityGroups=[account.id("other-group")]) == {
        "elbv2.load-balancer.groups-vpc"
    }


def test_a_load_balancer_cant_move_to_another_vpc(account: Account) -> None:
    other_vpc(account)
    current = account.made["balancer"]
    moved = {
        **current.inputs,
        "subnets": [account.id("other-a"), account.id("other-b")],
        "securityGroups": None,
    }
    expected = ("elbv2.load-balancer.one-vpc", "InvalidConfigurationRequest")
    assert refused(account.update, BALANCER, current.id, moved) == {expected}


def test_a_load_balancer_with_an_empty_name_gets_a_generated_one(account: Account) -> None:
    inputs = {**account.minimal(BALANCER), "name": ""}
    first, second = account.make(BALANCER, **inputs), account.make(BALANCER, **inputs)
    assert first.outputs["name"].startswith("terraform-")
    assert first.outputs["name"] != second.outputs["name"]


def test_a_target_group_serves_one_load_balancer_of_its_own_vpc_and_protocol(
    account: Account,
) -> None:
    vpc = other_vpc(account)
    second = account.make(BALANCER, **account.minimal(BALANCER)).id

    def rules(arn: str) -> set[tuple[str, str]]:
        inputs = {"loadBalancerArn": second, "port": 80, "defaultActions": forward(arn)}
        return refused(account.make, LISTENER, **inputs)

    assert ("elbv2.target-group.one-balancer", "TargetGroupAssociationLimit") in rules(
        account.id("target")
    )
    away = account.make(TARGETS, **{**account.minimal(TARGETS), "name": "away", "vpcId": vpc}).id
    assert ("elbv2.target-group.same-vpc", "InvalidConfigurationRequest") in rules(away)
    tcp = account.make(TARGETS, **{**account.minimal(TARGETS), "name": "tcp", "protocol": "TCP"}).id
    assert ("elbv2.target-group.protocol-fits", "IncompatibleProtocols") in rules(tcp)


def test_a_listener_keeps_its_own_port_on_update_and_a_rule_its_own_priority(
    account: Account,
) -> None:
    for token, name in ((LISTENER, "listener"), (RULE, "rule")):
        current = account.made[name]
        account.update(token, current.id, {**current.inputs, "tags": {"a": "b"}})


def test_a_rule_without_a_priority_comes_after_all_others(account: Account) -> None:
    assert account.make(RULE, **account.minimal(RULE)).outputs["priority"] == 11


def test_no_rule_without_a_priority_comes_after_the_last_one(account: Account) -> None:
    account.make(RULE, **{**account.minimal(RULE), "priority": 50000})
    expected = {("elbv2.listener-rule.priority", "ValidationError")}
    assert refused(account.make, RULE, **account.minimal(RULE)) == expected
    last = account.make(RULE, **{**account.minimal(RULE), "priority": 49999})
    account.update(RULE, last.id, account.minimal(RULE))


def test_deleting_a_load_balancer_deletes_its_listeners_and_rules_and_frees_their_groups(
    account: Account,
) -> None:
    account.delete(BALANCER, account.id("balancer"))
    assert not account.all(LISTENER)
    assert not account.all(RULE)
    account.delete(TARGETS, account.id("target"))


def test_a_load_balancer_can_log_only_to_a_bucket_that_allows_it(account: Account) -> None:
    logging = {
        **account.minimal(BALANCER),
        "accessLogs": {"bucket": "main-logs", "enabled": True, "prefix": "web"},
    }
    denied = ("elbv2.load-balancer.log-bucket", "InvalidConfigurationRequest")
    narrow = "arn:aws:s3:::main-logs/api/*"
    made = account.make(
        BUCKET_POLICY, bucket="main-logs", policy=bucket_policy("main-logs", Resource=narrow)
    ).id
    assert denied in refused(account.make, BALANCER, **logging)
    right = "arn:aws:s3:::main-logs/web/AWSLogs/123456789012/*"
    account.update(
        BUCKET_POLICY,
        made,
        {"bucket": "main-logs", "policy": bucket_policy("main-logs", Resource=right)},
    )
    by_key = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}
    encryption = account.make(ENCRYPTION, bucket="main-logs", rules=[by_key]).id
    assert denied in refused(account.make, BALANCER, **logging)
    account.update(ENCRYPTION, encryption, account.minimal(ENCRYPTION))
    account.make(BALANCER, **logging)


def test_a_bucket_policy_can_allow_the_regions_elb_account_to_write_logs(account: Account) -> None:
    writer = {"AWS": ["arn:aws:iam::156460612806:root"]}
    account.make(
        BUCKET_POLICY, bucket="main-logs", policy=bucket_policy("main-logs", Principal=writer)
    )
    account.make(
        BALANCER, **account.minimal(BALANCER), accessLogs={"bucket": "main-logs", "enabled": True}
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ELBSecurityPolicy-2016-08", ("1.0", "1.2")),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", ("1.2", "1.2")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("1.3", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Ext0-FIPS-2023-04", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2", None),
    ],
)
def test_a_tls_policy_has_an_oldest_and_a_newest_version(
    name: str, expected: tuple[str, str] | None
) -> None:
    assert versions(name) == expected
