"""Trust and permission policies, each as narrow as AWS allows. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from infra.aws import images
from infra.aws.environment import GLOBAL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.aws.secret_names import Secret


_READ = {"ssm": "ssm:GetParameters", "secretsmanager": "secretsmanager:GetSecretValue"}
"""The action that reads a secret, by the service that stores it."""


def trust_of_tasks(environment: AwsEnvironment) -> str:
    """Let only ECS tasks of this account and region take the role (no confused deputy)."""
    return _trust("ecs-tasks.amazonaws.com", environment.account, environment.arn("ecs", "*"))


def trust_of_flow_logs(environment: AwsEnvironment) -> str:
    """Let VPC flow logs of this account and region take the role."""
    return _trust(
        "vpc-flow-logs.amazonaws.com", environment.account, environment.arn("ec2", "vpc-flow-log/*")
    )


def task_start(
    environment: AwsEnvironment,
    *,
    image: str,
    log_group: str,
    secrets: Iterable[Secret],
    key_arns: Iterable[str] = (),
) -> str:
    """Return what ECS needs to start a task: pull its image, read its secrets, write its log.

    Secrets under the account's default keys (`alias/aws/ssm`, `alias/aws/secretsmanager`) need no
    permission on a key; customer managed keys, `key_arns`, decrypt only through the service that
    stores the secrets.
    """
    by_service: dict[str, set[str]] = {}
    for secret in secrets:
        by_service.setdefault(secret.service, set()).add(secret.resource)
    reads: list[dict[str, Any]] = [
        {"Action": _READ[service], "Resource": sorted(resources)}
        for service, resources in sorted(by_service.items())
    ]
    keys = sorted(set(key_arns))
    if reads and keys:
        # No document of AWS's has the value of `kms:ViaService` in China; both forms name the same
        # service.
        suffixes = sorted({GLOBAL_SUFFIX, environment.dns_suffix})
        via = [
            f"{service}.{environment.region}.{suffix}"
            for service in sorted(by_service)
            for suffix in suffixes
        ]
        reads.append(
            {
                "Action": "kms:Decrypt",
                "Resource": keys,
                "Condition": {"StringEquals": {"kms:ViaService": via}},
            }
        )
    writes = {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": environment.log_streams(log_group),
    }
    return _policy(*reads, writes, *_image_pull(environment, image))


def exec_session(environment: AwsEnvironment, *, log_group: str, key_arn: str | None = None) -> str:
    """Return what ECS Exec needs in a task: message channels (no ARNs), log and key."""
    decrypts = [{"Action": "kms:Decrypt", "Resource": key_arn}] if key_arn else []
    return _policy(
        {
            "Action": [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
                # The agent looks the group up before it writes; this action takes no narrower
                # resource.
                "logs:DescribeLogGroups",
            ],
            "Resource": "*",
        },
        {
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": environment.log_streams(log_group),
        },
        *decrypts,
    )


def flow_log_delivery(environment: AwsEnvironment, *, log_group: str) -> str:
    """Return what VPC flow logs need: to write the streams of one log group."""
    return _policy(
        {
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": environment.log_streams(log_group),
        }
    )


def s3_endpoint(environment: AwsEnvironment, statements: Iterable[Mapping[str, Any]]) -> str:
    """Return what an S3 endpoint allows: the layers of ECR's images, and the tasks' grants.

    Without a policy an endpoint allows access to every bucket of the region, in any account. Source
    of the layers' bucket: Amazon ECR, interface VPC endpoints.
    """
    bucket = f"arn:{environment.partition}:s3:::prod-{environment.region}-starport-layer-bucket/*"
    layers: dict[str, Any] = {"Action": "s3:GetObject", "Resource": bucket}
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    own = [{key: _of_s3(each[key]) for key in ("Action", "Resource")} for each in allowed]
    return _policy(*({"Principal": "*", **each} for each in [layers, *own] if all(each.values())))


def granted(statements: Iterable[Mapping[str, Any]]) -> str:
    """Return a policy of statements that the settings have checked (`infra.aws.statements`)."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _of_s3(values: str | list[str]) -> list[str]:
    """Return the actions or resources that are S3's."""
    return [
        each
        for each in ([values] if isinstance(values, str) else values)
        if re.match(r"s3:|arn:[^:]+:s3:", each)
    ]


def _image_pull(environment: AwsEnvironment, image: str) -> list[dict[str, Any]]:
    found = images.private(image)
    if found is None:
        return []
    repository = (
        f"arn:{environment.partition}:ecr:{found.region}:{found.account}:"
        f"repository/{found.repository}"
    )
    return [
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": repository,
        },
    ]


def _trust(service: str, account: str, source: str) -> str:
    return _policy(
        {
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": source},
            },
        }
    )


def _policy(*statements: dict[str, Any]) -> str:
    return granted({"Effect": "Allow", **each} for each in statements)
