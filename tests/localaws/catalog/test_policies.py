"""The evaluation of policies, and the resources whose creation depends on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog.policies import Request, allows
from tests.localaws.catalog.operations import refused, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

KEY = "aws:kms/key:Key"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"

LOGS_SERVICE = {"Service": "logs.eu-west-1.amazonaws.com"}
OWNER = {"AWS": "arn:aws:iam::123456789012:root"}
CONTEXT = "kms:EncryptionContext:aws:logs:arn"


def allow(principal: Any, action: Any = "kms:*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def deny(principal: Any, action: Any = "kms:*", **more: Any) -> dict[str, Any]:
    return {**allow(principal, action, **more), "Effect": "Deny"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


OWNER_ONLY = allow(OWNER)
USE = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
GROUP_ARN = "arn:aws:logs:eu-west-1:123456789012:log-group:/secret"


@pytest.mark.parametrize(
    ("statements", "accepted"),
    [
        ([OWNER_ONLY], False),
        ([OWNER_ONLY, allow(LOGS_SERVICE)], True),
        ([OWNER_ONLY, allow(LOGS_SERVICE, USE)], True),
        ([OWNER_ONLY, allow({"Service": ["logs.amazonaws.com", "s3.amazonaws.com"]}, USE)], True),
        ([OWNER_ONLY, allow({"Service": "logs.us-east-1.amazonaws.com"})], False),
        ([OWNER_ONLY, allow(LOGS_SERVICE, "kms:Describe*")], False),
        ([allow({"AWS": "*"})], True),
        ([allow("*", "kms:*")], True),
        ([allow({"AWS": "*"}), deny(LOGS_SERVICE)], False),
        ([allow({"AWS": "*"}), deny(LOGS_SERVICE, "kms:Decrypt")], False),
        ([allow({"AWS": "*"}), deny({"Service": "s3.amazonaws.com"})], True),
        (
            [OWNER_ONLY, allow(LOGS_SERVICE, USE, Condition={"ArnEquals": {CONTEXT: GROUP_ARN}})],
            True,
        ),
        (
            [
                OWNER_ONLY,
                allow(
                    LOGS_SERVICE,
                    USE,
                    Condition={"ArnLike": {CONTEXT: "arn:aws:logs:eu-west-1:*:*"}},
                ),
            ],
            True,
        ),
        (
            [
                OWNER_ONLY,
                allow(LOGS_SERVICE, USE, Condition={"ArnEquals": {CONTEXT: f"{GROUP_ARN}2"}}),
            ],
            False,
        ),
        (
            [
                OWNER_ONLY,
                allow(
                    LOGS_SERVICE,
                    USE,
                    Condition={"ArnLikeIfExists": {CONTEXT: "arn:aws:logs:eu-west-1:*:*"}},
                ),
            ],
            True,
        ),
        (
            [
                OWNER_ONLY,
                allow(LOGS_SERVICE, USE, Condition={"ArnLikeIfExists": {CONTEXT: f"{GROUP_ARN}2"}}),
            ],
            False,
        ),
        (
            [
                OWNER_ONLY,
                allow(
                    LOGS_SERVICE,
                    USE,
                    Condition={"ArnLikeIfExists": {"aws:PrincipalArn": GROUP_ARN}},
                ),
            ],
            True,
        ),
        (
            [
                OWNER_ONLY,
                allow(LOGS_SERVICE),
                deny("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            ],
            True,
        ),
        (
            [
                OWNER_ONLY,
                allow(LOGS_SERVICE),
                deny("*", Condition={"StringNotEquals": {"aws:SourceAccount": "1"}}),
            ],
            False,
        ),
        (
            [
                OWNER_ONLY,
                {
                    **allow(LOGS_SERVICE),
                    "Sid": "not logs.eu-west-1.amazonaws.com",
                    "Principal": OWNER,
                },
            ],
            False,
        ),
    ],
)
def test_a_log_groups_key_must_allow_cloudwatch_logs_to_use_it(
    account: Account,
    statements: list[dict[str, Any]],
    *,
    accepted: bool,
) -> None:
    key = account.make(KEY, policy=policy(*statements))
    inputs = {"name": "/secret", "kmsKeyId": key.computed["arn"]}
    if accepted:
        account.make(LOGS, **inputs)
        return
    expected = {("logs.group.key", "InvalidParameterException")}
    assert refused(account.make, LOGS, **inputs) == expected


def test_a_key_policy_resource_overrides_the_keys_policy_and_is_unique(
    account: Account,
) -> None:
    key = account.make(KEY)
    inputs = {"name": "/secret", "kmsKeyId": key.computed["arn"]}
    assert refused_rules(account.make, LOGS, **inputs) == {"logs.group.key"}
    account.make(
        "aws:kms/keyPolicy:KeyPolicy", keyId=key.id, policy=policy(OWNER_ONLY, allow(LOGS_SERVICE))
    )
    account.make(LOGS, **inputs)
    again = {"keyId": key.id, "policy": policy(OWNER_ONLY)}
    rules = refused_rules(account.make, "aws:kms/keyPolicy:KeyPolicy", **again)
    assert rules == {"kms.key-policy.unique"}


@pytest.mark.parametrize(
    ("statements", "accepted"),
    [
        ([allow(OWNER, "kms:PutKeyPolicy")], True),
        ([allow(OWNER, "kms:Put*")], True),
        ([allow({"AWS": "arn:aws:iam::123456789012:role/admin"})], True),
        ([allow(OWNER, "kms:Get*")], False),
        ([allow({"AWS": "arn:aws:iam::210987654321:root"})], False),
        ([allow(OWNER), deny("*", "kms:PutKeyPolicy")], False),
        (
            [
                allow(OWNER),
                allow({"AWS": "arn:aws:iam::123456789012:role/a"}),
                deny(OWNER, "kms:Put*"),
            ],
            True,
        ),
    ],
)
def test_a_keys_policy_must_allow_a_principal_to_replace_it(
    account: Account,
    statements: list[dict[str, Any]],
    *,
    accepted: bool,
) -> None:
    if accepted:
        account.make(KEY, policy=policy(*statements))
        return
    assert refused_rules(account.make, KEY, policy=policy(*statements)) == {"kms.key.lockout"}


def write(service: str, **more: Any) -> dict[str, Any]:
    resource = "arn:aws:s3:::main-logs/AWSLogs/123456789012/*"
    return {**allow({"Service": service}, "s3:PutObject", **more), "Resource": resource}


ACL = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}
ELB, DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"


@pytest.mark.parametrize(
    ("kind", "statements", "accepted"),
    [
        ("network", [write(DELIVERY, Condition=ACL)], True),
        ("network", [write(ELB)], False),
        ("application", [write(DELIVERY, Condition=ACL)], False),
        ("application", [write(ELB)], True),
        ("application", [write(ELB), {**deny("*", "s3:*", Condition=NO_TLS)}], True),
        ("application", [write(ELB), {**deny({"Service": ELB}, "s3:PutObject")}], False),
    ],
)
def test_the_bucket_for_access_logs_must_allow_the_type_of_load_balancer_to_write(
    account: Account,
    kind: str,
    statements: list[dict[str, Any]],
    *,
    accepted: bool,
) -> None:
    in_bucket = []
    for each in statements:
        resource = each["Resource"]
        if resource == "*":
            resource = ["arn:aws:s3:::main-logs/*"]
        in_bucket.append({**each, "Resource": resource})
    account.make(BUCKET_POLICY, bucket="main-logs", policy=policy(*in_bucket))
    logs = {"bucket": "main-logs", "enabled": True}
    inputs = {**account.minimal(BALANCER), "loadBalancerType": kind, "accessLogs": logs}
    if accepted:
        account.make(BALANCER, **inputs)
        return
    assert refused_rules(account.make, BALANCER, **inputs) == {"elbv2.load-balancer.log-bucket"}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"NotPrincipal": {"AWS": "2"}, "Action": "s3:GetObject", "Resource": "*"}, True),
        ({"NotPrincipal": {"AWS": "1"}, "Action": "s3:GetObject", "Resource": "*"}, False),
        ({"Principal": {"AWS": "1"}, "NotAction": "s3:Put*", "Resource": "*"}, True),
        ({"Principal": {"AWS": "1"}, "NotAction": "s3:get*", "Resource": "*"}, False),
        ({"Principal": {"AWS": "1"}, "Action": "S3:getobject", "NotResource": "arn:b"}, True),
        ({"Principal": {"AWS": "1"}, "Action": "s3:*", "Resource": "arn:[ab]"}, False),
        ({"Principal": {"AWS": "1"}, "Action": "s3:*", "Resource": "arn:?"}, True),
        ({"Principal": {"AWS": "1"}, "Action": "s3:*", "Resource": "ARN:*"}, False),
        ({"Principal": {"AWS": "1"}, "Resource": "*"}, False),
    ],
)
def test_elements_of_a_policy_can_be_negated_and_contain_patterns(
    statement: dict[str, Any],
    *,
    allowed: bool,
) -> None:
    request = Request(principals=frozenset({("AWS", "1")}), action="s3:GetObject", resource="arn:a")
    assert allows({"Statement": {"Effect": "Allow", **statement}}, request) is allowed


@pytest.mark.parametrize("key", ["aws:SourceAccount", "AWS:SourceAccount"])
def test_names_of_condition_keys_are_not_case_sensitive(key: str) -> None:
    """Source: IAM's guide, "Condition" element."""
    request = Request(
        principals=frozenset({("AWS", "1")}),
        action="s3:GetObject",
        resource="arn:a",
        context={"aws:SourceAccount": "123456789012"},
    )
    statement = {**allow("*", "s3:*"), "Condition": {"StringEquals": {key: "123456789012"}}}
    assert allows({"Statement": statement}, request)
    statement["Condition"] = {"StringEquals": {key: "210987654321"}}
    assert not allows({"Statement": statement}, request)
