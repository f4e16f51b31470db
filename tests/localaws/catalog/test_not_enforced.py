"""The documentation's list of AWS's rules that the local AWS doesn't enforce."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import CATALOG
from tests.localaws.catalog.not_enforced import IDS, ROWS


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", "memory": 64, **more}


def started_after(name: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": "START"}]


GAPS: dict[str, tuple[str, dict[str, Any]]] = {
    "ec2.nat-gateway.secondary-count": (
        "aws:ec2/natGateway:NatGateway",
        {"subnetId": "subnet-1", "allocationId": "eipalloc-1", "secondaryPrivateIpAddressCount": 1},
    ),
    "ec2.vpc-endpoint.known-service": (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": "vpc-1",
            "serviceName": "com.amazonaws.us-east-1.nothing",
            "vpcEndpointType": "Interface",
        },
    ),
    "ecs.container.depends-on-cycle": (
        "aws:ecs/taskDefinition:TaskDefinition",
        {
            "family": "f",
            "containerDefinitions": json.dumps(
                [
                    container("a", dependsOn=started_after("b")),
                    container("b", dependsOn=started_after("a")),
                ]
            ),
        },
    ),
    "iam.role.principal": (
        "aws:iam/role:Role",
        {
            "assumeRolePolicy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::123456789012:user/no-such-user"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            )
        },
    ),
}
"""Inputs that AWS refuses by a rule on the list, and the catalog accepts."""


def test_no_rule_is_listed_twice() -> None:
    assert len(IDS) == len(set(IDS)) > 20


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_each_row_has_what_aws_does_and_the_reason_why_it_isnt_enforced(row: list[str]) -> None:
    identifier, does, reason = row
    assert re.fullmatch(
        r"`(name|ec2|elbv2|ecs|iam|s3|ssm|secretsmanager|kms|wafv2)(\.[a-z0-9-]+){1,2}`", identifier
    )
    assert len(does) > 10
    assert len(reason.strip("| ")) > 7


@pytest.mark.parametrize("rule", GAPS)
def test_a_listed_gap_exists(rule: str) -> None:
    assert rule in IDS
    token, inputs = GAPS[rule]
    assert list(CATALOG[token].check(inputs)) == [], "it is refused now: move its row"


def test_a_second_policy_of_the_same_name_overwrites_the_first() -> None:
    """`iam.role-policy.twin`: AWS accepts it without an error, so a program can't notice it."""
    cloud = Cloud(seed=1)
    trust = GAPS["iam.role.principal"][1]
    role = cloud.create("aws:iam/role:Role", "role", {"name": "r", **trust}, region="us-east-1")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    inputs = {
        "name": "p",
        "role": role.id,
        "policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    }
    first = cloud.create("aws:iam/rolePolicy:RolePolicy", "a", inputs, region="us-east-1")
    second = cloud.create("aws:iam/rolePolicy:RolePolicy", "b", inputs, region="us-east-1")
    assert first.id == second.id
