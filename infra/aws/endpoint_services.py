"""AWS services that tasks and instances call through VPC endpoints. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.aws.environment import AwsEnvironment

_OTHER_PREFIXES: Final = {"aws-cn": ("cn.com.amazonaws", frozenset({"ecr.api", "ecr.dkr"}))}
"""By partition: the prefix of the service names that don't begin with `com.amazonaws`, and the
services used here whose names have it.

Source: aws/aws-cdk, aws-ec2/lib/vpc-endpoint.ts, which has it from DescribeVpcEndpointServices in
China.
"""

_AGENT: Final = ("ecs", "ecs-agent", "ecs-telemetry")
"""What the agent on an instance calls; Fargate's is outside of the VPC."""


def needed(
    *, secret_services: Collection[str], ecs_exec: bool, session_key: bool, instances: bool
) -> tuple[str, ...]:
    """Return the services besides S3 that tasks and instances call.

    Tasks call them for images, logs, secrets and Exec.

    Source: Amazon ECS, interface VPC endpoints.
    """
    services = ["ecr.api", "ecr.dkr", "logs", *sorted(secret_services)]
    if ecs_exec:
        services.append("ssmmessages")
        if session_key:
            services.append("kms")
    if instances:
        services += _AGENT
    return tuple(services)


def service_name(environment: AwsEnvironment, service: str) -> str:
    """Return the service name of an interface endpoint."""
    prefix = "com.amazonaws"
    other_prefix, services = _OTHER_PREFIXES.get(environment.partition, (prefix, frozenset()))
    if service in services:
        prefix = other_prefix
    return f"{prefix}.{environment.region}.{service}"
