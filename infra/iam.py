"""Who may do what: trust and permission policies, each as narrow as AWS lets it be. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRIVATE_IMAGE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack lives: what every ARN begins with."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this place."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def parameter(self, name: str) -> str:
        """The ARN of an SSM parameter, whose name may or may not begin with a slash."""
        return self.arn("ssm", f"parameter/{name.removeprefix('/')}")

    def log_streams(self, group: str) -> str:
        """The ARN pattern of a log group's streams."""
        return self.arn("logs", f"log-group:{group}:*")


def trust_of_tasks(place: Place) -> str:
    """Lets ECS tasks of this account and region take the role, and nobody else by way of ECS (a confused deputy)."""
    return _policy(
        {
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": place.arn("ecs", "*")},
            },
        }
    )


def task_start(place: Place, *, image: str, log_group: str, parameters: Iterable[str]) -> str:
    """What ECS needs to start a task: pull its image, hand it its parameters, write its log.

    A SecureString under the account's default key (`alias/aws/ssm`) needs no permission on the key.
    """
    arns = sorted({place.parameter(name) for name in parameters})
    reads = [{"Action": "ssm:GetParameters", "Resource": arns}] if arns else []
    writes = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": place.log_streams(log_group)}
    return _policy(*reads, writes, *_image_pull(place, image))


def exec_session(place: Place, *, log_group: str) -> str:
    """What ECS Exec needs inside a task: its message channels, which have no ARNs, and the log of its sessions."""
    return _policy(
        {
            "Action": [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
                # The agent looks the group up before it writes; this action takes no narrower resource.
                "logs:DescribeLogGroups",
            ],
            "Resource": "*",
        },
        {
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": place.log_streams(log_group),
        },
    )


def _image_pull(place: Place, image: str) -> list[dict[str, Any]]:
    private = _PRIVATE_IMAGE.match(image)
    if private is None:
        return []
    repository = (
        f"arn:{place.partition}:ecr:{private['region']}:{private['account']}:repository/{private['repository']}"
    )
    return [
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": repository,
        },
    ]


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})
