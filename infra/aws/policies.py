"""Trust and permission policies, each as narrow as AWS allows. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from infra.aws.environment import GLOBAL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.aws.secret_names import Secret


_READ = {"ssm": "ssm:GetParameters", "secretsmanager": "secretsmanager:GetSecretValue"}
"""The action that reads a secret, by the service that stores it."""


def trust_of_tasks(environment: AwsEnvironment) -> str:
    """Return a trust policy for ECS tasks of this account and region only (no confused deputy)."""
    return _trust("ecs-tasks.amazonaws.com", environment.account, environment.arn("ecs", "*"))


def trust_of_flow_logs(environment: AwsEnvironment) -> str:
    """Return a trust policy for VPC flow logs of this account and region only."""
    return _trust(
        "vpc-flow-logs.amazonaws.com", environment.account, environment.arn("ec2", "vpc-flow-log/*")
    )


def trust_of_chat(environment: AwsEnvironment) -> str:
    """Return a trust policy for this account's chat channels (Amazon Q Developer) only."""
    source = f"arn:{environment.partition}:chatbot::{environment.account}:*"
    return _trust("chatbot.amazonaws.com", environment.account, source)


def publishing(environment: AwsEnvironment, *, topic_arn: str, rule_arn: str, alarms: bool) -> str:
    """Return a topic's policy: one event rule publishes to it, and perhaps this account's alarms.

    Source: "Amazon SNS topic policies" in EventBridge's guide, "Permissions to publish to SNS
    topics" in CloudWatch's.
    """
    own: list[dict[str, Any]] = [
        {
            "Sid": "Events",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
    ]
    if alarms:
        own.append(
            {
                "Sid": "Alarms",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": environment.account},
                    "ArnLike": {"aws:SourceArn": environment.arn("cloudwatch", "alarm:*")},
                },
            }
        )
    return _policy(*own)


def trust_of_instances(environment: AwsEnvironment) -> str:
    """Return a trust policy for EC2 instances.

    EC2 assumes an instance profile's role only for instances of the profile's own account, and
    sends no source that a condition could name.
    """
    return _policy(
        {
            "Principal": {"Service": f"ec2.{environment.dns_suffix}"},
            "Action": "sts:AssumeRole",
        }
    )


def container_instance(environment: AwsEnvironment, *, cluster: str) -> str:
    """Return a policy for the ECS agent on an instance: its own cluster only.

    Tasks' execution roles pull images and write logs. Source of the actions: AWS's policy
    AmazonEC2ContainerServiceforEC2Role; of their resources: Service Authorization Reference.
    """
    return _policy(
        {
            "Action": [
                "ecs:DeregisterContainerInstance",
                "ecs:RegisterContainerInstance",
                "ecs:SubmitAttachmentStateChanges",
                "ecs:SubmitContainerStateChange",
                "ecs:SubmitTaskStateChange",
            ],
            "Resource": environment.arn("ecs", f"cluster/{cluster}"),
        },
        {
            "Action": ["ecs:Poll", "ecs:StartTelemetrySession"],
            "Resource": environment.arn("ecs", f"container-instance/{cluster}/*"),
        },
        # The only action without a resource.
        {"Action": "ecs:DiscoverPollEndpoint", "Resource": "*"},
    )


def task_start(
    environment: AwsEnvironment,
    *,
    repository_arns: Sequence[str],
    log_group: str,
    secrets: Iterable[Secret],
    key_arns: Iterable[str] = (),
) -> str:
    """Return a policy for starting a task: pulling its images, reading secrets, writing its log.

    The images are in the ECR repositories of those ARNs; other registries need no permission.
    Secrets that AWS's own keys encrypt (`alias/aws/ssm`, `alias/aws/secretsmanager`) need no
    permission on a key. Customer managed keys, `key_arns`, may be used only through the service
    that stores the secrets.
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
        # AWS doesn't document the value of `kms:ViaService` in China, so both possible forms of the
        # service's name are allowed.
        suffixes = sorted({GLOBAL_SUFFIX, environment.dns_suffix})
        via: list[str] = []
        for service in sorted(by_service):
            via += [f"{service}.{environment.region}.{suffix}" for suffix in suffixes]
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
    return _policy(*reads, writes, *_image_pull(repository_arns))


def exec_session(environment: AwsEnvironment, *, log_group: str, key_arn: str | None = None) -> str:
    """Return a policy for ECS Exec in a task: message channels (without ARNs), log and key."""
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


def efs_access(environment: AwsEnvironment, access_points: Mapping[tuple[str, str], bool]) -> str:
    """Return a policy for mounting EFS access points.

    Args:
        environment: Account and region of the file systems.
        access_points: Whether one is written to, by the ids of its file system and of itself.
    """
    statements = []
    for (file_system, access_point), writes in sorted(access_points.items()):
        actions = ["elasticfilesystem:ClientMount"]
        if writes:
            actions.append("elasticfilesystem:ClientWrite")
        point = environment.arn("elasticfilesystem", f"access-point/{access_point}")
        statements.append(
            {
                "Action": actions,
                "Resource": environment.arn("elasticfilesystem", f"file-system/{file_system}"),
                "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": point}},
            }
        )
    return _policy(*statements)


def flow_log_delivery(environment: AwsEnvironment, *, log_group: str) -> str:
    """Return a policy for VPC flow logs: writing the streams of one log group."""
    return _policy(
        {
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": environment.log_streams(log_group),
        }
    )


def s3_endpoint(environment: AwsEnvironment, statements: Iterable[Mapping[str, Any]]) -> str:
    """Return a policy for an S3 endpoint: the layers of ECR's images, and the tasks' own grants.

    Without a policy an endpoint allows access to every bucket of the region, in any account. Source
    of the layers' bucket: Amazon ECR, interface VPC endpoints.
    """
    bucket = f"arn:{environment.partition}:s3:::prod-{environment.region}-starport-layer-bucket/*"
    layers: dict[str, Any] = {"Action": "s3:GetObject", "Resource": bucket}
    allowed: list[dict[str, Any]] = [{"Principal": "*", **layers}]
    for statement in statements:
        if statement["Effect"] != "Allow":
            continue
        actions, resources = _of_s3(statement["Action"]), _of_s3(statement["Resource"])
        if actions and resources:
            allowed.append({"Principal": "*", "Action": actions, "Resource": resources})
    return _policy(*allowed)


def granted(statements: Iterable[Mapping[str, Any]]) -> str:
    """Return a policy of statements that the settings have checked (`infra.aws.statements`)."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _of_s3(values: str | list[str]) -> list[str]:
    """Return the actions or resources that are S3's."""
    listed = [values] if isinstance(values, str) else values
    return [each for each in listed if re.match(r"s3:|arn:[^:]+:s3:", each)]


def _image_pull(repository_arns: Sequence[str]) -> list[dict[str, Any]]:
    if not repository_arns:
        return []
    repositories = sorted(set(repository_arns))
    return [
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": repositories[0] if len(repositories) == 1 else repositories,
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
