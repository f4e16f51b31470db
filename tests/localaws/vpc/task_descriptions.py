"""Descriptions of tasks for the metadata that their containers request."""

from __future__ import annotations

from typing import Any

from localaws.vpc.metadata import ContainerDescription, TaskDescription

VPC, ADDRESS = "vpc-1", "10.0.1.21"


def task(**changes: Any) -> TaskDescription:
    values: dict[str, Any] = {
        "arn": "arn:aws:ecs:eu-west-1:123456789012:task/web/0123456789abcdef",
        "cluster": "web",
        "family": "shop",
        "revision": "3",
        "zone": "eu-west-1a",
        "vpc": VPC,
        "address": ADDRESS,
        "cidr": "10.0.1.0/24",
        "cpu": 256,
        "memory": 512,
        "role": "arn:aws:iam::123456789012:role/task",
        "containers": (
            ContainerDescription(name="web", image="nginx"),
            ContainerDescription(name="side", image="proxy"),
        ),
    }
    return TaskDescription(**{**values, **changes})


def path_of(url: str) -> str:
    return url.removeprefix("http://169.254.170.2")
