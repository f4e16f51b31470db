"""Policy documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws import images
from infra.aws import policies as iam
from infra.aws import secret_names as secrets
from infra.aws.environment import AwsEnvironment

ENVIRONMENT = AwsEnvironment(partition="aws-cn", region="cn-north-1", account="123456789012")


def statements(policy: str) -> list[dict[str, Any]]:
    document = json.loads(policy)
    assert document["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = document["Statement"]
    return found


def test_only_ecs_for_this_account_and_region_may_assume_a_role() -> None:
    assert statements(iam.trust_of_tasks(ENVIRONMENT)) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": "arn:aws-cn:ecs:cn-north-1:123456789012:*"},
            },
        }
    ]


def test_only_flow_logs_of_this_account_and_region_may_assume_their_role() -> None:
    (trust,) = statements(iam.trust_of_flow_logs(ENVIRONMENT))
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws-cn:ec2:cn-north-1:123456789012:vpc-flow-log/*"},
    }


def test_without_secrets_the_policy_allows_no_reads() -> None:
    (only,) = statements(
        iam.task_start(ENVIRONMENT, repository_arns=[], log_group="/log", secrets=())
    )
    assert only["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_a_parameter_without_a_slash_has_one_in_its_arn() -> None:
    assert (
        ENVIRONMENT.parameter("plain")
        == ENVIRONMENT.parameter("/plain")
        == "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/plain"
    )


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("public.ecr.aws/nginx/nginx:stable", None),
        ("docker.io/library/nginx", None),
        ("evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", None),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1",
            "arn:aws-cn:ecr:eu-west-1:123456789012:repository/a/b",
        ),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:0",
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/a",
        ),
    ],
)
def test_only_a_private_image_needs_permission_to_be_pulled(
    image: str, repository: str | None
) -> None:
    private = images.private(image)
    arns = [private.repository_arn(ENVIRONMENT.partition)] if private else []
    policy = statements(
        iam.task_start(ENVIRONMENT, repository_arns=arns, log_group="/log", secrets=())
    )
    pulls = [each["Resource"] for each in policy if "ecr:BatchGetImage" in each["Action"]]
    assert pulls == ([repository] if repository else [])


@given(st.lists(st.sampled_from(["plain", "/one", "/a/b/c", "/a/b/d", "secretsmanager:a"])))
def test_only_actions_without_narrower_resources_have_wildcards(names: list[str]) -> None:
    policies = [
        iam.task_start(
            ENVIRONMENT,
            repository_arns=["arn:aws-cn:ecr:eu-west-1:123456789012:repository/a"],
            log_group="/l",
            secrets=[secrets.resolve(ENVIRONMENT, name) for name in names],
            key_arns=["arn:aws:kms:eu-west-1:123456789012:key/1"],
        ),
        iam.exec_session(
            ENVIRONMENT, log_group="/l", key_arn="arn:aws:kms:eu-west-1:123456789012:key/1"
        ),
        iam.flow_log_delivery(ENVIRONMENT, log_group="/l"),
    ]
    for policy in policies:
        for statement in statements(policy):
            found = statement["Action"]
            actions = [found] if isinstance(found, str) else found
            for name in actions:
                assert "*" not in name
                if statement["Resource"] == "*":
                    assert name.partition(":")[0] in {"ssmmessages", "ecr", "logs"}
                    assert name not in {"logs:PutLogEvents", "ecr:BatchGetImage"}
