"""VPC endpoints of AWS's services, for tasks without a route to the internet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra.aws import endpoint_services, naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.aws.environment import AwsEnvironment


@dataclass(kw_only=True)
class PrivateEndpointsArgs:
    """Arguments of PrivateEndpoints."""

    aws_environment: AwsEnvironment
    """Account and region of the VPC."""

    vpc_id: pulumi.Input[str]
    """VPC that gets the endpoints, with DNS resolution and DNS hostnames enabled."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets that get a network interface of each endpoint, one a zone."""

    route_table_ids: pulumi.Input[Sequence[str]]
    """Route tables of the tasks; they get a route to S3."""

    s3_policy: str
    """Policy of the S3 endpoint."""

    services: Sequence[str]
    """Names like `ecr.api`; each costs by the hour and zone."""

    tags: dict[str, str]
    """Tags of the endpoints and of their security group."""


class PrivateEndpoints(pulumi.ComponentResource):
    """Interface endpoints behind one security group, and S3's gateway endpoint.

    The group allows no connections: the service that uses the endpoints adds the rules.
    """

    security_group_id: pulumi.Output[str]
    """Security group of the interface endpoints. It resolves once all of them exist, as tasks need
    them to start.
    """

    resources: Sequence[pulumi.Resource]
    """The endpoints."""

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
        interfaces: list[aws.ec2.VpcEndpoint] = []
        for service in args.services:
            interface = aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=args.vpc_id,
                service_name=endpoint_services.service_name(args.aws_environment, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=args.subnet_ids,
                security_group_ids=[group.id],
                tags=tags,
                opts=child,
            )
            interfaces.append(interface)
        s3 = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            # A gateway's name has the same beginning everywhere.
            service_name=f"com.amazonaws.{args.aws_environment.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=args.route_table_ids,
            policy=args.s3_policy,
            tags=tags,
            opts=child,
        )
        existing = pulumi.Output.all(group.id, *(each.id for each in interfaces))
        self.security_group_id = existing.apply(lambda ids: ids[0])
        self.resources = [*interfaces, s3]
        self.s3_prefix_list_id = s3.prefix_list_id
        self.register_outputs(
            {"securityGroupId": self.security_group_id, "s3PrefixListId": self.s3_prefix_list_id}
        )
