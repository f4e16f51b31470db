"""Deploy the network of a stack, or find an existing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.aws import endpoint_services, naming
from infra.aws import policies as iam
from infra.network import existing_vpc, vpc
from infra.network.endpoints import PrivateEndpoints, PrivateEndpointsArgs
from infra.network.existing_vpc import SubnetQuery
from infra.network.flow_logs import FlowLogs, FlowLogsArgs
from infra.network.vpc import VpcArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.network.vpc import Network
    from infra.program.log_groups import LogGroups
    from infra.settings import Settings


VPC_NAME: Final = "network"
"""Logical name of the VPC that a stack creates."""


def deploy_network(
    settings: Settings, environment: AwsEnvironment, log_groups: LogGroups
) -> Network:
    """Register the VPC with its flow logs, or the flow logs of an existing one.

    Raises:
        SettingsError: There is no such VPC, or it lacks subnets or zones; nothing was registered.
    """
    network = _existing(settings) if settings.network.existing_vpc else _created(settings)
    if settings.network.flow_logs:
        FlowLogs(
            "flow-logs",
            FlowLogsArgs(
                aws_environment=environment,
                vpc_id=network.vpc_id,
                rejected_only=settings.network.flow_logs == "reject",
                log_group=log_groups.args(
                    naming.flow_log_group(settings.stack),
                    retention_days=settings.network.flow_log_retention_days,
                ),
                permissions_boundary_arn=settings.keys.permissions_boundary_arn,
                tags=settings.tags,
            ),
        )
    return network


def deploy_endpoints(
    settings: Settings, environment: AwsEnvironment, network: Network
) -> PrivateEndpoints | None:
    """Register the VPC endpoints, if tasks reach AWS only through these."""
    if not settings.network.endpoints:
        return None
    statements: list[Mapping[str, Any]] = []
    for service in settings.services:
        statements += service.secrets.task_policy_statements
    return PrivateEndpoints(
        "endpoints",
        PrivateEndpointsArgs(
            aws_environment=environment,
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            route_table_ids=network.task_route_table_ids,
            s3_policy=iam.s3_endpoint(environment, statements),
            services=endpoint_services.needed(
                secret_services=settings.secret_services,
                ecs_exec=settings.operation.ecs_exec,
                session_key=settings.keys.exec_key_arn is not None,
                instances=bool(settings.services_on_instances),
            ),
            tags=settings.tags,
        ),
    )


def _created(settings: Settings) -> Network:
    return vpc.create(
        VPC_NAME,
        VpcArgs(
            cidr=settings.network.vpc_cidr,
            zones=settings.network.availability_zone_count,
            private_tasks=settings.network.private_tasks,
            internal=settings.edge.internal,
            gateways=settings.network.nat_gateways,
            private_dns=settings.network.endpoints,
            ipv6=settings.network.dual_stack,
            deletion_protection=settings.operation.deletion_protection,
            tags=settings.tags,
        ),
    )


def _existing(settings: Settings) -> Network:
    balancer = SubnetQuery(
        key="subnet",
        # An internal load balancer is in private subnets, unless it shares them with tasks that
        # have public addresses.
        public=not (settings.network.private_tasks and settings.edge.internal),
        ids=settings.network.subnet_ids,
        tags=settings.network.subnet_tags,
        ipv6=settings.network.dual_stack,
    )
    tasks = SubnetQuery(
        key="taskSubnet",
        public=False,
        ids=settings.network.task_subnet_ids,
        tags=settings.network.task_subnet_tags,
    )
    return existing_vpc.find(
        vpc_id=settings.network.vpc_id,
        vpc_tags=settings.network.vpc_tags,
        balancer=balancer,
        tasks=tasks if settings.network.private_tasks else None,
    )
