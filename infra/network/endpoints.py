"""AWS's services inside a VPC, for tasks that have no way to the internet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra.aws import naming

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from infra.aws.environment import AwsEnvironment

_REVERSED: Final = {"aws-cn": ("cn.com.amazonaws", frozenset({"ecr.api", "ecr.dkr"}))}
"""By partition: the services whose endpoints begin with its domain, of those used here, and that
beginning.

Source: aws/aws-cdk, aws-ec2/lib/vpc-endpoint.ts, which has it from DescribeVpcEndpointServices in
China.
"""


def needed(
    *, secret_services: Collection[str], ecs_exec: bool, session_key: bool
) -> tuple[str, ...]:
    """Return the services besides S3 that tasks call: for images, logs, secrets and Exec.

    Source: Amazon ECS, interface VPC endpoints.
    """
    exec_services = ("ssmmessages", *(("kms",) if session_key else ())) if ecs_exec else ()
    return ("ecr.api", "ecr.dkr", "logs", *sorted(secret_services), *exec_services)


def service_name(environment: AwsEnvironment, service: str) -> str:
    """The name under which a service's interface endpoints are made."""
    prefix, services = _REVERSED.get(environment.partition, ("", frozenset()))
    return f"{prefix if service in services else 'com.amazonaws'}.{environment.region}.{service}"


@dataclass(frozen=True, kw_only=True)
class PrivateEndpointsArgs:
    """What PrivateEndpoints are made from."""

    environment: AwsEnvironment
    """Where the VPC and the services are."""

    vpc_id: pulumi.Input[str]
    """VPC that gets the endpoints; it must resolve and hand out DNS names."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets that get an address of each service, one a zone."""

    route_table_ids: pulumi.Input[Sequence[str]]
    """Route tables of those who pull images; they get the way to S3."""

    s3_policy: str
    """What may be done with S3 through its endpoint."""

    services: Sequence[str]
    """Names like `ecr.api`; each costs by the hour and zone."""

    tags: dict[str, str] = field(default_factory=dict)
    """Tags of everything in it."""


class PrivateEndpoints(pulumi.ComponentResource):
    """Interface endpoints behind one security group, and S3's gateway endpoint.

    The group lets nobody in: whoever needs AWS allows the way to it.
    """

    security_group_id: pulumi.Output[str]
    """Security group of the interface endpoints. Tasks need these to start, so it waits for all of
    them.
    """

    s3_prefix_list_id: pulumi.Output[str]
    """Prefix list of S3's addresses."""

    def __init__(
        self, name: str, args: PrivateEndpointsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:PrivateEndpoints", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            name,
            description="Endpoints of AWS: HTTPS from tasks",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=child,
        )
        doors = [
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=args.vpc_id,
                service_name=service_name(args.environment, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=args.subnet_ids,
                security_group_ids=[group.id],
                tags=tags,
                opts=child,
            )
            for service in args.services
        ]
        s3 = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            # A gateway's name has the same beginning everywhere.
            service_name=f"com.amazonaws.{args.environment.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=args.route_table_ids,
            policy=args.s3_policy,
            tags=tags,
            opts=child,
        )
        self.security_group_id = pulumi.Output.all(group.id, *(door.id for door in doors)).apply(
            lambda ids: ids[0]
        )
        self.s3_prefix_list_id = s3.prefix_list_id
        self.register_outputs(
            {"securityGroupId": self.security_group_id, "s3PrefixListId": self.s3_prefix_list_id}
        )
