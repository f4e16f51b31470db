"""The composition root: deploy a stack, area by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.aws.environment import AwsEnvironment
from infra.program import preflight
from infra.program.cluster import deploy_cluster
from infra.program.edge import deploy_alias, deploy_ingress, find_zone
from infra.program.network import deploy_endpoints, deploy_network
from infra.program.service import deploy_service

if TYPE_CHECKING:
    import pulumi

    from infra.settings import Settings


def deploy(settings: Settings) -> dict[str, pulumi.Output[str]]:
    """Register every resource of the stack, and return its outputs by name.

    Raises:
        SettingsError: Something that exists already (a VPC, a zone, a cluster) can't be used;
            nothing was registered.
    """
    environment = _aws_environment()
    preflight.check(settings, environment)
    zone_id = find_zone(settings)
    network = deploy_network(settings, environment)
    cluster = deploy_cluster(settings)
    ingress = deploy_ingress(settings, environment, network, zone_id)
    endpoints = deploy_endpoints(settings, environment, network)
    web = deploy_service(settings, environment, network, endpoints, cluster, ingress)
    deploy_alias(settings, zone_id, ingress, after=web.serving)
    outputs = {
        "albDns": ingress.alb_dns,
        "serviceUrl": ingress.url,
        "clusterName": cluster.cluster_name,
        "serviceName": web.service_name,
        "targetGroupArn": web.target_group_arn,
        "webLogGroup": web.log_group,
        "execLogGroup": cluster.exec_log_group,
    }
    return {name: value for name, value in outputs.items() if value is not None}


def _aws_environment() -> AwsEnvironment:
    """Look up the account and region that the provider deploys to."""
    partition = aws.get_partition()
    return AwsEnvironment(
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
        region=aws.get_region().region,
        account=aws.get_caller_identity().account_id,
    )
